"""Write-backs to the platform: the journal is the queue; a row beside each line holds its state."""

import json
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Select, and_, exists, func, or_, select, update

from backend.domain.instants import from_micros, to_micros
from backend.ports.platform import DONE_STATES, PlatformStatus, Writeback, WritebackState
from backend.ports.ticket_queries import Page
from storage import tables as t
from storage.engine.database import Database
from storage.engine.dialect import find_existing, insert_new
from storage.engine.mapping import decode_instant

W, J, K = t.writebacks.c, t.journal.c, t.tickets.c
OPEN_STATES = (WritebackState.WAITING, WritebackState.SENDING, WritebackState.ASKED, WritebackState.REFUSED)
_RELEASED: dict[str, object] = {"owner": None, "lease_until": None}


def _select_writebacks() -> Select[object]:
    return (
        select(
            *t.writebacks.c,
            K.ticket_no,
            J.verb,
            J.from_state,
            J.to_state,
            J.by,
            J.source,
            J.at,
            J.arguments,
            t.assignments.c.unit,
        )
        .join_from(t.writebacks, t.journal, J.id == W.id)
        .join(t.tickets, K.id == W.ticket_id)
        .outerjoin(t.assignments, t.assignments.c.id == J.assignment_id)
    )


class SqlPlatformStore:
    """`PlatformStore` on either engine."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._clock = db.lease_clock

    async def find_external_since(self, now: datetime) -> datetime | None:
        s = t.settings.c
        query = (
            select(s.value, s.from_at)
            .where(s.key == "system_of_record", s.unit.is_(None), s.from_at <= to_micros(now))
            .order_by(s.id.desc())
        )
        since = None
        for row in await self._db.fetch_rows(query):
            if row.value != "external":
                break
            since = row.from_at
        return decode_instant(since)

    async def enqueue_new(self, after: datetime, own_people: Collection[str], now: datetime, limit: int) -> int:
        """Add journal lines recorded since then that have no row yet; those by `own` are done at once."""
        missing = (
            select(J.id, J.ticket_id, J.version, J.by, J.recorded_at)
            .where(J.recorded_at >= to_micros(after), ~exists().where(W.id == J.id))
            .order_by(J.recorded_at, J.id)
            .limit(limit)
        )

        def row(line: Any) -> dict[str, Any]:
            mine = line.by in own_people
            return {
                "id": line.id, "ticket_id": line.ticket_id, "version": line.version,
                "state": WritebackState.OWN if mine else WritebackState.WAITING, "since": line.recorded_at,
                "done_at": to_micros(now) if mine else None, "not_before": None if mine else line.recorded_at,
            }  # fmt: skip

        found = await self._db.fetch_all(missing, row)
        if not found:
            return 0

        def work(c: Connection) -> int:
            there = find_existing(c, W.id, [r["id"] for r in found])
            new = [r for r in found if r["id"] not in there]
            if new:
                c.execute(insert_new(c.dialect.name, t.writebacks), new)
            return len(new)

        return await self._db.write(work)

    async def claim(self, owner: str, now: datetime, lease: timedelta, limit: int) -> Sequence[Writeback]:
        earlier = t.writebacks.alias("earlier")
        ready = or_(
            and_(W.state == WritebackState.WAITING, W.not_before <= to_micros(now)),
            and_(W.state == WritebackState.SENDING, W.lease_until < self._clock.now),
        )
        first = ~exists().where(
            earlier.c.ticket_id == W.ticket_id, earlier.c.version < W.version, earlier.c.state.in_(OPEN_STATES)
        )
        due = select(W.id).where(ready, first).order_by(W.id).limit(limit).with_for_update(skip_locked=True).cte("due")
        taken = (
            update(t.writebacks)
            .where(W.id.in_(select(due.c.id)), self._db.gate.is_admitted("outbox"))
            .values(
                state=WritebackState.SENDING, owner=owner, attempts=W.attempts + 1, lease_until=self._clock.after(lease)
            )
            .returning(W.id)
        )

        def work(c: Connection) -> list[Writeback]:
            ids = list(c.execute(taken, self._clock.parameters()).scalars())
            return (
                [_to_writeback(r) for r in c.execute(_select_writebacks().where(W.id.in_(ids)).order_by(W.id))]
                if ids
                else []
            )

        return await self._db.write(work)

    async def settle(
        self, id_: int, owner: str, attempt: int, state: WritebackState, now: datetime, *, error: str | None = None,
        ref: str | None = None, not_before: datetime | None = None,
    ) -> bool:  # fmt: skip
        values: dict[str, object] = {**_RELEASED, "state": state, "error": error}
        if ref is not None:
            values["ref"] = ref
        if not_before is not None:
            values["not_before"] = to_micros(not_before)
        if state in DONE_STATES:
            values["done_at"] = to_micros(now)
        change = (
            update(t.writebacks)
            .where(W.id == id_, W.state == WritebackState.SENDING, W.owner == owner, W.attempts == attempt)
            .values(**values)
        )
        return bool(await self._db.write(lambda c: self._mark_cards_stale(c, id_, state, c.execute(change).rowcount)))

    async def record_answer(
        self,
        id_: int,
        state: WritebackState,
        now: datetime,
        by: str,
        *,
        error: str | None = None,
        ref: str | None = None,
    ) -> WritebackState | None:
        """Record a later answer; return the state after it, None if the move is unknown."""

        def work(c: Connection) -> WritebackState | None:
            values = {**_RELEASED, "state": state, "error": error, "done_by": by,
                      "done_at": to_micros(now) if state in DONE_STATES else None}  # fmt: skip
            if ref is not None:
                values["ref"] = ref
            change = update(t.writebacks).where(W.id == id_, W.state.in_(OPEN_STATES)).values(**values)
            if self._mark_cards_stale(c, id_, state, c.execute(change).rowcount):
                return state
            there = c.execute(select(W.state).where(W.id == id_)).scalar()
            return None if there is None else WritebackState(there)

        return await self._db.write(work)

    async def retry(self, id_: int, now: datetime) -> bool:
        change = (
            update(t.writebacks)
            .where(W.id == id_, W.state.in_((WritebackState.REFUSED, WritebackState.ASKED, WritebackState.WAITING)))
            .values(**_RELEASED, state=WritebackState.WAITING, not_before=to_micros(now), attempts=0)
        )
        return bool(await self._db.execute(change))

    @staticmethod
    def _mark_cards_stale(c: Connection, id_: int, state: WritebackState, count: int) -> int:
        """Mark cards that show 待平台确认 as stale when that is no longer so."""
        if count and state is not WritebackState.WAITING:
            ticket = select(W.ticket_id).where(W.id == id_).scalar_subquery()
            held = t.chat_cards.c
            c.execute(
                update(t.chat_cards)
                .where(held.ticket_id == ticket, held.state == "live", held.shown_version == held.target_version)
                .values(shown_version=held.shown_version - 1)
            )
        return count

    async def load_status(self, tickets: Mapping[int, int], after: datetime) -> Mapping[int, PlatformStatus]:
        if not tickets:
            return {}
        j = select(J.ticket_id, J.version, J.recorded_at, W.state, W.error).outerjoin_from(
            t.journal, t.writebacks, W.id == J.id
        ).where(J.ticket_id.in_(list(tickets)), J.recorded_at >= to_micros(after))  # fmt: skip

        def work(c: Connection) -> dict[int, PlatformStatus]:
            of: dict[int, list[object]] = {}
            for row in c.execute(j.order_by(J.ticket_id, J.version)):
                of.setdefault(row.ticket_id, []).append(row)
            return {ticket: _to_status(lines) for ticket, lines in of.items()}

        return await self._db.read(work)

    async def list_writebacks(
        self,
        *,
        state: WritebackState | None = None,
        ticket_id: int | None = None,
        before: int | None = None,
        limit: int = 50,
    ) -> Page[Writeback]:
        query = _select_writebacks()
        if state is not None:
            query = query.where(W.state == state)
        if ticket_id is not None:
            query = query.where(W.ticket_id == ticket_id)
        if before is not None:
            query = query.where(W.id < before)
        query = query.order_by(W.id.desc()).limit(limit + 1)
        rows = await self._db.fetch_all(query, _to_writeback)
        return Page(tuple(rows[:limit]), rows[limit - 1].id if len(rows) > limit else None)

    async def count_open(self) -> Mapping[str, int]:
        query = select(W.state, func.count()).where(W.state.in_(OPEN_STATES)).group_by(W.state)
        return {r[0]: int(r[1]) for r in await self._db.fetch_rows(query)}


def _to_status(lines: Sequence[Any]) -> PlatformStatus:
    left = [line for line in lines if line.state is None or WritebackState(line.state) not in DONE_STATES]
    if not left:
        return PlatformStatus(WritebackState.CONFIRMED)
    refused = next((line for line in left if line.state == WritebackState.REFUSED), None)
    since = from_micros(left[0].recorded_at)
    if refused is not None:
        return PlatformStatus(WritebackState.REFUSED, len(left), since, refused.error)
    return PlatformStatus(
        WritebackState.WAITING, len(left), since, next((line.error for line in left if line.error), None)
    )


def _to_writeback(row: Any) -> Writeback:
    return Writeback(
        row.id, row.ticket_no, row.version, row.verb, row.from_state, row.to_state, row.by, row.unit, row.source,
        from_micros(row.at), json.loads(row.arguments), WritebackState(row.state), row.attempts, from_micros(row.since),
        decode_instant(row.not_before), decode_instant(row.done_at), row.done_by, row.error, row.ref,
    )  # fmt: skip
