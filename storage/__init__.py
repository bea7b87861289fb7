"""The shelves: keeps, and does not decide; one file per port, the same on SQLite and PostgreSQL."""
