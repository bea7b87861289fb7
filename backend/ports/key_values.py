"""Stores single values that survive a restart and are shared by all processes."""

from collections.abc import Mapping
from typing import Protocol


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
