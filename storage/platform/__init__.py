"""Moves to be written back to the external platform."""
