"""The whole application among simulated people with chats and telephones, and a clock that is moved."""
