"""Who acts: accounts, passwords, second factors, sessions; nothing else opens a session."""
