"""Chat networks, one file or package each, found by presence."""
