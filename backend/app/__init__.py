"""Composes and runs one process: configuration, construction, drivers, workers."""
