"""Views of tickets, messages and calls, by keyset pages over indexes on both engines."""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, Table, bindparam, func, select

from backend.domain.acts import Sight
from backend.domain.instants import from_micros, to_micros
from backend.domain.records import Assignment, JournalEntry, Message, Ticket, Visit
from backend.domain.ticket_enums import State
from backend.ports.ticket_queries import (
    CallAttemptView,
    CallView,
    DeliveryView,
    Page,
    Requester,
    TicketFilter,
    TicketHistory,
    TicketView,
)
from storage import tables as t
from storage.engine.database import Database
from storage.engine.encryption import Encryption
from storage.engine.mapping import MAPPERS, decode_instant
from storage.engine.narrowing import AnySelect, build_before, build_matching
from storage.tickets.search import (
    IS_MEANT,
    SEARCH_WINDOW,
    TICKET_COLUMNS,
    build_exact,
    build_page,
    build_query,
    build_seen,
    choose_window,
    find_floor,
    find_meant,
    has_flag,
    hide_other_tickets,
    is_one_of,
    is_overdue,
    is_seen_by,
    is_undecided,
)
from storage.visits.rating_pages import list_handed
from storage.visits.texts import list_texts

METRICS_ROWS = 50_000  # newest rows counted for the metrics
ENDED_STATES = (State.FINALIZED, State.ARCHIVED, State.MERGED, State.CANCELLED, State.RETURNED)
OPEN_STATES = tuple(s.value for s in State if s not in ENDED_STATES)

K = t.tickets.c
_VIEW = (*TICKET_COLUMNS, K.name_sealed)
_IS_TICKET, _IS_AMONG = K.id == bindparam("ticket"), K.id.in_(bindparam("tickets", expanding=True))
_IS_PHONE = K.phone_index == bindparam("phone")
_FIND_TICKETS = select(*_VIEW, K.submitted_at, K.extra).where(IS_MEANT)
_GET_REQUESTER = select(K.name_sealed, K.phone_sealed).where(_IS_TICKET)
_LIST_ASSIGNMENTS = (
    select(t.assignments)
    .where(t.assignments.c.ticket_id.in_(bindparam("tickets", expanding=True)))
    .order_by(t.assignments.c.id)
)
_LIST_JOURNAL = select(t.journal).where(t.journal.c.ticket_id == bindparam("ticket")).order_by(t.journal.c.version)
_LIST_VISITS = select(t.visits).where(t.visits.c.ticket_id == bindparam("ticket")).order_by(t.visits.c.id)
_MESSAGE_COLUMNS = [t.outbox.c[name] for name in MAPPERS[Message].names]
_SENT = (t.outbox.c.sent_at, t.outbox.c.provider_id, t.outbox.c.error, t.outbox.c.cost)
_DELIVERIES = select(*_MESSAGE_COLUMNS, *_SENT, K.ticket_no.label("ticket_no")).outerjoin_from(
    t.outbox, t.tickets, K.id == t.outbox.c.ticket_id
)
_CALLS = select(t.calls, K.ticket_no.label("ticket_no")).outerjoin_from(t.calls, t.tickets, K.id == t.calls.c.ticket_id)
_LIST_MESSAGES = _DELIVERIES.where(t.outbox.c.ticket_id == bindparam("ticket")).order_by(t.outbox.c.id)
_LIST_CALLS = _CALLS.where(t.calls.c.ticket_id == bindparam("ticket")).order_by(t.calls.c.id)
_LIST_ATTEMPTS = (
    select(t.call_attempts)
    .where(t.call_attempts.c.call_id.in_(bindparam("calls", expanding=True)))
    .order_by(t.call_attempts.c.id)
)


def _build_recent(column: Any, key: Any) -> Select[Any, int]:
    newest = select(column.label("word")).order_by(key.desc()).limit(METRICS_ROWS).subquery()
    return select(newest.c.word, func.count()).group_by(newest.c.word)


_COUNT_RECENT = {
    "messages": _build_recent(t.outbox.c.state, t.outbox.c.id),
    "calls": _build_recent(t.calls.c.outcome, t.calls.c.id),
}


def _build_open_counts(seen_by: Sight | None) -> tuple[Select[str, int], dict[str, Select[int]]]:
    """Build the counts of open tickets by state, and of what is to be noticed, by name."""
    mine = is_seen_by(seen_by)
    own = [is_one_of(t.duties.c.unit, seen_by.units)] if seen_by is not None else []
    is_open, count, duties = K.state.in_(OPEN_STATES), select(func.count()).select_from(t.tickets), t.duties.c
    return select(K.state, func.count()).where(is_open, *mine).group_by(K.state), {
        "overdue": select(func.count(func.distinct(duties.ticket_id))).where(*is_overdue(bindparam("now")), *own),
        "red": count.where(is_open, has_flag("red"), *mine),
        "undecided": count.where(*is_undecided(), *mine),
    }


