"""Uploaded files are judged as a whole."""
