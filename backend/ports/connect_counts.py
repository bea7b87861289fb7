"""接通情况: what an institution was offered and took in, by day and channel (B14, B15, XD14)."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol

ConnectPlace = tuple[str, str, str]  # institution, ISO day, channel


@dataclass(frozen=True, slots=True)
class ConnectCount:
    """One day of one channel: calls or items offered (来话), answered (接通), abandoned (放弃; None: not told)."""

    unit: str
    day: str
    channel: str
    offered: int
    answered: int
    abandoned: int | None = None

    @property
    def place(self) -> ConnectPlace:
        """What it is the count of."""
        return self.unit, self.day, self.channel


@dataclass(frozen=True, slots=True)
class ConnectSum:
    """A channel's counts, added over so many days."""

    unit: str
    channel: str
    days: int
    offered: int
    answered: int
    abandoned: int | None


class ConnectStore(Protocol):
    """Reads counts by day and channel."""

    async def sum_connect_counts(self, first: date, end: date, as_of: datetime) -> Sequence[ConnectSum]:
        """Add the counts of the days from `first` to before `end` up, as known at `as_of`, by unit and channel."""
        ...

    async def find_connect_counts(self, places: Collection[ConnectPlace]) -> Mapping[ConnectPlace, ConnectCount]:
        """Return the counts in force at these places."""
        ...

    async def list_connect_channels(self, unit: str, month: str) -> frozenset[str]:
        """Return the channels an institution has counts of in a month."""
        ...

    async def list_connect_lines(self, months: Collection[str]) -> frozenset[tuple[str, str, str]]:
        """Return (unit, month, channel) of ledger lines with counts (`connect`), entered or accepted; "": all channels."""
        ...
