"""Moves on SQLite: load, decide and write as one job of the writer thread."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection

from backend.domain.acts import Plan, Snapshot
from backend.domain.records import JournalEntry, Ticket
from backend.domain.refusals import Refused
from backend.ports.moves import Find, NewTicket
from storage.moves_parts import PARTS, columns_of, in_order, snapshot, ticket_columns, where_of, with_other
from storage.rows import SHAPES, TABLE_OF, encode
from storage.sqlite import SqliteDatabase

_TICKET = f"SELECT {columns_of(Ticket)} FROM tickets"
_SELECT = [
    (SHAPES[noun], f"SELECT {columns_of(noun)} FROM {TABLE_OF[noun].name} WHERE {where.format(id='?')}")
    for noun, where in PARTS
]
_INSERT: dict[type, str] = {
    noun: f"INSERT INTO {table.name} ({columns_of(noun)}) VALUES ({', '.join('?' * len(SHAPES[noun].names))})"
    for noun, table in TABLE_OF.items()
}


def load_sqlite(raw: Any, find: Find) -> Snapshot | None:
    """Load a snapshot over a bare sqlite3 connection."""
    where, value = where_of(find)
    row = raw.execute(f"{_TICKET} WHERE {where.format(p='?')}", (value,)).fetchone()
    if row is None:
        return None
    ticket: Ticket = SHAPES[Ticket].read(row)
    parts = []
    for shape, select in _SELECT:
        parts.append(tuple([shape.read(r) for r in raw.execute(select, (ticket.id,)).fetchall()]))
    return snapshot(ticket, parts)


def write_sqlite(raw: Any, plan: Plan) -> bool:
    """Write a plan; False (and nothing written) if the ticket has changed meanwhile."""
    names, values = _assign(plan.ticket, "?")
    done = raw.execute(
        f"UPDATE tickets SET {names} WHERE id = ? AND version = ?", (*values, plan.ticket_id, plan.expected_version)
    )
    if done.rowcount != 1:
        return False
    raw.execute(_INSERT[JournalEntry], SHAPES[JournalEntry].write(plan.entry))
    for row in plan.rows:
        raw.execute(_INSERT[type(row)], SHAPES[type(row)].write(row))
    for change in plan.changes:
        names, values = _assign(change.values, "?")
        raw.execute(f"UPDATE {TABLE_OF[change.table].name} SET {names} WHERE id = ?", (*values, change.id))
    for assignment_id in plan.redraw:
        raw.execute(
            "UPDATE cards SET wanted = ? WHERE assignment_id = ? AND state = 'live'",
            (plan.entry.version, assignment_id),
        )
    if plan.inbox_id is not None:
        raw.execute("UPDATE inbox SET state = 'done' WHERE id = ? AND state = 'new'", (plan.inbox_id,))
    return True


def _assign(values: Mapping[str, Any], mark: str) -> tuple[str, list[Any]]:
    return ", ".join(f'"{name}" = {mark}' for name in values), [encode(v) for v in values.values()]


def _raw(connection: Connection) -> Any:
    return connection.connection.driver_connection


class SqliteMoves:
    """Moves in the writer thread: nobody can interfere between reading and writing."""

    def __init__(self, db: SqliteDatabase) -> None:
        self._db = db

    async def load(self, find: Find) -> Snapshot | None:
        return await self._db.read(lambda c: load_sqlite(_raw(c), find))

    async def perform(self, find: Find, decide: Callable[[Snapshot | None], Plan], beside: Find | None = None) -> Plan:
        """Load, decide and write as one job of the writer thread."""

        def work(connection: Connection) -> Plan:
            raw = _raw(connection)
            found = load_sqlite(raw, find)
            plan = decide(found if beside is None else with_other(found, load_sqlite(raw, beside)))
            if not all(write_sqlite(raw, one) for one in in_order(plan)):
                raise Refused("overtaken")
            return plan

        return await self._db.write(work)

    async def create(self, tickets: Sequence[NewTicket]) -> list[bool]:
        return await self._db.write(lambda c: [_create_sqlite(_raw(c), new) for new in tickets])


def _create_sqlite(raw: Any, new: NewTicket) -> bool:
    if raw.execute("SELECT 1 FROM tickets WHERE no = ?", (new.ticket.no,)).fetchone():
        return False
    columns = ticket_columns(new)
    marks = ", ".join("?" * len(columns))
    names = ", ".join(f'"{n}"' for n in columns)
    raw.execute(f"INSERT INTO tickets ({names}) VALUES ({marks})", tuple(columns.values()))
    for line in (new.line, *new.lines):
        raw.execute(_INSERT[JournalEntry], SHAPES[JournalEntry].write(line))
    for row in new.rows:
        raw.execute(_INSERT[type(row)], SHAPES[type(row)].write(row))
    return True
