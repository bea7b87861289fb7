"""Tickets, their moves, files and queries."""
