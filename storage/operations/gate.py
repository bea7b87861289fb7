"""Reads the version gate for services; statements ask it themselves (storage/engine/gate.py)."""

from collections.abc import Sequence

from storage.engine.database import Database
from storage.engine.gate import read_rows


class SqlGateStore:
    """`GateStore` on either engine."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def list_closed(self) -> Sequence[str]:
        return self._db.gate.list_closed(await self._db.read(read_rows))
