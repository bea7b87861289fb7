"""What the courier knows by heart: kinds of letters, buttons, next contacts, shared pace."""
