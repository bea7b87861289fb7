"""How hard a secret would be to guess, estimated from its characters (XS9)."""

import math
from collections import Counter
from itertools import pairwise

MIN_LENGTH = 32  # characters
MIN_BITS = 100.0
SHARED_BITS = 40.0  # of secrets shared with a provider, which may be shorter


def is_strong_secret(secret: str, length: int = MIN_LENGTH, bits: float = MIN_BITS) -> bool:
    """Return whether a secret is long and varied enough."""
    return len(secret) >= length and estimate_bits(secret) >= bits


def estimate_bits(secret: str) -> float:
    """Estimate bits: the entropy of its characters, times those that neither repeat a pattern nor go on in a row."""
    steps = [ord(b) - ord(a) for a, b in pairwise(secret)]
    fresh = 1 + sum(1 for former, step in zip([None, *steps], steps, strict=False) if step != former)
    period = (secret + secret).find(secret, 1)
    counts = Counter(secret)
    entropy = -sum(n / len(secret) * math.log2(n / len(secret)) for n in counts.values()) if secret else 0.0
    return entropy * min(fresh, period if period > 0 else len(secret))
