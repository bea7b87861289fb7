"""Write-backs to the platform: the journal is the queue; a row beside each line holds its state."""

import json
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import BigInteger, Connection, Select, and_, bindparam, exists, func, or_, select, update
from sqlalchemy.sql.dml import ReturningUpdate

from backend.domain.instants import from_micros, to_micros, to_span
from backend.ports.platform import DONE_STATES, PlatformStatus, Writeback, WritebackState
from backend.ports.ticket_queries import Page
from storage import tables as t
from storage.engine.database import Database
from storage.engine.dialect import find_existing, insert_new
from storage.engine.mapping import decode_instant

W, J, K, S, D = t.writebacks.c, t.journal.c, t.tickets.c, t.settings.c, t.chat_cards.c
OPEN_STATES = (WritebackState.WAITING, WritebackState.SENDING, WritebackState.ASKED, WritebackState.REFUSED)
_RELEASED: dict[str, object] = {"owner": None, "lease_until": None}

_WRITEBACKS: Select[object] = (
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
_LIST_THESE = _WRITEBACKS.where(W.id.in_(bindparam("ids", expanding=True))).order_by(W.id)
_LIST_SYSTEMS_OF_RECORD = (
    select(S.value, S.from_at)
    .where(S.key == "system_of_record", S.unit.is_(None), S.from_at <= bindparam("now"))
    .order_by(S.id.desc())
)
_LIST_MISSING = (
    select(J.id, J.ticket_id, J.version, J.by, J.recorded_at)
    .where(J.recorded_at >= bindparam("after"), ~exists().where(W.id == J.id))
    .order_by(J.recorded_at, J.id)
    .limit(bindparam("most"))
)
_INSERT_NEW = {dialect: insert_new(dialect, t.writebacks) for dialect in ("sqlite", "postgresql")}
_SETTLE = update(t.writebacks).where(
    W.id == bindparam("b_id"),
    W.state == WritebackState.SENDING,
    W.owner == bindparam("b_owner"),
    W.attempts == bindparam("b_attempt"),
)  # the columns it is given
_RECORD_ANSWER = update(t.writebacks).where(W.id == bindparam("b_id"), W.state.in_(OPEN_STATES))  # likewise
_FIND_STATE = select(W.state).where(W.id == bindparam("id"))
_RETRY = (
    update(t.writebacks)
    .where(
        W.id == bindparam("b_id"),
        W.state.in_((WritebackState.REFUSED, WritebackState.ASKED, WritebackState.WAITING)),
    )
    .values(**_RELEASED, state=WritebackState.WAITING, not_before=bindparam("b_now"), attempts=0)
)
_MARK_CARDS_STALE = (
    update(t.chat_cards)
    .where(
        D.ticket_id == select(W.ticket_id).where(W.id == bindparam("b_id")).scalar_subquery(),
        D.state == "live",
        D.shown_version == D.target_version,
    )
    .values(shown_version=D.shown_version - 1)
)
_LIST_STATES = (
    select(J.ticket_id, J.version, J.recorded_at, W.state, W.error)
    .outerjoin_from(t.journal, t.writebacks, W.id == J.id)
    .where(J.ticket_id.in_(bindparam("tickets", expanding=True)), J.recorded_at >= bindparam("after"))
    .order_by(J.ticket_id, J.version)
)
_COUNT_OPEN = select(W.state, func.count()).where(W.state.in_(OPEN_STATES)).group_by(W.state)


def _build_claim(db: Database) -> ReturningUpdate[object]:
    earlier = t.writebacks.alias("earlier")
    ready = or_(
        and_(W.state == WritebackState.WAITING, W.not_before <= bindparam("now")),
        and_(W.state == WritebackState.SENDING, W.lease_until < db.lease_clock.now),
    )
    first = ~exists().where(
        earlier.c.ticket_id == W.ticket_id, earlier.c.version < W.version, earlier.c.state.in_(OPEN_STATES)
    )
    due = select(W.id).where(ready, first).order_by(W.id).limit(bindparam("most")).with_for_update(skip_locked=True)
    return (
        update(t.writebacks)
        .where(W.id.in_(select(due.cte("due").c.id)), db.gate.is_admitted("outbox"))
        .values(
            state=WritebackState.SENDING,
            owner=bindparam("b_owner"),
            attempts=W.attempts + 1,
            lease_until=db.lease_clock.now + bindparam("b_lease", type_=BigInteger),
        )
        .returning(W.id)
    )


def _build_page(state: WritebackState | None, ticket_id: int | None, before: int | None, limit: int) -> Select[object]:
    query = _WRITEBACKS.order_by(W.id.desc()).limit(limit + 1)
    if state is not None:
        query = query.where(W.state == state)
    if ticket_id is not None:
        query = query.where(W.ticket_id == ticket_id)
    return query if before is None else query.where(W.id < before)


class SqlPlatformStore:
    """`PlatformStore` on either engine."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._clock = db.lease_clock
        self._claim = _build_claim(db)

    async def find_external_since(self, now: datetime) -> datetime | None:
        since = None
        for row in await self._db.fetch_rows(_LIST_SYSTEMS_OF_RECORD, {"now": to_micros(now)}):
            if row.value != "external":
                break
            since = row.from_at
        return decode_instant(since)

    async def enqueue_new(self, after: datetime, own_people: Collection[str], now: datetime, limit: int) -> int:
        """Add journal lines recorded since then that have no row yet; those by `own` are done at once."""

        def row(line: Any) -> dict[str, Any]:
            mine = line.by in own_people
            return {
                "id": line.id, "ticket_id": line.ticket_id, "version": line.version,
                "state": WritebackState.OWN if mine else WritebackState.WAITING, "since": line.recorded_at,
                "done_at": to_micros(now) if mine else None, "not_before": None if mine else line.recorded_at,
            }  # fmt: skip

        found = await self._db.fetch_all(_LIST_MISSING, row, {"after": to_micros(after), "most": limit})
        if not found:
            return 0

        def work(c: Connection) -> int:
            there = find_existing(c, W.id, [r["id"] for r in found])
            new = [r for r in found if r["id"] not in there]
            if new:
                c.execute(_INSERT_NEW[c.dialect.name], new)
            return len(new)

        return await self._db.write(work)

    async def claim(self, owner: str, now: datetime, lease: timedelta, limit: int) -> Sequence[Writeback]:
        given = {"now": to_micros(now), "most": limit, "b_owner": owner, "b_lease": to_span(lease)}

        def work(c: Connection) -> list[Writeback]:
            ids = c.execute(self._claim, given | self._clock.parameters()).scalars().all()
            return [_to_writeback(r) for r in c.execute(_LIST_THESE, {"ids": ids})] if ids else []

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
        values |= {"b_id": id_, "b_owner": owner, "b_attempt": attempt}
        return bool(
            await self._db.write(lambda c: self._mark_cards_stale(c, id_, state, c.execute(_SETTLE, values).rowcount))
        )

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
            changed = c.execute(_RECORD_ANSWER, {"b_id": id_, **values}).rowcount
            if self._mark_cards_stale(c, id_, state, changed):
                return state
            there = c.execute(_FIND_STATE, {"id": id_}).scalar()
            return None if there is None else WritebackState(there)

        return await self._db.write(work)

    async def retry(self, id_: int, now: datetime) -> bool:
        return bool(await self._db.execute(_RETRY, {"b_id": id_, "b_now": to_micros(now)}))

    @staticmethod
    def _mark_cards_stale(c: Connection, id_: int, state: WritebackState, count: int) -> int:
        """Mark cards that show 待平台确认 as stale when that is no longer so."""
        if count and state is not WritebackState.WAITING:
            c.execute(_MARK_CARDS_STALE, {"b_id": id_})
        return count

    async def load_status(self, tickets: Mapping[int, int], after: datetime) -> Mapping[int, PlatformStatus]:
        if not tickets:
            return {}
        wanted = {"tickets": list(tickets), "after": to_micros(after)}

        def work(c: Connection) -> dict[int, PlatformStatus]:
            of: dict[int, list[object]] = {}
            for row in c.execute(_LIST_STATES, wanted):
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
        rows = await self._db.fetch_all(_build_page(state, ticket_id, before, limit), _to_writeback)
        return Page(tuple(rows[:limit]), rows[limit - 1].id if len(rows) > limit else None)

    async def count_open(self) -> Mapping[str, int]:
        return {r[0]: int(r[1]) for r in await self._db.fetch_rows(_COUNT_OPEN)}


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
