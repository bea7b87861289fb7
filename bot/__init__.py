"""The chat bot: an adapter on aiogram, one small file per action; it contains no rules."""
