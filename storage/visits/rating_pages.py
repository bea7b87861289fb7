"""One-time pages for rating, found by the hash of their secret."""

from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, insert, select

from backend.domain.chance import Chance
from backend.domain.instants import to_micros
from backend.ports.ticket_queries import HandedPageView
from backend.ports.visits import BY_TEXT, RatingPage
from storage import tables as t
from storage.engine.database import Database
from storage.engine.ids import IdSupply
from storage.engine.mapping import RowMapper
from storage.office.api_keys import hash_secret

TOKEN_BYTES = 16
KEPT = timedelta(days=90)  # how long an expired page of a text can still say that it was answered
P = t.rating_pages.c
_PAGE, _HANDED = RowMapper(RatingPage), RowMapper(HandedPageView)


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
            c.execute(delete(t.rating_pages).where(P.expires_at < to_micros(now - KEPT), P.by == BY_TEXT))
            c.execute(insert(t.rating_pages).values(row))

        await self._db.write(work)
        return token

    async def is_open(self, ticket_id: int, round_: int, now: datetime, *, besides: str = "") -> bool:
        query = select(P.id).where(P.ticket_id == ticket_id, P.round == round_, P.expires_at > to_micros(now))
        return await self._db.fetch_first(query.where(P.by != besides).limit(1)) is not None

    async def find(self, token: str) -> RatingPage | None:
        query = select(P.ticket_id, P.round, P.expires_at).where(P.token_hash == hash_secret(token))
        return await self._db.fetch_one(query, _PAGE.read)


def list_handed(c: Connection, ticket_id: int) -> list[HandedPageView]:
    """List the pages the office handed over for a ticket, oldest first, within a transaction: they stay in its history."""
    query = select(P.by, P.created_at, P.expires_at).where(P.ticket_id == ticket_id, P.by != BY_TEXT)
    return [_HANDED.read(row) for row in c.execute(query.order_by(P.id))]
