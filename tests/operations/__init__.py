"""What keeps an installation going: beats, health, alarms, backups, the hold after a restore."""
