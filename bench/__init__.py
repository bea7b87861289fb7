"""Benchmarks: each file measures one piece of work against the cheapest honest way to do it."""
