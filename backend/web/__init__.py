"""The web door: REST, hooks, events, meters and the console; it translates and forwards, and decides nothing."""
