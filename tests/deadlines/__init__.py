"""Time limits under a clock that jumps, and after an outage."""
