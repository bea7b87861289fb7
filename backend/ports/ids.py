"""Supplies ids of new rows."""

from typing import Protocol


class IdSupply(Protocol):
    """A supply of ids; await `refill` before work that takes some."""

    async def refill(self, need: int = ...) -> None:
        """Make sure that at least `need` ids are available."""
        ...

    def take(self) -> int:
        """Return the next id. Raises RuntimeError if `refill` was not called in time."""
        ...
