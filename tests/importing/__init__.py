"""Files in, row by row, on both engines."""
