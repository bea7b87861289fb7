"""Calls, their attempts and what was said."""
