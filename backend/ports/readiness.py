"""Reminders sent to units that are not ready (A39)."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True)
class ReadinessReminder:
    """催报: a unit was reminded of what it lacks."""

    unit: str
    at: datetime
    by: str
    note: str


class ReadinessStore(Protocol):
    """Stores reminders."""

    async def add(self, chase: ReadinessReminder) -> None:
        """Add a reminder."""
        ...

    async def list_latest(self) -> Mapping[str, ReadinessReminder]:
        """Return the newest reminder of each unit."""
        ...
