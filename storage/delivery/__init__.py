"""Outbox, inbox, cards, chat state, rate limits."""
