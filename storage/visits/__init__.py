"""Return visits, do-not-call list, texts to requesters."""
