"""The rehearsal town: a chat network and a phone network on this machine, speaking the real wire protocols."""
