"""The clocks under a clock that jumps and after an outage."""
