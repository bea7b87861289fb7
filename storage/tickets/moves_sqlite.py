"""Moves on SQLite: load, decide and write as one job of the writer thread."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection

from backend.domain.acts import Plan, Snapshot
from backend.domain.records import JournalEntry, Ticket
from backend.domain.refusals import Refused
from backend.ports.availability import Unavailable
from backend.ports.tickets import TicketRef, TicketRows
from storage.engine.gate import Gate
from storage.engine.mapping import MAPPERS, TABLE_OF, encode
from storage.engine.sqlite import SqliteDatabase
from storage.tickets.moves_parts import (
    PARTS,
    attach_other,
    build_condition,
    build_snapshot,
    build_ticket_columns,
    format_columns,
    list_gate_parts,
    list_spelled,
    sort_for_locking,
)

_TICKET = f"SELECT {format_columns(Ticket)} FROM tickets"
_SELECT = [
    (MAPPERS[noun], f"SELECT {format_columns(noun)} FROM {TABLE_OF[noun].name} WHERE {where.format(id='?')}")
    for noun, where in PARTS
]
_INSERT: dict[type, str] = {
    noun: f"INSERT INTO {table.name} ({format_columns(noun)}) VALUES ({', '.join('?' * len(MAPPERS[noun].names))})"
    for noun, table in TABLE_OF.items()
}


def load_sqlite(raw: Any, ref: TicketRef) -> Snapshot | None:
    """Load a snapshot over a bare sqlite3 connection."""
    for spelled in list_spelled(ref):
        where, value = build_condition(spelled)
        if (row := raw.execute(f"{_TICKET} WHERE {where.format(p='?')}", (value,)).fetchone()) is not None:
            break
    else:
        return None
    ticket: Ticket = MAPPERS[Ticket].read(row)
    parts = []
    for shape, select in _SELECT:
        parts.append(tuple([shape.read(r) for r in raw.execute(select, (ticket.id,)).fetchall()]))
    return build_snapshot(ticket, parts)


def write_sqlite(raw: Any, plan: Plan, gate: Gate) -> bool:
    """Write a plan; False (and nothing written) if the ticket has changed meanwhile. Raises Unavailable where the gate is shut."""
    names, values = _assign(plan.ticket, "?")
    parts = list_gate_parts(plan)
    done = raw.execute(
        f"UPDATE tickets SET {names} WHERE id = ? AND version = ? AND {gate.admits(*parts)}",
        (*values, plan.ticket_id, plan.expected_version),
    )
    if done.rowcount != 1:
        _refuse_closed(raw, gate, *parts)
        return False
    raw.execute(_INSERT[JournalEntry], MAPPERS[JournalEntry].write(plan.entry))
    for row in plan.rows:
        raw.execute(_INSERT[type(row)], MAPPERS[type(row)].write(row))
    for change in plan.changes:
        names, values = _assign(change.values, "?")
        raw.execute(f"UPDATE {TABLE_OF[change.table].name} SET {names} WHERE id = ?", (*values, change.id))
    for assignment_id in plan.redraw:
        raw.execute(
            "UPDATE chat_cards SET target_version = ? WHERE assignment_id = ? AND state = 'live'",
            (plan.entry.version, assignment_id),
        )
    if plan.inbox_id is not None:
        raw.execute("UPDATE inbox SET state = 'done' WHERE id = ? AND state = 'new'", (plan.inbox_id,))
    return True


def _refuse_closed(raw: Any, gate: Gate, *parts: str) -> None:
    if obstacle := raw.execute(f"SELECT {gate.obstacle(*parts)}").fetchone()[0]:
        raise Unavailable(obstacle)


def _assign(values: Mapping[str, object], mark: str) -> tuple[str, list[object]]:
    return ", ".join(f'"{name}" = {mark}' for name in values), [encode(v) for v in values.values()]


def _raw(connection: Connection) -> object:
    return connection.connection.driver_connection


class SqliteMoveStore:
    """Moves in the writer thread: nobody can interfere between reading and writing."""

    def __init__(self, db: SqliteDatabase) -> None:
        self._db = db

    async def load(self, ref: TicketRef) -> Snapshot | None:
        return await self._db.read(lambda c: load_sqlite(_raw(c), ref))

    async def perform(
        self, ref: TicketRef, decide: Callable[[Snapshot | None], Plan], beside: TicketRef | None = None
    ) -> Plan:
        """Load, decide and write as one job of the writer thread."""

        def work(connection: Connection) -> Plan:
            raw = _raw(connection)
            found = load_sqlite(raw, ref)
            plan = decide(found if beside is None else attach_other(found, load_sqlite(raw, beside)))
            if not all(write_sqlite(raw, one, self._db.gate) for one in sort_for_locking(plan)):
                raise Refused("overtaken")
            return plan

        return await self._db.write(work)

    async def create(self, tickets: Sequence[TicketRows]) -> list[bool]:
        return await self._db.write(lambda c: [_create_sqlite(_raw(c), new, self._db.gate) for new in tickets])


def _create_sqlite(raw: Any, new: TicketRows, gate: Gate) -> bool:
    if raw.execute("SELECT 1 FROM tickets WHERE ticket_no = ?", (new.ticket.ticket_no,)).fetchone():
        return False
    columns = build_ticket_columns(new)
    placeholders = ", ".join("?" * len(columns))
    names = ", ".join(f'"{n}"' for n in columns)
    made = raw.execute(
        f"INSERT INTO tickets ({names}) SELECT {placeholders} WHERE {gate.admits('acts')}", tuple(columns.values())
    )
    if made.rowcount != 1:
        _refuse_closed(raw, gate, "acts")
    for line in (new.line, *new.lines):
        raw.execute(_INSERT[JournalEntry], MAPPERS[JournalEntry].write(line))
    for row in new.rows:
        raw.execute(_INSERT[type(row)], MAPPERS[type(row)].write(row))
    return True
