"""Views of tickets, messages and calls, by keyset pages over indexes on both engines."""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, func, select

from backend.domain.acts import Sight
from backend.domain.instants import from_micros
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
from storage.tickets.search import (
    SEARCH_WINDOW,
    TICKET_COLUMNS,
    apply_filters,
    build_query,
    choose_window,
    find_floor,
    has_flag,
    has_number,
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

_MESSAGE_COLUMNS = [t.outbox.c[name] for name in MAPPERS[Message].names]


class SqlQueryStore:
    """`QueryStore` on either engine."""

    def __init__(self, db: Database, vault: Encryption) -> None:
        self._db = db
        self._vault = vault

    async def get_ticket(self, no: str, seen_by: Sight | None = None) -> TicketView | None:
        def work(c: Connection) -> TicketView | None:
            k = t.tickets.c
            columns = (*TICKET_COLUMNS, k.name_sealed, k.submitted_at, k.extra)
            is_meant, in_order = has_number(no)
            row = c.execute(select(*columns).where(is_meant).order_by(in_order)).first()
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
        query, position_column = build_query(filters, now, seen_by)
        if before is not None:
            query = query.where(position_column < before)

        def work(c: Connection) -> Page[TicketView]:
            if filters.text and before is None:  # a whole number means that ticket, however old
                is_meant, in_order = has_number(filters.text.words)
                exact = apply_filters(query, replace(filters, text=None), now).where(is_meant)
                if (row := c.execute(exact.order_by(in_order)).first()) is not None:
                    return Page(tuple(self._views(c, [row], seen_by)))
            floor = find_floor(c, query, position_column, choose_window(filters, seen_by))
            bounded = query if floor is None else query.where(position_column >= floor)
            ordered = apply_filters(bounded, filters, now).order_by(position_column.desc())
            rows = c.execute(ordered.limit(limit + 1)).all()
            more = rows[limit - 1].id if len(rows) > limit else floor
            return Page(tuple(self._views(c, rows[:limit], seen_by)), more)

        return await self._db.read(work)

    def _open_name(self, row: Any) -> str | None:
        return self._vault.open("tickets", row.id, "name", row.name_sealed)

    def _views(self, c: Connection, rows: Sequence[Any], seen_by: Sight | None) -> list[TicketView]:
        ids = [row.id for row in rows]
        a = t.assignments
        of: dict[int, list[Assignment]] = {i: [] for i in ids}
        if ids:
            for row in c.execute(select(a).where(a.c.ticket_id.in_(ids)).order_by(a.c.id)).mappings():
                of[row["ticket_id"]].append(MAPPERS[Assignment].from_mapping(dict(row)))
        masters: dict[int, str] = {}
        if under := {row.merged_into for row in rows if row.merged_into is not None}:
            named = select(t.tickets.c.id, t.tickets.c.ticket_no).where(t.tickets.c.id.in_(under), *is_seen_by(seen_by))
            masters = {row.id: row.ticket_no for row in c.execute(named)}
        return [
            TicketView(
                MAPPERS[Ticket].read(row[: len(TICKET_COLUMNS)]), tuple(of[row.id]),
                self._open_name(row), masters.get(row.merged_into),
            )
            for row in rows
        ]  # fmt: skip

    async def load_history(self, ticket_id: int, seen_by: Sight | None) -> TicketHistory:

        def work(c: Connection) -> TicketHistory:
            journal = select(t.journal).where(t.journal.c.ticket_id == ticket_id).order_by(t.journal.c.version)
            lines = tuple(MAPPERS[JournalEntry].from_mapping(dict(row)) for row in c.execute(journal).mappings())
            if seen_by is not None:
                lines = hide_other_tickets(c, lines, seen_by)
            messages = _select_deliveries().where(t.outbox.c.ticket_id == ticket_id).order_by(t.outbox.c.id)
            calls = _select_calls().where(t.calls.c.ticket_id == ticket_id).order_by(t.calls.c.id)
            heard = select(t.visits).where(t.visits.c.ticket_id == ticket_id).order_by(t.visits.c.id)
            visits = tuple(MAPPERS[Visit].from_mapping(dict(row)) for row in c.execute(heard).mappings())
            told = tuple(map(_to_delivery, c.execute(messages)))
            texts = tuple(list_texts(c, ticket_id))
            pages = tuple(list_handed(c, ticket_id))
            return TicketHistory(lines, told, _load_calls(c, c.execute(calls).all()), visits, texts, pages)

        return await self._db.read(work)

    async def list_deliveries(
        self, *, ticket_id: int | None = None, people: Collection[str] | None = None, state: str | None = None,
        before: int | None = None, limit: int = 50,
    ) -> Page[DeliveryView]:  # fmt: skip
        query = _select_deliveries()
        if state is not None:
            query = query.where(t.outbox.c.state == state)

        def work(c: Connection) -> Page[DeliveryView]:
            rows, more = _load_page(c, query, t.outbox, ticket_id, people, before, limit)
            return Page(tuple(map(_to_delivery, rows)), more)

        return await self._db.read(work)

    async def list_calls(
        self, *, ticket_id: int | None = None, people: Collection[str] | None = None, outcome: str | None = None,
        before: int | None = None, limit: int = 50,
    ) -> Page[CallView]:  # fmt: skip
        query = _select_calls()
        if outcome is not None:
            query = query.where(t.calls.c.outcome == outcome)

        def work(c: Connection) -> Page[CallView]:
            rows, more = _load_page(c, query, t.calls, ticket_id, people, before, limit)
            return Page(_load_calls(c, rows), more)

        return await self._db.read(work)

    async def count_open(self, now: datetime, seen_by: Sight | None = None) -> Mapping[str, int]:
        def work(c: Connection) -> dict[str, int]:
            k = t.tickets.c
            mine = is_seen_by(seen_by)
            by_state = select(k.state, func.count()).where(k.state.in_(OPEN_STATES), *mine).group_by(k.state)
            counts = {state: int(count) for state, count in c.execute(by_state).all()}
            own = [is_one_of(t.duties.c.unit, seen_by.units)] if seen_by is not None else []
            overdue = select(func.count(func.distinct(t.duties.c.ticket_id))).where(*is_overdue(now), *own)
            red = select(func.count()).where(k.state.in_(OPEN_STATES), has_flag("red"), *mine).select_from(t.tickets)
            undecided = select(func.count()).where(*is_undecided(), *mine).select_from(t.tickets)
            more = {"overdue": overdue, "red": red, "undecided": undecided}
            return counts | {name: int(c.execute(query).scalar_one()) for name, query in more.items()}

        return await self._db.read(work)

    async def get_requester(self, ticket_id: int) -> Requester:
        def work(c: Connection) -> Any:
            k = t.tickets.c
            return c.execute(select(k.name_sealed, k.phone_sealed).where(k.id == ticket_id)).first()

        row = await self._db.read(work)
        if row is None:
            return Requester(None, None)
        return Requester(
            self._vault.open("tickets", ticket_id, "name", row.name_sealed),
            self._vault.open("tickets", ticket_id, "phone", row.phone_sealed),
        )

    async def find_by_phone(self, phone: str, seen_by: Sight | None, limit: int) -> Sequence[TicketView]:
        query = select(*TICKET_COLUMNS, t.tickets.c.name_sealed)
        query = query.where(t.tickets.c.phone_index == self._vault.blind_index(phone), *is_seen_by(seen_by))
        newest = query.order_by(t.tickets.c.id.desc()).limit(limit)
        return await self._db.read(lambda c: self._views(c, c.execute(newest).all(), seen_by))

    async def is_seen(self, ticket_id: int, seen_by: Sight | None) -> bool:
        query = select(t.tickets.c.id).where(t.tickets.c.id == ticket_id, *is_seen_by(seen_by))
        return bool(await self._db.fetch_column(query))

    async def count_recent(self) -> Mapping[str, Mapping[str, int]]:
        def count(c: Connection, column: Any, key: Any) -> dict[str, int]:
            newest = select(column.label("word")).order_by(key.desc()).limit(METRICS_ROWS).subquery()
            rows = c.execute(select(newest.c.word, func.count()).group_by(newest.c.word)).all()
            return {word: int(n) for word, n in rows if word is not None}

        def work(c: Connection) -> dict[str, Mapping[str, int]]:
            return {
                "letters": count(c, t.outbox.c.state, t.outbox.c.id),
                "calls": count(c, t.calls.c.outcome, t.calls.c.id),
            }

        return await self._db.read(work)


def _select_deliveries() -> Select[object]:
    k = t.outbox.c
    return select(
        *_MESSAGE_COLUMNS, k.sent_at, k.provider_id, k.error, k.cost, t.tickets.c.ticket_no.label("ticket_no")
    ).outerjoin_from(t.outbox, t.tickets, t.tickets.c.id == k.ticket_id)


def _select_calls() -> Select[object]:
    return select(t.calls, t.tickets.c.ticket_no.label("ticket_no")).outerjoin_from(
        t.calls, t.tickets, t.tickets.c.id == t.calls.c.ticket_id
    )


def _load_page(
    c: Connection, query: Select[Any], table: Any, ticket_id: int | None, people: Collection[str] | None,
    before: int | None, limit: int,
) -> tuple[Sequence[object], int | None]:  # fmt: skip
    """Return a page of messages or calls; limited to some people, a bounded window at a time."""
    place = table.c.id
    bounds = [place < before] if before is not None else []
    floor = None
    if ticket_id is not None:
        bounds.append(table.c.ticket_id == ticket_id)
    else:
        floor = c.execute(select(place).where(*bounds).order_by(place.desc()).offset(SEARCH_WINDOW).limit(1)).scalar()
        if floor is not None:
            bounds.append(place >= floor)
    if people is not None:
        bounds.append(table.c.person.in_(sorted(people)))
    rows = c.execute(query.where(*bounds).order_by(place.desc()).limit(limit + 1)).all()
    return rows[:limit], rows[limit - 1].id if len(rows) > limit else floor


def _to_delivery(row: Any) -> DeliveryView:
    message = MAPPERS[Message].read(row[: len(_MESSAGE_COLUMNS)])
    return DeliveryView(message, row.ticket_no, decode_instant(row.sent_at), row.provider_id, row.error, row.cost)


def _load_calls(c: Connection, rows: Sequence[Any]) -> tuple[CallView, ...]:
    """Return calls with their attempts."""
    ids = [row.id for row in rows]
    of: dict[int, list[CallAttemptView]] = {i: [] for i in ids}
    scripts = {row.id: row.script for row in rows}
    if ids:
        for d in c.execute(
            select(t.call_attempts).where(t.call_attempts.c.call_id.in_(ids)).order_by(t.call_attempts.c.id)
        ):
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
