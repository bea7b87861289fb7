"""Scoring (赋分): turn counted facts and a scheme (data) into a score sheet anyone can redo by hand (B9-B12)."""
