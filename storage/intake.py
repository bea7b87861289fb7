"""Creates many tickets in one transaction, a table at a time; requesters are found by blind index."""

import asyncio
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select, text

from backend.domain.instants import to_micros
from backend.domain.records import JournalEntry, Ticket
from backend.ports.intake import Callers, Earlier
from backend.ports.moves import NewTicket
from storage import tables as t
from storage.db import Database
from storage.moves import moves_store
from storage.postgres import PostgresDatabase
from storage.rows import SHAPES, TABLE_OF, encode

FEW = 8  # up to this many are written one by one
TAKEN = "23505"  # PostgreSQL's code for a duplicate key
OVER = ("finalized", "archived", "merged", "cancelled")
_TICKET = (
    *SHAPES[Ticket].names, "name_sealed", "phone_sealed", "phone_tail", "submitted_at", "created_at",
    "extra",
)  # fmt: skip
_SERIAL = text(
    "INSERT INTO id_blocks (name, next) VALUES (:name, :first) "
    "ON CONFLICT (name) DO UPDATE SET next = id_blocks.next + :count RETURNING next"
)
Batch = tuple[str, tuple[str, ...], list[tuple[Any, ...]]]  # table, columns, rows


class Arrivals:
    """`IntakeStore` on either engine."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._moves = moves_store(db)

    async def create(self, tickets: Sequence[NewTicket]) -> list[bool]:
        if len(tickets) <= FEW:
            return await self._moves.create(tickets)
        taken = await self.known([n.ticket.no for n in tickets])
        fresh, answers = _first_of_each(tickets, taken)
        batches = await asyncio.to_thread(_batches, fresh)
        if isinstance(self._db, PostgresDatabase):
            if not await _copied(self._db, batches):  # somebody else created one of these numbers meanwhile
                return await self._moves.create(tickets)
            return answers

        def work(c: Connection) -> bool:
            numbers = [n.ticket.no for n in fresh]
            if _taken(c, numbers):
                return False
            raw = c.connection.driver_connection
            assert raw is not None
            for table, names, rows in batches:
                columns = ", ".join(f'"{name}"' for name in names)
                marks = ", ".join("?" * len(names))
                raw.executemany(f"INSERT INTO {table} ({columns}) VALUES ({marks})", rows)
            return True

        return answers if await self._db.write(work) else await self._moves.create(tickets)

    async def callers(self, indices: Collection[str], since: datetime) -> Callers:
        if not indices:
            return Callers()
        k = t.tickets.c
        mine = k.phone_index.in_(sorted(indices))
        open_ = (
            select(k.phone_index, k.category, k.no)
            .where(mine, k.generated_at >= to_micros(since), k.state.not_in(OVER))
            .order_by(k.id)
        )
        silent = select(k.phone_index).where(mine, k.no_visit).distinct()

        def work(c: Connection) -> Callers:
            earlier = tuple(Earlier(r.phone_index, r.category, r.no) for r in c.execute(open_))
            return Callers(earlier, frozenset(c.execute(silent).scalars()))

        return await self._db.read(work)

    async def said_before(self, callers: Collection[str], since: datetime) -> Sequence[Earlier]:
        if not callers:
            return ()
        k, g = t.tickets.c, t.gists.c
        query = (
            select(g.caller, k.category, k.no)
            .join_from(t.gists, t.tickets, k.id == g.ticket_id)
            .where(g.caller.in_(sorted(callers)), k.generated_at >= to_micros(since), k.state.not_in(OVER))
            .order_by(k.id)
        )
        return await self._db.read(lambda c: [Earlier(r.caller, r.category, r.no) for r in c.execute(query)])

    async def known(self, numbers: Collection[str]) -> frozenset[str]:
        return await self._db.read(lambda c: _taken(c, numbers))

    async def serials(self, day: str, count: int) -> range:
        words = {"name": f"serial:{day}", "first": count + 1, "count": count}
        end = await self._db.write(lambda c: int(c.execute(_SERIAL, words).scalar_one()))
        return range(end - count, end)


def _taken(c: Connection, numbers: Collection[str]) -> frozenset[str]:
    found: set[str] = set()
    wanted = sorted(set(numbers))
    for start in range(0, len(wanted), 5_000):
        query = select(t.tickets.c.no).where(t.tickets.c.no.in_(wanted[start : start + 5_000]))
        found.update(c.execute(query).scalars())
    return frozenset(found)


def _first_of_each(tickets: Sequence[NewTicket], taken: Collection[str]) -> tuple[list[NewTicket], list[bool]]:
    seen = set(taken)
    fresh: list[NewTicket] = []
    answers: list[bool] = []
    for new in tickets:
        answers.append(new.ticket.no not in seen)
        if answers[-1]:
            fresh.append(new)
            seen.add(new.ticket.no)
    return fresh, answers


def _batches(tickets: Sequence[NewTicket]) -> list[Batch]:
    """Return all rows to write, by table, columns in one order."""
    rows: dict[str, list[tuple[Any, ...]]] = {"tickets": [_columns(new) for new in tickets]}
    names: dict[str, tuple[str, ...]] = {"tickets": _TICKET}
    for new in tickets:
        nouns: Iterable[Any] = (new.line, *new.lines, *new.rows)
        for noun in nouns:
            table = TABLE_OF[type(noun)].name
            names.setdefault(table, SHAPES[type(noun)].names)
            rows.setdefault(table, []).append(SHAPES[type(noun)].write(noun))
    return [(table, names[table], found) for table, found in rows.items() if found]


def _columns(new: NewTicket) -> tuple[Any, ...]:
    line: JournalEntry = new.line
    more: Mapping[str, Any] = {"created_at": line.recorded_at, "extra": "{}", **new.columns}
    return (
        *SHAPES[Ticket].write(new.ticket),
        *(encode(more.get(n)) for n in _TICKET[len(SHAPES[Ticket].names) :]),
    )


async def _copied(db: PostgresDatabase, batches: Sequence[Batch]) -> bool:
    """Write by COPY in one transaction; False (and nothing written) if a number exists already."""
    async with db.direct() as connection:
        raw = (await connection.get_raw_connection()).driver_connection
        try:
            async with raw.transaction():
                for table, names, rows in batches:
                    await raw.copy_records_to_table(table, records=rows, columns=names)
        except Exception as error:
            if getattr(error, "sqlstate", None) != TAKEN:
                raise
            return False
    return True
