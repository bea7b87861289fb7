"""Counts, ledgers, registers and runs."""
