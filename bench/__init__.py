"""How fast, and against what: each file measures one piece of work against the cheapest honest way to do it."""
