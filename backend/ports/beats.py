"""Beats: what each process says of itself every few seconds, and what all of them have said lately (XR8)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Beat:
    """The newest beat of a process. `number` counts its beats from 1; 0: a role that its last process left behind."""

    process: str
    host: str
    roles: tuple[str, ...]
    code: str  # version of the tables its code was written for
    workers: Mapping[str, float] = field(default_factory=dict)  # name → seconds since the last finished work, then
    lane_head: Mapping[str, datetime] = field(default_factory=dict)  # channel → when its oldest due message was due
    number: int = 0
    age: timedelta = timedelta()  # by the database's clock of leases

    def is_alive(self, silence: timedelta) -> bool:
        """Whether the process beat less than `silence` ago."""
        return self.number > 0 and self.age < silence


class BeatStore(Protocol):
    """Stores beats."""

    async def beat(self, own: Beat, channels: Sequence[str], now: datetime) -> Sequence[Beat]:
        """Store a beat with the heads of these channels' queues at office time `now`; return all beats by process.

        Rows older than a day are removed.
        """
        ...

    async def stop(self, process: str, silence: timedelta) -> None:
        """Remove a process that stops cleanly; a role it leaves without a living process stays, unless none lives."""
        ...

    async def list_beats(self) -> Sequence[Beat]:
        """List the newest beat of every process of the last day, by process."""
        ...
