"""Stores of the version gate, of the beats of all processes, and of backups."""
