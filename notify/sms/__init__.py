"""SMS gateways, one file each, found by presence."""