def _build_newest_by_phone(seen_by: Sight | None) -> AnySelect:
    return build_seen(seen_by, _IS_PHONE, *_VIEW).order_by(K.id.desc()).limit(bindparam("limit"))


class SqlQueryStore:
    """`QueryStore` on either engine."""

    def __init__(self, db: Database, vault: Encryption) -> None:
        self._db = db
        self._vault = vault

    async def get_ticket(self, no: str, seen_by: Sight | None = None) -> TicketView | None:
        def work(c: Connection) -> TicketView | None:
            row = find_meant(c, _FIND_TICKETS, no)
            found = self._views(c, [row] if row else [], seen_by)
            if not row or (seen_by and not seen_by.covers(found[0].ticket, {a.unit for a in found[0].assignments})):
                return None
            submitted = decode_instant(row.submitted_at)
            return replace(found[0], submitted_at=submitted, earlier_reply=json.loads(row.extra))

        return await self._db.read(work)

    async def list_tickets(
        self, filters: TicketFilter, now: datetime, *, before: int | None = None, limit: int = 50,
        seen_by: Sight | None = None,
    ) -> Page[TicketView]:  # fmt: skip
        query, place = build_query(filters, seen_by, before)

        def work(c: Connection) -> Page[TicketView]:
            if filters.text and before is None:  # a whole number means that ticket, however old
                exact = find_meant(c, build_exact(query, filters, now), filters.text.words)
                if exact is not None:
                    return Page(tuple(self._views(c, [exact], seen_by)))
            floor = find_floor(c, query, place, choose_window(filters, seen_by))
            ordered = build_page(query, place, floor, filters, now)
            rows = c.execute(ordered.limit(limit + 1)).all()
            more = rows[limit - 1].id if len(rows) > limit else floor
            return Page(tuple(self._views(c, rows[:limit], seen_by)), more)

        return await self._db.read(work)

    def _open_name(self, row: Any) -> str | None:
        return self._vault.open("tickets", row.id, "name", row.name_sealed)

    def _views(self, c: Connection, rows: Sequence[Any], seen_by: Sight | None) -> list[TicketView]:
        ids = [row.id for row in rows]
        of: dict[int, list[Assignment]] = {i: [] for i in ids}
        if ids:
            for row in c.execute(_LIST_ASSIGNMENTS, {"tickets": ids}).mappings():
                of[row["ticket_id"]].append(MAPPERS[Assignment].from_mapping(dict(row)))
        masters: dict[int, str] = {}
        if under := {row.merged_into for row in rows if row.merged_into is not None}:
            named = build_seen(seen_by, _IS_AMONG, K.id, K.ticket_no)
            masters = {row.id: row.ticket_no for row in c.execute(named, {"tickets": sorted(under)})}
        return [
            TicketView(
                MAPPERS[Ticket].read(row[: len(TICKET_COLUMNS)]), tuple(of[row.id]),
                self._open_name(row), masters.get(row.merged_into),
            )
            for row in rows
        ]  # fmt: skip

    async def load_history(self, ticket_id: int, seen_by: Sight | None) -> TicketHistory:
        given = {"ticket": ticket_id}

        def work(c: Connection) -> TicketHistory:
            journal = c.execute(_LIST_JOURNAL, given).mappings()
            lines = tuple(MAPPERS[JournalEntry].from_mapping(dict(row)) for row in journal)
            if seen_by is not None:
                lines = hide_other_tickets(c, lines, seen_by)
            heard = c.execute(_LIST_VISITS, given).mappings()
            visits = tuple(MAPPERS[Visit].from_mapping(dict(row)) for row in heard)
            told = tuple(map(_to_delivery, c.execute(_LIST_MESSAGES, given)))
            texts = tuple(list_texts(c, ticket_id))
            calls = _load_calls(c, c.execute(_LIST_CALLS, given).all())
            return TicketHistory(lines, told, calls, visits, texts, tuple(list_handed(c, ticket_id)))

        return await self._db.read(work)

    async def list_deliveries(
        self, *, ticket_id: int | None = None, people: Collection[str] | None = None, state: str | None = None,
        before: int | None = None, limit: int = 50,
    ) -> Page[DeliveryView]:  # fmt: skip
        def work(c: Connection) -> Page[DeliveryView]:
            having = {t.outbox.c.state: state, t.outbox.c.ticket_id: ticket_id}
            rows, more = _load_page(c, _DELIVERIES, t.outbox, having, people, before, limit)
            return Page(tuple(map(_to_delivery, rows)), more)

        return await self._db.read(work)

    async def list_calls(
        self, *, ticket_id: int | None = None, people: Collection[str] | None = None, outcome: str | None = None,
        before: int | None = None, limit: int = 50,
    ) -> Page[CallView]:  # fmt: skip
        def work(c: Connection) -> Page[CallView]:
            having = {t.calls.c.outcome: outcome, t.calls.c.ticket_id: ticket_id}
            rows, more = _load_page(c, _CALLS, t.calls, having, people, before, limit)
            return Page(_load_calls(c, rows), more)

        return await self._db.read(work)

    async def count_open(self, now: datetime, seen_by: Sight | None = None) -> Mapping[str, int]:
        def work(c: Connection) -> dict[str, int]:
            by_state, more = _build_open_counts(seen_by)
            given = {"now": to_micros(now)}
            counts = {state: int(count) for state, count in c.execute(by_state).all()}
            return counts | {name: int(c.execute(query, given).scalar_one()) for name, query in more.items()}

        return await self._db.read(work)

    async def get_requester(self, ticket_id: int) -> Requester:
        row = await self._db.fetch_first(_GET_REQUESTER, {"ticket": ticket_id})
        if row is None:
            return Requester(None, None)
        return Requester(
            self._vault.open("tickets", ticket_id, "name", row.name_sealed),
            self._vault.open("tickets", ticket_id, "phone", row.phone_sealed),
        )

    async def find_by_phone(self, phone: str, seen_by: Sight | None, limit: int) -> Sequence[TicketView]:
        query, given = _build_newest_by_phone(seen_by), {"phone": self._vault.blind_index(phone), "limit": limit}
        return await self._db.read(lambda c: self._views(c, c.execute(query, given).all(), seen_by))

    async def is_seen(self, ticket_id: int, seen_by: Sight | None) -> bool:
        return await self._db.fetch_first(build_seen(seen_by, _IS_TICKET, K.id), {"ticket": ticket_id}) is not None

    async def count_recent(self) -> Mapping[str, Mapping[str, int]]:
        def count(c: Connection, query: Select[Any, int]) -> dict[str, int]:
            return {word: int(n) for word, n in c.execute(query) if word is not None}

        return await self._db.read(lambda c: {name: count(c, query) for name, query in _COUNT_RECENT.items()})


