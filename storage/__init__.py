"""Stores data and makes no decisions; one file per port, the same on SQLite and PostgreSQL."""
