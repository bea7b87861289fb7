"""Texts to requesters: one of a kind per round, claimed before the carrier is asked."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import BigInteger, Connection, Text, bindparam, func, select, update

from backend.domain.instants import to_micros
from backend.ports.visits import RequesterText
from storage import tables as t
from storage.engine.database import Database
from storage.engine.dialect import insert_new
from storage.engine.encryption import Encryption
from storage.engine.ids import IdSupply
from storage.engine.mapping import RowMapper, encode

X = t.requester_texts.c
_TEXT = RowMapper(RequesterText)
_OPEN_STATES = ("pending", "sending", "sent")
_SELECT_TEXTS = select(*(t.tickets.c.ticket_no if name == "ticket_no" else X[name] for name in _TEXT.names)).join(
    t.tickets, t.tickets.c.id == X.ticket_id
)
_LIST_DUE = _SELECT_TEXTS.where(X.next_at <= bindparam("now")).order_by(X.next_at, X.id).limit(bindparam("limit"))
_FIND_AWAITING_ANSWER = (
    _SELECT_TEXTS.where(
        X.phone_index == bindparam("phone"),
        X.two_way,
        X.answered.is_(None),
        X.state.in_(_OPEN_STATES),
        X.next_at.is_not(None),
    )
    .order_by(X.id.desc())
    .limit(1)
)
_LIST_BY_TICKET = _SELECT_TEXTS.where(X.ticket_id == bindparam("ticket")).order_by(X.id)
# an update also sets the columns that are among its parameters
_UPDATE_TEXT = update(t.requester_texts).where(X.id == bindparam("b_id"))
_CLAIM = _UPDATE_TEXT.where(X.state == "pending", X.next_at <= bindparam("b_now")).values(
    state="sending", attempts=X.attempts + 1
)
_GIVEN = {name: bindparam(f"b_{name}", type_=Text) for name in ("provider_id", "error", "cost")}
_SETTLE = _UPDATE_TEXT.values({name: func.coalesce(given, X[name]) for name, given in _GIVEN.items()})
_SETTLE_SENT = _SETTLE.values(sent_at=func.coalesce(X.sent_at, bindparam("b_now", type_=BigInteger)))
_RECORD_REPORT = _UPDATE_TEXT.where(
    func.coalesce(X.provider_id, _GIVEN["provider_id"]) == _GIVEN["provider_id"]
).values(provider_id=_GIVEN["provider_id"], error=func.coalesce(_GIVEN["error"], X.error))
_RECORD_ANSWER = _UPDATE_TEXT.where(X.answered.is_(None)).values(next_at=None)


class SqlRequesterTextStore:
    """`RequesterTextStore` on either engine."""

    def __init__(self, db: Database, ids: IdSupply, vault: Encryption) -> None:
        self._db = db
        self._ids = ids
        self._vault = vault
        self._insert_text = insert_new(db.dialect, t.requester_texts)
        self._claim = _CLAIM.where(db.gate.is_admitted("outbox"))

    async def enqueue(
        self, ticket_id: int, kind: str, round_: int, phone: str, masked: str, two_way: bool, now: datetime,
        *, page: bool = False,
    ) -> bool:  # fmt: skip
        await self._ids.refill(1)
        row = {
            "id": self._ids.take(), "ticket_id": ticket_id, "kind": kind, "round": round_, "to_masked": masked,
            "phone_index": self._vault.blind_index(phone), "two_way": two_way, "page": page, "state": "pending", "next_at": to_micros(now),
            "created_at": to_micros(now),
        }  # fmt: skip
        return await self._db.execute(self._insert_text, row) == 1

    async def list_due(self, now: datetime, limit: int) -> Sequence[RequesterText]:
        given = {"now": to_micros(now), "limit": limit}
        return await self._db.read(lambda c: [_TEXT.read(r) for r in c.execute(_LIST_DUE, given)])

    async def claim(self, text_id: int, now: datetime, until: datetime) -> bool:
        taken = {"b_id": text_id, "b_now": to_micros(now), "next_at": to_micros(until)}
        return await self._db.execute(self._claim, taken) == 1

    async def settle(
        self, text_id: int, state: str, now: datetime, *, next_at: datetime | None = None,
        provider_id: str | None = None, error: str | None = None, cost: str | None = None,
    ) -> None:  # fmt: skip
        settled: dict[str, object] = {
            "b_id": text_id, "state": state, "next_at": encode(next_at),
            "b_provider_id": provider_id, "b_error": error, "b_cost": cost,
        }  # fmt: skip
        if state == "sent":
            settled["b_now"] = to_micros(now)
        await self._db.execute(_SETTLE_SENT if state == "sent" else _SETTLE, settled)

    async def record_report(self, text_id: int, provider_id: str, status: str, error: str) -> bool:
        told = {"b_id": text_id, "b_provider_id": provider_id, "status": status, "b_error": error or None}
        return await self._db.execute(_RECORD_REPORT, told) == 1

    async def find_awaiting_answer(self, phone: str) -> RequesterText | None:
        def work(c: Connection) -> RequesterText | None:
            row = c.execute(_FIND_AWAITING_ANSWER, {"phone": self._vault.blind_index(phone)}).first()
            return None if row is None else _TEXT.read(row)

        return await self._db.read(work)

    async def record_answer(self, text_id: int, answer: str, now: datetime) -> bool:
        given = {"b_id": text_id, "answered": answer, "answered_at": to_micros(now)}
        return await self._db.execute(_RECORD_ANSWER, given) == 1

    async def list_by_ticket(self, ticket_id: int) -> Sequence[RequesterText]:
        return await self._db.read(lambda c: list_texts(c, ticket_id))


def list_texts(c: Connection, ticket_id: int) -> list[RequesterText]:
    """List the texts of a ticket, oldest first, within a transaction."""
    return [_TEXT.read(r) for r in c.execute(_LIST_BY_TICKET, {"ticket": ticket_id})]
