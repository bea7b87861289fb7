"""Units, people, settings, keys, duty roster."""
