"""Tickets arrive and are acted on."""
