"""Rate-limit buckets shared by several processes."""

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

#: bucket → its state
BucketStates = Mapping[str, tuple[float, ...]]


class RateLimitStore(Protocol):
    """Stores bucket states that one process at a time may change."""

    async def update(
        self, buckets: Sequence[str], decide: Callable[[BucketStates], BucketStates | None], keep_seconds: float
    ) -> None:
        """Read these buckets, decide and write the result atomically; None writes nothing.

        `decide` may run again after a collision; `keep` is for how many seconds the states matter.
        """
        ...
