"""What keeps an installation going: backups, the hold after a restore."""
