"""Records beside calls: bridges, evidence, invalid numbers and costs."""

import json
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from sqlalchemy import Connection, Select, delete, func, select, update

from backend.domain.instants import from_micros, to_micros
from backend.ports.call_records import AttemptRecord, CostTally, InvalidNumber
from backend.ports.calls import Call
from storage import tables as t
from storage.calls.mapping import A, D, K, T, select_calls, to_call
from storage.engine.database import Database
from storage.engine.dialect import insert_new
from storage.engine.encryption import Encryption
from storage.office import secrets

N = t.invalid_numbers.c
NOTICE_PURPOSES = ("notice", "supervise")


class CallRecords:
    """The records part of `SqlCallStore` (B46, FW19, FW23, FW25)."""

    _db: Database
    _vault: Encryption

    async def find_bridge(self, ticket_id: int) -> Call | None:
        query = select_calls().where(K.ticket_id == ticket_id, K.purpose == "bridge", K.state != "done")
        return await self._db.fetch_one(query.order_by(K.id.desc()).limit(1), to_call)

    async def list_bridge_attempts(self, ticket_id: int) -> Sequence[AttemptRecord]:
        return await self._list_attempts(_select_attempts().where(K.ticket_id == ticket_id, K.purpose == "bridge"))

    async def list_notice_attempts(self, assignment_id: int) -> Sequence[AttemptRecord]:
        return await self._list_attempts(
            _select_attempts().where(K.assignment_id == assignment_id, K.purpose.in_(NOTICE_PURPOSES))
        )

    async def _list_attempts(self, query: Select[Any]) -> Sequence[AttemptRecord]:
        return await self._db.fetch_all(
            query.where(D.outcome.is_not(None)).order_by(D.asked_at, D.id),
            lambda r: AttemptRecord(
                r.id,
                r.call_id,
                from_micros(r.asked_at),
                r.person,
                r.outcome,
                r.duration or 0,
                str(json.loads(r.answers).get("requester", "")),
            ),
        )

    async def record_answered_by(self, attempt_id: int, answered_by: str) -> None:
        query = update(t.call_attempts).where(D.id == attempt_id, D.outcome.is_(None)).values(answered_by=answered_by)
        await self._db.execute(query)

    # -- invalid numbers

    async def add_invalid_number(self, number: str, masked: str, code: str, at: datetime, call: Call) -> None:
        row = {"phone_index": self._vault.blind_index(number), "at": to_micros(at), "code": code, "masked": masked,
               "person": call.person, "ticket_id": call.ticket_id, "call_id": call.id}  # fmt: skip
        await self._db.execute(insert_new(self._db.dialect, t.invalid_numbers).values(row))

    async def is_invalid_number(self, number: str) -> bool:
        query = select(N.at).where(N.phone_index == self._vault.blind_index(number))
        return await self._db.fetch_value(query) is not None

    async def list_invalid_numbers(self, limit: int) -> Sequence[InvalidNumber]:
        query = select(t.invalid_numbers, T.ticket_no).outerjoin_from(t.invalid_numbers, t.tickets, T.id == N.ticket_id)
        query = query.order_by(N.at.desc()).limit(limit)

        return await self._db.fetch_all(
            query, lambda r: InvalidNumber(r.phone_index, r.masked, r.code, from_micros(r.at), r.person, r.ticket_no)
        )

    async def remove_invalid_number(self, key: str) -> bool:
        query = delete(t.invalid_numbers).where(N.phone_index == key)
        return await self._db.execute(query) == 1

    # -- evidence

    async def count_tail_guess(self, ticket_id: int, now: datetime, *, is_right: bool) -> bool:
        subject = f"tail:{ticket_id}"

        def work(c: Connection) -> bool:
            allowed = secrets.count_guess(c, subject, now)
            if allowed and is_right:
                secrets.reset_guesses(c, subject)
            return allowed

        return await self._db.write(work)

    async def claim_unreachable_draft(self, assignment_id: int, attempts: Sequence[int], at: datetime) -> bool:
        row = {"assignment_id": assignment_id, "at": to_micros(at), "attempts": json.dumps(list(attempts))}
        return await self._db.execute(insert_new(self._db.dialect, t.unreachable_drafts).values(row)) == 1

    # -- costs

    async def sum_costs(self, since: datetime, until: datetime) -> Sequence[CostTally]:
        query = (
            select(
                func.coalesce(A.unit, T.management, "").label("unit"), K.purpose, D.cost, D.duration,
                D.answered_at.is_not(None).label("answered"),
            )
            .select_from(
                t.call_attempts.join(t.calls, K.id == D.call_id)
                .outerjoin(t.tickets, T.id == K.ticket_id)
                .outerjoin(t.assignments, A.id == K.assignment_id)
            )
            .where(D.asked_at >= to_micros(since), D.asked_at < to_micros(until))
        )  # fmt: skip

        def work(c: Connection) -> list[CostTally]:
            sums: dict[tuple[str, str, str], list[Any]] = {}
            for r in c.execute(query.order_by(D.cost.is_(None), D.id)):
                amount, _, coin = (r.cost or "").partition(" ")
                if r.cost is None:  # unpriced attempts are counted with priced ones
                    coin = next((k[2] for k in sums if k[:2] == (r.unit, r.purpose)), "")
                row = sums.setdefault((r.unit, r.purpose, coin), [0, 0, 0, Decimal(0)])
                row[0] += 1
                row[1] += bool(r.answered)
                row[2] += r.duration or 0
                row[3] += _parse_amount(amount)
            return [
                CostTally(unit, purpose, row[0], row[1], row[2], coin, str(row[3]))
                for (unit, purpose, coin), row in sorted(sums.items())
            ]

        return await self._db.read(work)


def _select_attempts() -> Select[Any]:
    return select(D.id, D.call_id, D.asked_at, D.outcome, D.duration, K.person, K.answers).select_from(
        t.call_attempts.join(t.calls, K.id == D.call_id)
    )


def _parse_amount(amount: str) -> Decimal:
    try:
        return Decimal(amount) if amount else Decimal(0)
    except InvalidOperation:
        return Decimal(0)
