"""Telephone calls: notification calls, return visits, bridges, and incoming calls."""
