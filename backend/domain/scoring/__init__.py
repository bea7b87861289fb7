"""Marks (赋分): from counted facts and a scheme kept as data to a score sheet anyone can redo by hand (B9-B12)."""
