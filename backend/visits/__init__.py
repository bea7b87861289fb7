"""Return visits: manual visits, the do-not-call list, texts to requesters, and statistics."""
