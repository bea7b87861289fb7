"""The intake, imports and verifying of the house, on both engines."""
