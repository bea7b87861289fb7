"""Short-message carriers, one file each, found by their presence."""
