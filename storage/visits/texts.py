"""Texts to requesters: one of a kind per round, claimed before the carrier is asked."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, func, select, update

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


class SqlRequesterTextStore:
    """`RequesterTextStore` on either engine."""

    def __init__(self, db: Database, ids: IdSupply, vault: Encryption) -> None:
        self._db = db
        self._ids = ids
        self._vault = vault

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
        return await self._db.execute(insert_new(self._db.dialect, t.requester_texts).values(row)) == 1

    async def list_due(self, now: datetime, limit: int) -> Sequence[RequesterText]:
        query = _select_texts().where(X.next_at <= to_micros(now)).order_by(X.next_at, X.id).limit(limit)
        return await self._db.fetch_all(query, _TEXT.read)

    async def claim(self, text_id: int, now: datetime, until: datetime) -> bool:
        query = update(t.requester_texts).where(X.id == text_id, X.state == "pending", X.next_at <= to_micros(now))
        query = query.where(self._db.gate.is_admitted("outbox"))
        query = query.values(state="sending", attempts=X.attempts + 1, next_at=to_micros(until))
        return await self._db.execute(query) == 1

    async def settle(
        self, text_id: int, state: str, now: datetime, *, next_at: datetime | None = None,
        provider_id: str | None = None, error: str | None = None, cost: str | None = None,
    ) -> None:  # fmt: skip
        values: dict[str, Any] = {
            "state": state, "next_at": encode(next_at),
            "provider_id": func.coalesce(provider_id, X.provider_id), "error": func.coalesce(error, X.error),
            "cost": func.coalesce(cost, X.cost),
        }  # fmt: skip
        if state == "sent":
            values["sent_at"] = func.coalesce(X.sent_at, to_micros(now))
        query = update(t.requester_texts).where(X.id == text_id).values(**values)
        await self._db.execute(query)

    async def record_report(self, text_id: int, provider_id: str, status: str, error: str) -> bool:
        mine = update(t.requester_texts).where(
            X.id == text_id, func.coalesce(X.provider_id, provider_id) == provider_id
        )
        mine = mine.values(status=status, error=error or X.error, provider_id=provider_id)
        return await self._db.execute(mine) == 1

    async def find_awaiting_answer(self, phone: str) -> RequesterText | None:
        query = _select_texts().where(X.phone_index == self._vault.blind_index(phone), X.two_way, X.answered.is_(None))
        query = query.where(X.state.in_(_OPEN_STATES), X.next_at.is_not(None)).order_by(X.id.desc()).limit(1)
        return await self._db.fetch_one(query, _TEXT.read)

    async def record_answer(self, text_id: int, answer: str, now: datetime) -> bool:
        query = update(t.requester_texts).where(X.id == text_id, X.answered.is_(None))
        query = query.values(answered=answer, answered_at=to_micros(now), next_at=None)
        return await self._db.execute(query) == 1

    async def list_by_ticket(self, ticket_id: int) -> Sequence[RequesterText]:
        return await self._db.read(lambda c: list_texts(c, ticket_id))


def list_texts(c: Connection, ticket_id: int) -> list[RequesterText]:
    """List the texts of a ticket, oldest first, within a transaction."""
    return [_TEXT.read(r) for r in c.execute(_select_texts().where(X.ticket_id == ticket_id).order_by(X.id))]


def _select_texts() -> Any:
    columns = [t.tickets.c.ticket_no if name == "ticket_no" else X[name] for name in _TEXT.names]
    return select(*columns).join(t.tickets, t.tickets.c.id == X.ticket_id)
