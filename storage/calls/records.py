"""Records beside calls: bridges, evidence, invalid numbers and costs."""

import json
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from sqlalchemy import Connection, Executable, bindparam, delete, func, select, update

from backend.domain.instants import from_micros, to_micros
from backend.ports.call_records import AttemptRecord, CostTally, InvalidNumber
from backend.ports.calls import Call
from storage import tables as t
from storage.calls.mapping import SELECT_CALLS, A, D, K, T, find_call
from storage.engine.database import Database
from storage.engine.encryption import Encryption
from storage.office import secrets

N = t.invalid_numbers.c
NOTICE_PURPOSES = ("notice", "supervise")
_FIND_BRIDGE = (
    SELECT_CALLS.where(K.ticket_id == bindparam("ticket"), K.purpose == "bridge", K.state != "done")
    .order_by(K.id.desc())
    .limit(1)
)
_SELECT_ATTEMPTS = (
    select(D.id, D.call_id, D.asked_at, D.outcome, D.duration, K.person, K.answers)
    .join(t.calls, K.id == D.call_id)
    .where(D.outcome.is_not(None))
    .order_by(D.asked_at, D.id)
)
_LIST_BRIDGE_ATTEMPTS = _SELECT_ATTEMPTS.where(K.ticket_id == bindparam("ticket"), K.purpose == "bridge")
_LIST_NOTICE_ATTEMPTS = _SELECT_ATTEMPTS.where(
    K.assignment_id == bindparam("assignment"), K.purpose.in_(NOTICE_PURPOSES)
)
_RECORD_ANSWERED_BY = update(t.call_attempts).where(D.id == bindparam("b_attempt"), D.outcome.is_(None))
_IS_INVALID = select(N.at).where(N.phone_index == bindparam("phone"))
_LIST_INVALID = (
    select(t.invalid_numbers, T.ticket_no)
    .outerjoin_from(t.invalid_numbers, t.tickets, T.id == N.ticket_id)
    .order_by(N.at.desc())
    .limit(bindparam("limit"))
)
_REMOVE_INVALID = delete(t.invalid_numbers).where(N.phone_index == bindparam("phone"))
_LIST_COSTS = (
    select(
        func.coalesce(A.unit, T.management, "").label("unit"),
        K.purpose,
        D.cost,
        D.duration,
        D.answered_at.is_not(None).label("answered"),
    )
    .select_from(
        t.call_attempts.join(t.calls, K.id == D.call_id)
        .outerjoin(t.tickets, T.id == K.ticket_id)
        .outerjoin(t.assignments, A.id == K.assignment_id)
    )
    .where(D.asked_at >= bindparam("since"), D.asked_at < bindparam("until"))
    .order_by(D.cost.is_(None), D.id)
)


class CallRecords:
    """The records part of `SqlCallStore` (B46, FW19, FW23, FW25)."""

    _db: Database
    _vault: Encryption
    _insert_invalid: Executable
    _insert_draft: Executable

    async def find_bridge(self, ticket_id: int) -> Call | None:
        return await self._db.read(lambda c: find_call(c, _FIND_BRIDGE, {"ticket": ticket_id}))

    async def list_bridge_attempts(self, ticket_id: int) -> Sequence[AttemptRecord]:
        return await self._list_attempts(_LIST_BRIDGE_ATTEMPTS, {"ticket": ticket_id})

    async def list_notice_attempts(self, assignment_id: int) -> Sequence[AttemptRecord]:
        return await self._list_attempts(_LIST_NOTICE_ATTEMPTS, {"assignment": assignment_id})

    async def _list_attempts(self, query: Executable, given: dict[str, int]) -> Sequence[AttemptRecord]:
        return await self._db.read(
            lambda c: [
                AttemptRecord(
                    r.id,
                    r.call_id,
                    from_micros(r.asked_at),
                    r.person,
                    r.outcome,
                    r.duration or 0,
                    str(json.loads(r.answers).get("requester", "")),
                )
                for r in c.execute(query, given)
            ]
        )

    async def record_answered_by(self, attempt_id: int, answered_by: str) -> None:
        await self._db.execute(_RECORD_ANSWERED_BY, {"b_attempt": attempt_id, "answered_by": answered_by})

    # -- invalid numbers

    async def add_invalid_number(self, number: str, masked: str, code: str, at: datetime, call: Call) -> None:
        row = {"phone_index": self._vault.blind_index(number), "at": to_micros(at), "code": code, "masked": masked,
               "person": call.person, "ticket_id": call.ticket_id, "call_id": call.id}  # fmt: skip
        await self._db.execute(self._insert_invalid, row)

    async def is_invalid_number(self, number: str) -> bool:
        given = {"phone": self._vault.blind_index(number)}
        return await self._db.read(lambda c: c.execute(_IS_INVALID, given).scalar()) is not None

    async def list_invalid_numbers(self, limit: int) -> Sequence[InvalidNumber]:
        return await self._db.read(
            lambda c: [
                InvalidNumber(r.phone_index, r.masked, r.code, from_micros(r.at), r.person, r.ticket_no)
                for r in c.execute(_LIST_INVALID, {"limit": limit})
            ]
        )

    async def remove_invalid_number(self, key: str) -> bool:
        return await self._db.execute(_REMOVE_INVALID, {"phone": key}) == 1

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
        return await self._db.execute(self._insert_draft, row) == 1

    # -- costs

    async def sum_costs(self, since: datetime, until: datetime) -> Sequence[CostTally]:
        given = {"since": to_micros(since), "until": to_micros(until)}

        def work(c: Connection) -> list[CostTally]:
            sums: dict[tuple[str, str, str], list[Any]] = {}
            for r in c.execute(_LIST_COSTS, given):
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


def _parse_amount(amount: str) -> Decimal:
    try:
        return Decimal(amount) if amount else Decimal(0)
    except InvalidOperation:
        return Decimal(0)
