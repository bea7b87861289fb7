"""Messaging channels, one file each, found by their presence."""
