"""Migrations: one file per change in `versions/`, the same for both engines."""
