"""Telephone lines, one file each, found by their presence."""
