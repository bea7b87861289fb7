"""Limits updates per user: a token bucket each, refilled at human speed (FT35)."""

from dataclasses import dataclass, field

BURST = 40  # updates at once
PER_SECOND = 2.0
PRESS_COST = 0.05  # cost of a button press: working through a long list takes many
WARN_INTERVAL = 60.0  # seconds between two "too many" hints
MAX_USERS = 10_000  # users kept in memory


@dataclass(slots=True)
class UserBucket:
    """Tokens one user has left; instants are monotonic seconds."""

    tokens: float
    updated_at: float
    warned_at: float = -WARN_INTERVAL


@dataclass
class FloodLimiter:
    """The buckets of all users of this process."""

    buckets: dict[str, UserBucket] = field(default_factory=dict)

    def try_take(self, user: str, now: float, cost: float = 1.0) -> bool:
        """Take `cost` from the user's bucket; False when too little is left."""
        bucket = self.buckets.get(user)
        if bucket is None:
            if len(self.buckets) > MAX_USERS:
                self.buckets.clear()
            bucket = self.buckets[user] = UserBucket(BURST, now)
        bucket.tokens = min(BURST, bucket.tokens + (now - bucket.updated_at) * PER_SECOND)
        bucket.updated_at = now
        if bucket.tokens < cost:
            return False
        bucket.tokens -= cost
        return True

    def may_warn(self, user: str, now: float) -> bool:
        """Whether to send the "too many" hint again; True starts a new pause."""
        bucket = self.buckets.get(user)
        if bucket is None or now - bucket.warned_at < WARN_INTERVAL:
            return False
        bucket.warned_at = now
        return True
