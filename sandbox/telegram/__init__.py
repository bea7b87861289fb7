"""Simulated Telegram: a Bot API server and the people who use the bot."""
