"""Chat networks, one file each, found by presence."""
