"""Limits updates per user: a token bucket each, refilled at human speed (FT35)."""

from dataclasses import dataclass, field

BURST = 40  # updates at once
PER_SECOND = 2.0
PRESS = 0.05  # cost of a button press: working through a long list takes many
SAID_EVERY = 60.0  # seconds between two "too many" hints
FORGET_OVER = 10_000  # users kept in memory


@dataclass(slots=True)
class Bucket:
    """Tokens one user has left; instants are monotonic seconds."""

    left: float
    at: float
    said_at: float = -SAID_EVERY


@dataclass
class Flood:
    """The buckets of all users of this process."""

    buckets: dict[str, Bucket] = field(default_factory=dict)

    def allow(self, user: str, now: float, cost: float = 1.0) -> bool:
        """Take `cost` from the user's bucket; False when too little is left."""
        bucket = self.buckets.get(user)
        if bucket is None:
            if len(self.buckets) > FORGET_OVER:
                self.buckets.clear()
            bucket = self.buckets[user] = Bucket(BURST, now)
        bucket.left = min(BURST, bucket.left + (now - bucket.at) * PER_SECOND)
        bucket.at = now
        if bucket.left < cost:
            return False
        bucket.left -= cost
        return True

    def may_say(self, user: str, now: float) -> bool:
        """Whether to send the "too many" hint again; True starts a new pause."""
        bucket = self.buckets.get(user)
        if bucket is None or now - bucket.said_at < SAID_EVERY:
            return False
        bucket.said_at = now
        return True
