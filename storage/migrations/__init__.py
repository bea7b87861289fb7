"""How the tables came to be: one file a change, in `versions/`, the same for both engines."""
