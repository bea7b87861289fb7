"""Idempotency keys of the API."""
