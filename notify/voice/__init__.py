"""Voice carriers, one file each, found by presence."""
