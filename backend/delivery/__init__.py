"""Delivery: message kinds, buttons, fallbacks, the send queue, and shared rate limits."""
