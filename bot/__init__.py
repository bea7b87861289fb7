"""The chat bot: one for all networks, which it knows by what they can do; one file per subject; it contains no rules."""
