"""Ids for new rows, claimed from the database in blocks, so that a plan knows its ids before it is written."""

import threading

from sqlalchemy import Connection, text

from storage.engine.database import Database

BLOCK_SIZE = 4_096
REFILL_BELOW = 1_024  # claim the next block when fewer are left

_CLAIM = text(
    "INSERT INTO id_blocks (name, next) VALUES ('rows', :first) "
    "ON CONFLICT (name) DO UPDATE SET next = id_blocks.next + :block RETURNING next"
)


class IdSupply:
    """A supply of ids. `take` never waits; await `refill` before work that needs ids."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._lock = threading.Lock()
        self._next = 0
        self._end = 0
        self._spare: list[tuple[int, int]] = []

    async def refill(self, need: int = REFILL_BELOW) -> None:
        """Make sure that at least `need` ids are available."""
        while self.count_left() < need:
            block = max(BLOCK_SIZE, need)

            def claim(connection: Connection, block: int = block) -> int:
                return int(connection.execute(_CLAIM, {"first": block + 1, "block": block}).scalar_one())

            end = await self._db.write(claim)
            with self._lock:
                self._spare.append((end - block, end))

    def count_left(self) -> int:
        """Return how many ids are available."""
        with self._lock:
            return self._end - self._next + sum(end - first for first, end in self._spare)

    def take(self) -> int:
        """Return the next id. Raises RuntimeError if `refill` was not called in time."""
        with self._lock:
            if self._next >= self._end:
                if not self._spare:
                    raise RuntimeError("no ids at hand: refill first")
                self._next, self._end = self._spare.pop(0)
            self._next += 1
            return self._next - 1
