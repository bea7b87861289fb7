"""What keeps an installation going: the version gate, beats, alarms, the hold after a restore, backups."""
