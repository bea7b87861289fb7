"""Rate-limit buckets shared by several processes."""

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

#: bucket → its state
BucketStates = Mapping[str, tuple[float, ...]]
#: states and the time in seconds → states to write, None for nothing
Decide = Callable[[BucketStates, float], BucketStates | None]


class RateLimitStore(Protocol):
    """Stores bucket states that one process at a time may change."""

    async def update(self, buckets: Sequence[str], decide: Decide, keep_seconds: float) -> None:
        """Read these buckets, decide and write the result atomically; None writes nothing.

        `decide` is given the store's own time, read after the states (XR1), and may run again after a collision; `keep` is for how many seconds the states matter.
        """
        ...
