"""One-time pages for rating, found by the hash of their secret."""

from datetime import datetime, timedelta

from sqlalchemy import Connection, bindparam, delete, insert, select

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
_DELETE_OLD = delete(t.rating_pages).where(P.expires_at < bindparam("before"), P.by == BY_TEXT)
_INSERT_PAGE = insert(t.rating_pages)
_FIND_OPEN = (
    select(P.id)
    .where(P.ticket_id == bindparam("ticket"), P.round == bindparam("round"), P.expires_at > bindparam("now"))
    .where(P.by != bindparam("besides"))
    .limit(1)
)
_FIND_PAGE = select(*_PAGE.columns(t.rating_pages)).where(P.token_hash == bindparam("token_hash"))
_LIST_HANDED = (
    select(P.by, P.created_at, P.expires_at).where(P.ticket_id == bindparam("ticket"), P.by != BY_TEXT).order_by(P.id)
)


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
            c.execute(_DELETE_OLD, {"before": to_micros(now - KEPT)})
            c.execute(_INSERT_PAGE, row)

        await self._db.write(work)
        return token

    async def is_open(self, ticket_id: int, round_: int, now: datetime, *, besides: str = "") -> bool:
        given = {"ticket": ticket_id, "round": round_, "now": to_micros(now), "besides": besides}
        return await self._db.read(lambda c: c.execute(_FIND_OPEN, given).first()) is not None

    async def find(self, token: str) -> RatingPage | None:
        def work(c: Connection) -> RatingPage | None:
            row = c.execute(_FIND_PAGE, {"token_hash": hash_secret(token)}).first()
            return None if row is None else _PAGE.read(row)

        return await self._db.read(work)


def list_handed(c: Connection, ticket_id: int) -> list[HandedPageView]:
    """List the pages the office handed over for a ticket, oldest first, within a transaction: they stay in its history."""
    return [_HANDED.read(row) for row in c.execute(_LIST_HANDED, {"ticket": ticket_id})]