def _load_page(
    c: Connection, query: AnySelect, table: Table, having: Mapping[Any, object],
    people: Collection[str] | None, before: int | None, limit: int,
) -> tuple[Sequence[Any], int | None]:  # fmt: skip
    """Return a page of messages or calls; but for one ticket's, a bounded window at a time."""
    window = SEARCH_WINDOW if having[table.c.ticket_id] is None else None
    floor = find_floor(c, _build_ids(table, before), table.c.id, window)
    rows = c.execute(_build_page(query, table, having, people, before, floor, limit)).all()
    return rows[:limit], rows[limit - 1].id if len(rows) > limit else floor


def _build_ids(table: Table, before: int | None) -> AnySelect:
    return build_before(select(table.c.id), table.c.id, before)


def _build_page(
    query: AnySelect, table: Table, having: Mapping[Any, object], people: Collection[str] | None,
    before: int | None, floor: int | None, limit: int,
) -> AnySelect:  # fmt: skip
    """Build the query of a page: what a column is to have, None for any; whose; above the floor, newest first."""
    place = table.c.id
    query = build_before(build_matching(query, having), place, before)
    if floor is not None:
        query = query.where(place >= floor)
    if people is not None:
        query = query.where(table.c.person.in_(sorted(people)))
    return query.order_by(place.desc()).limit(limit + 1)


def _to_delivery(row: Any) -> DeliveryView:
    message = MAPPERS[Message].read(row[: len(_MESSAGE_COLUMNS)])
    return DeliveryView(message, row.ticket_no, decode_instant(row.sent_at), row.provider_id, row.error, row.cost)


def _load_calls(c: Connection, rows: Sequence[Any]) -> tuple[CallView, ...]:
    """Return calls with their attempts."""
    ids = [row.id for row in rows]
    of: dict[int, list[CallAttemptView]] = {i: [] for i in ids}
    scripts = {row.id: row.script for row in rows}
    if ids:
        for d in c.execute(_LIST_ATTEMPTS, {"calls": ids}):
            of[d.call_id].append(
                CallAttemptView(d.id, d.call_id, d.attempt_no, d.state, d.status, d.answered_by, from_micros(d.asked_at),
                     decode_instant(d.ended_at), d.duration, d.outcome, d.error, d.keys, decode_instant(d.answered_at), d.cost,
                     d.recording is not None, scripts[d.call_id], _parse_script_version(d.last_prompt))
            )  # fmt: skip
    return tuple(
        CallView(
            r.id, r.ticket_no, r.assignment_id, r.outbox_id, r.person, r.to_masked, r.purpose,
            max(r.attempt_count, len(of[r.id])), r.state, r.outcome, r.keys, r.duration, r.cost, from_micros(r.created_at),
            decode_instant(r.ended_at), tuple(of[r.id]),
        )
        for r in rows
    )  # fmt: skip


def _parse_script_version(said: str | None) -> int | None:
    """The version of the script that was spoken last."""
    found = json.loads(said).get("version") if said else None
    return int(found) if found is not None else None
