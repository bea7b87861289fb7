"""Ids for new rows, and single values by name."""

from collections.abc import Mapping
from typing import Protocol


class IdSupply(Protocol):
    """A supply of ids; await `refill` before work that takes some."""

    async def refill(self, need: int = ...) -> None:
        """Make sure that at least `need` ids are available."""
        ...

    def take(self) -> int:
        """Return the next id. Raises RuntimeError if `refill` was not called in time."""
        ...


class KeyValueStore(Protocol):
    """Named values."""

    async def get(self, name: str) -> str | None:
        """Return a stored value, or None."""
        ...

    async def list_by_prefix(self, prefix: str) -> Mapping[str, str]:
        """Return all values whose names start with a prefix."""
        ...

    async def put(self, name: str, value: str) -> None:
        """Store a value under a name, replacing any earlier one."""
        ...
