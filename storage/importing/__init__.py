"""Imports and rows of the older platform's history."""
