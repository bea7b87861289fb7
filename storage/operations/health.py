"""What health asks of the database besides beats and findings."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import Connection, func, select

from backend.domain.instants import from_micros, to_micros
from backend.ports.operations import Waiting
from storage import tables as t
from storage.engine.database import Database
from storage.engine.mapping import decode_instant
from storage.operations.waiting import merge_heads, read_heads

_COUNT_HELD = select(func.count()).where(t.gate.c.held.is_(True))
_FIND_OLDEST_UPDATE = select(func.min(t.inbox.c.received_at)).where(t.inbox.c.state == "new")


class SqlHealthStore:
    """`HealthStore` on either engine."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def list_obstacles(self) -> Sequence[str]:
        return ["held"] if await self._db.fetch_count(_COUNT_HELD) else []

    async def read_waiting(self, channels: Sequence[str], now: datetime) -> Waiting:
        def work(c: Connection) -> Waiting:
            urgent = read_heads(c, channels, to_micros(now), urgent=True)
            others = read_heads(c, channels, to_micros(now), urgent=False)
            oldest = decode_instant(c.execute(_FIND_OLDEST_UPDATE).scalar())
            return Waiting(_decode(urgent), _decode(merge_heads(urgent, others)), oldest)

        return await self._db.read(work)


def _decode(heads: Mapping[str, int]) -> dict[str, datetime]:
    return {channel: from_micros(at) for channel, at in heads.items()}
