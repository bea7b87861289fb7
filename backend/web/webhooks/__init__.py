"""What carriers, gateways and the external platform call."""
