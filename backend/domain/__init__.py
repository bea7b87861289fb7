"""Pure decision rules from the official documents: standard library only, no await, no clock."""
