"""One-time pages for rating, found by the hash of their secret."""

from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, insert, select

from backend.domain.chance import Chance
from backend.domain.instants import to_micros
from backend.ports.visits import RatingPage
from storage import tables as t
from storage.engine.database import Database
from storage.engine.ids import IdSupply
from storage.engine.mapping import RowMapper
from storage.office.api_keys import hash_secret

TOKEN_BYTES = 16
KEPT = timedelta(days=90)  # how long an expired page can still say that it was answered
P = t.rating_pages.c
_PAGE = RowMapper(RatingPage)


class SqlRatingPageStore:
    """`RatingPageStore` on either engine."""

    def __init__(self, db: Database, ids: IdSupply, chance: Chance) -> None:
        self._db = db
        self._ids = ids
        self._chance = chance

    async def create(self, page: RatingPage, by: str, now: datetime) -> str:
        await self._ids.refill(1)
        token = self._chance.token(TOKEN_BYTES)
        row = {
            "id": self._ids.take(), "token_hash": hash_secret(token), "ticket_id": page.ticket_id, "round": page.round,
            "by": by, "created_at": to_micros(now), "expires_at": to_micros(page.expires_at),
        }  # fmt: skip

        def work(c: Connection) -> None:
            c.execute(delete(t.rating_pages).where(P.expires_at < to_micros(now - KEPT)))
            c.execute(insert(t.rating_pages).values(row))

        await self._db.write(work)
        return token

    async def is_open(self, ticket_id: int, round_: int, now: datetime) -> bool:
        query = select(P.id).where(P.ticket_id == ticket_id, P.round == round_, P.expires_at > to_micros(now)).limit(1)
        return await self._db.fetch_first(query) is not None

    async def find(self, token: str) -> RatingPage | None:
        query = select(P.ticket_id, P.round, P.expires_at).where(P.token_hash == hash_secret(token))
        return await self._db.fetch_one(query, _PAGE.read)
