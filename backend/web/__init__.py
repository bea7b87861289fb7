"""Web adapter: REST API, webhooks, events, metrics and the console; it translates and forwards, and decides nothing."""
