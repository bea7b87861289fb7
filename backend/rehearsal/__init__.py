"""A sample city and a clock that can be moved."""
