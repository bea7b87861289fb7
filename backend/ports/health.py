"""What health asks of the database besides beats and findings: obstacles, and since when work waits."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Waiting:
    """Since when the oldest of each queue is due: office time of messages by channel, real time of the inbox."""

    urgent: Mapping[str, datetime] = field(default_factory=dict)
    messages: Mapping[str, datetime] = field(default_factory=dict)
    inbox: datetime | None = None


class HealthStore(Protocol):
    """Short reads of what stands in the way."""

    async def list_obstacles(self) -> Sequence[str]:
        """List the codes of what keeps the whole installation from working, such as `held`."""
        ...

    async def read_waiting(self, channels: Sequence[str], now: datetime) -> Waiting:
        """Read the heads of these channels' queues at office time `now`, and the inbox's."""
        ...
