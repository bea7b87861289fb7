"""Creates many tickets in one transaction, a table at a time; requesters are found by blind index."""

import asyncio
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime

from sqlalchemy import Connection, bindparam, select, text

from backend.domain import masked_texts
from backend.domain.instants import to_micros
from backend.domain.records import JournalEntry, Ticket
from backend.ports.availability import Unavailable
from backend.ports.tickets import EarlierTicket, KnownRequesters, TicketRows
from storage import tables as t
from storage.engine.database import Database
from storage.engine.dialect import find_existing
from storage.engine.mapping import MAPPERS, TABLE_OF, encode
from storage.engine.postgres import PostgresDatabase
from storage.tickets.moves import create_move_store

MAX_SINGLE_INSERTS = 8  # up to this many are written one by one
UNIQUE_VIOLATION = "23505"  # PostgreSQL's code for a duplicate key
ENDED_STATES = ("finalized", "archived", "merged", "cancelled")
_TICKET = (
    *MAPPERS[Ticket].names, *masked_texts.COLUMNS,
    "name_sealed", "phone_sealed", "phone_tail", "submitted_at", "created_at", "extra",
)  # fmt: skip
_SERIAL = text(
    "INSERT INTO id_blocks (name, next) VALUES (:name, :first) "
    "ON CONFLICT (name) DO UPDATE SET next = id_blocks.next + :count RETURNING next"
)
_BLANK = {"extra": "{}", **dict.fromkeys(masked_texts.COLUMNS, "")}
K, G = t.tickets.c, t.ticket_features.c
_IS_CALLER, _IS_RECENT = K.phone_index.in_(bindparam("callers", expanding=True)), K.generated_at >= bindparam("since")
_LIST_OPEN = (
    select(K.phone_index, K.category, K.ticket_no)
    .where(_IS_CALLER, _IS_RECENT, K.state.not_in(ENDED_STATES))
    .order_by(K.id)
)
_LIST_SILENT = select(K.phone_index).where(_IS_CALLER, K.do_not_call).distinct()
_LIST_OPEN_BY_TEXT = (
    select(G.caller, K.category, K.ticket_no)
    .join_from(t.ticket_features, t.tickets, K.id == G.ticket_id)
    .where(G.caller.in_(bindparam("callers", expanding=True)), _IS_RECENT, K.state.not_in(ENDED_STATES))
    .order_by(K.id)
)
Batch = tuple[str, tuple[str, ...], list[tuple[object, ...]]]  # table, columns, rows


class SqlIntakeStore:
    """`IntakeStore` on either engine."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._moves = create_move_store(db)

    async def create(self, tickets: Sequence[TicketRows]) -> list[bool]:
        if len(tickets) <= MAX_SINGLE_INSERTS:
            return await self._moves.create(tickets)
        taken = await self.find_taken_numbers([n.ticket.ticket_no for n in tickets])
        fresh, created = _drop_duplicates(tickets, taken)
        batches = await asyncio.to_thread(_build_batches, fresh)
        if isinstance(self._db, PostgresDatabase):
            if not await _copy_batches(self._db, batches):  # somebody else created one of these numbers meanwhile
                return await self._moves.create(tickets)
            return created

        def work(c: Connection) -> bool:
            self._db.gate.refuse_closed(c, "acts")
            numbers = [n.ticket.ticket_no for n in fresh]
            if find_existing(c, t.tickets.c.ticket_no, numbers):
                return False
            raw = c.connection.driver_connection
            assert raw is not None
            for table, names, rows in batches:
                columns = ", ".join(f'"{name}"' for name in names)
                marks = ", ".join("?" * len(names))
                raw.executemany(f"INSERT INTO {table} ({columns}) VALUES ({marks})", rows)
            return True

        return created if await self._db.write(work) else await self._moves.create(tickets)

    async def find_requesters(self, indices: Collection[str], since: datetime) -> KnownRequesters:
        if not indices:
            return KnownRequesters()
        given = {"callers": sorted(indices), "since": to_micros(since)}

        def work(c: Connection) -> KnownRequesters:
            found = c.execute(_LIST_OPEN, given)
            earlier = tuple(EarlierTicket(r.phone_index, r.category, r.ticket_no) for r in found)
            return KnownRequesters(earlier, frozenset(c.execute(_LIST_SILENT, given).scalars()))

        return await self._db.read(work)

    async def find_earlier_by_text(self, requesters: Collection[str], since: datetime) -> Sequence[EarlierTicket]:
        if not requesters:
            return ()
        given = {"callers": sorted(requesters), "since": to_micros(since)}
        return await self._db.fetch_all(
            _LIST_OPEN_BY_TEXT, lambda r: EarlierTicket(r.caller, r.category, r.ticket_no), given
        )

    async def find_taken_numbers(self, numbers: Collection[str]) -> frozenset[str]:
        return frozenset(await self._db.read(lambda c: find_existing(c, t.tickets.c.ticket_no, numbers)))

    async def reserve_serials(self, day: str, count: int) -> range:
        values = {"name": f"serial:{day}", "first": count + 1, "count": count}
        end = await self._db.write(lambda c: int(c.execute(_SERIAL, values).scalar_one()))
        return range(end - count, end)


def _drop_duplicates(tickets: Sequence[TicketRows], taken: Collection[str]) -> tuple[list[TicketRows], list[bool]]:
    seen = set(taken)
    fresh: list[TicketRows] = []
    answers: list[bool] = []
    for new in tickets:
        answers.append(new.ticket.ticket_no not in seen)
        if answers[-1]:
            fresh.append(new)
            seen.add(new.ticket.ticket_no)
    return fresh, answers


def _build_batches(tickets: Sequence[TicketRows]) -> list[Batch]:
    """Return all rows to write, by table, columns in one order."""
    rows: dict[str, list[tuple[object, ...]]] = {"tickets": [_build_row(new) for new in tickets]}
    names: dict[str, tuple[str, ...]] = {"tickets": _TICKET}
    for new in tickets:
        records: Iterable[object] = (new.line, *new.lines, *new.rows)
        for record in records:
            table = TABLE_OF[type(record)].name
            names.setdefault(table, MAPPERS[type(record)].names)
            rows.setdefault(table, []).append(MAPPERS[type(record)].write(record))
    return [(table, names[table], found) for table, found in rows.items() if found]


def _build_row(new: TicketRows) -> tuple[object, ...]:
    line: JournalEntry = new.line
    more: Mapping[str, object] = {**_BLANK, "created_at": line.recorded_at, **new.columns}
    return (
        *MAPPERS[Ticket].write(new.ticket),
        *(encode(more.get(n)) for n in _TICKET[len(MAPPERS[Ticket].names) :]),
    )


async def _copy_batches(db: PostgresDatabase, batches: Sequence[Batch]) -> bool:
    """Write by COPY in one transaction; False (and nothing written) if a number exists already."""
    async with db.connect_autocommit() as connection:
        raw = (await connection.get_raw_connection()).driver_connection
        try:
            async with raw.transaction():
                if obstacle := await raw.fetchval(f"SELECT {db.gate.obstacle('acts')}"):
                    raise Unavailable(obstacle)
                for table, names, rows in batches:
                    await raw.copy_records_to_table(table, records=rows, columns=names)
        except Exception as error:
            if getattr(error, "sqlstate", None) != UNIQUE_VIOLATION:
                raise
            return False
    return True
