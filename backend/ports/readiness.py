"""What the readiness room needs of its shelf: which unit was reminded when."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Chase:
    """催报: a unit was reminded of what it lacks."""

    unit: str
    at: datetime
    by: str
    note: str


class ChaseStore(Protocol):
    """storage/readiness.py."""

    async def add(self, chase: Chase) -> None:
        """Keep one."""
        ...

    async def last(self) -> Mapping[str, Chase]:
        """The newest of each unit."""
        ...
