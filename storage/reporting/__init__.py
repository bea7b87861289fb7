"""Bulletins and what they count."""
