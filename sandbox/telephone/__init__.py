"""Telephones that any simulated carrier rings: how they behave, what is heard and pressed on them."""
