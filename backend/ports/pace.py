"""What several processes remember together of how fast they have been speaking."""

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

#: bucket → what is remembered of it
States = Mapping[str, tuple[float, ...]]


class PaceStore(Protocol):
    """A shelf that lets one at a time change some buckets."""

    async def change(self, keys: Sequence[str], decide: Callable[[States], States | None], keep: float) -> None:
        """Read these buckets, decide, and write the answer, with nobody in between; None writes nothing.

        `decide` may run again after a collision; `keep` is for how many seconds the states matter.
        """
        ...
