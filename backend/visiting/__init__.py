"""Return visits beside the machine's calls: tasks of people, the do-not-visit list, texts to callers, and the figures."""
