"""The REST door, one file for each thing it is about."""
