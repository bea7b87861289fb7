"""Files come in, row by row."""
