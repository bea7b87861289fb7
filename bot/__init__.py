"""The chat bot: an adapter on aiogram, one file per subject; it contains no rules."""
