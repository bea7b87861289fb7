"""Moves on PostgreSQL: one statement reads, one writes the whole plan behind its compare-and-set."""

import json
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

from sqlalchemy import Boolean, Integer, LargeBinary, Table, Text

from backend.domain.acts import Plan, Snapshot
from backend.domain.records import JournalEntry, Ticket
from backend.domain.refusals import Refused
from backend.ports.availability import Unavailable
from backend.ports.tickets import TicketRef, TicketRows
from storage import tables
from storage.engine.gate import Gate
from storage.engine.mapping import MAPPERS, TABLE_OF, encode
from storage.engine.postgres import PostgresDatabase
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

MAX_ATTEMPTS = 5  # a loser reads again and learns who won; losing more often in a row means something is wrong

_TYPES: tuple[tuple[type, str], ...] = ((Boolean, "boolean"), (LargeBinary, "bytea"), (Text, "text"))


def _pg_type(table: Table, column: str) -> str:
    kind = table.c[column].type
    for known, name in _TYPES:
        if isinstance(kind, known):
            return name
    return "integer" if type(kind) is Integer else "bigint"


PG_TYPES: dict[str, dict[str, str]] = {
    table.name: {column.name: _pg_type(table, column.name) for column in table.columns}
    for table in tables.metadata.tables.values()
}


@cache
def _build_select(where: str) -> str:
    """Return the statement that reads a whole snapshot: the ticket's row and its parts as JSON arrays."""
    parts = ", ".join(
        f"(SELECT json_agg(json_build_array({format_columns(noun)})) FROM "
        f"(SELECT * FROM {TABLE_OF[noun].name} WHERE {condition.format(id='t.id')}) x)"
        for noun, condition in PARTS
    )
    return f"SELECT {parts}, {format_columns(Ticket)} FROM tickets t WHERE {where.format(p='$1')}"


async def load_postgres(raw: Any, ref: TicketRef) -> Snapshot | None:
    """Load a snapshot over a bare asyncpg connection, in one statement."""
    for spelled in list_spelled(ref):
        where, value = build_condition(spelled)
        if (row := await raw.fetchrow(_build_select(where), value)) is not None:
            break
    else:
        return None
    values = tuple(row)
    count = len(PARTS)
    parts = []
    for (noun, _), body in zip(PARTS, values[:count], strict=True):
        rows = json.loads(body) if isinstance(body, (str, bytes)) else body or []
        parts.append(tuple(MAPPERS[noun].read(r) for r in rows or ()))
    return build_snapshot(MAPPERS[Ticket].read(values[count:]), parts)


_statements: dict[tuple[object, ...], str] = {}


def build_plan_statement(plan: Plan, gate: Gate) -> tuple[str, list[object]]:
    """Return the one statement that writes a plan behind its compare-and-set and the gate, and its parameters.

    It returns how many tickets were moved, and what the gate has against it: 1 and '', or 0 and '' if somebody else
    was faster; with 0 nothing is written.
    """
    params: list[object] = [encode(v) for v in plan.ticket.values()]
    params += [plan.ticket_id, plan.expected_version]
    params += MAPPERS[JournalEntry].write(plan.entry)
    for row in plan.rows:
        params += MAPPERS[type(row)].write(row)
    for change in plan.changes:
        params += [encode(v) for v in change.values.values()]
        params.append(change.id)
    for assignment_id in plan.redraw:
        params += [plan.entry.version, assignment_id]
    if plan.inbox_id is not None:
        params.append(plan.inbox_id)
    obstacle = gate.obstacle(*list_gate_parts(plan))
    shape = (
        obstacle, tuple(plan.ticket), tuple(type(r) for r in plan.rows),
        tuple((c.table, tuple(c.values)) for c in plan.changes), len(plan.redraw), plan.inbox_id is not None,
    )  # fmt: skip
    statement = _statements.get(shape)
    if statement is None:
        statement = _statements[shape] = _build_statement(plan, obstacle)
    return statement, params


def _build_statement(plan: Plan, obstacle: str) -> str:
    numbers = iter(range(1, 10_000))

    def assign(table: str, names: Sequence[str]) -> str:
        return ", ".join(f'"{n}" = ${next(numbers)}::{PG_TYPES[table][n]}' for n in names)

    def insert(noun: type) -> str:
        table = TABLE_OF[noun].name
        marks = ", ".join(f"${next(numbers)}::{PG_TYPES[table][n]}" for n in MAPPERS[noun].names)
        return f"INSERT INTO {table} ({format_columns(noun)}) SELECT {marks} FROM moved RETURNING 1"

    steps = [
        f"gate_of AS (SELECT {obstacle} AS obstacle)",
        f"moved AS (UPDATE tickets SET {assign('tickets', list(plan.ticket))} "
        f"WHERE id = ${next(numbers)}::bigint AND version = ${next(numbers)}::integer "
        "AND (SELECT obstacle FROM gate_of) = '' RETURNING id)",
        f"line AS ({insert(JournalEntry)})",
    ]
    for index, row in enumerate(plan.rows):
        steps.append(f"row{index} AS ({insert(type(row))})")
    for index, change in enumerate(plan.changes):
        table = TABLE_OF[change.table].name
        steps.append(
            f"change{index} AS (UPDATE {table} x SET {assign(table, list(change.values))} FROM moved "
            f"WHERE x.id = ${next(numbers)}::bigint RETURNING 1)"
        )
    for index, _ in enumerate(plan.redraw):
        steps.append(
            f"redraw{index} AS (UPDATE chat_cards x SET target_version = ${next(numbers)}::integer FROM moved "
            f"WHERE x.assignment_id = ${next(numbers)}::bigint AND x.state = 'live' RETURNING 1)"
        )
    if plan.inbox_id is not None:
        steps.append(
            f"heard AS (UPDATE inbox x SET state = 'done' FROM moved WHERE x.id = ${next(numbers)}::bigint "
            "AND x.state = 'new' RETURNING 1)"
        )
    return f"WITH {', '.join(steps)} SELECT (SELECT count(*) FROM moved), obstacle FROM gate_of"


async def _run_plan(raw: Any, plan: Plan, gate: Gate) -> bool:
    """Write a plan for one ticket; False if somebody else was faster. Raises Unavailable where the gate is shut."""
    statement, params = build_plan_statement(plan, gate)
    moved, obstacle = await raw.fetchrow(statement, *params)
    if obstacle:
        raise Unavailable(obstacle)
    return bool(moved == 1)


async def _write_plan(raw: Any, plan: Plan, gate: Gate) -> bool:
    """Write a plan; False if somebody else was faster. Two tickets are moved in one transaction, or neither."""
    if plan.other is None:
        return await _run_plan(raw, plan, gate)
    transaction = raw.transaction()
    await transaction.start()
    try:
        for one in sort_for_locking(plan):
            if not await _run_plan(raw, one, gate):
                await transaction.rollback()
                return False
    except Unavailable:
        await transaction.rollback()
        raise
    await transaction.commit()
    return True


class PostgresMoveStore:
    """Moves in two round trips; the loser reads again and learns who won."""

    def __init__(self, db: PostgresDatabase) -> None:
        self._db = db

    async def load(self, ref: TicketRef) -> Snapshot | None:
        async with self._db.acquire_raw(writing=False) as raw:
            return await load_postgres(raw, ref)

    async def perform(
        self, ref: TicketRef, decide: Callable[[Snapshot | None], Plan], beside: TicketRef | None = None
    ) -> Plan:
        """Read, decide and write; retry if somebody else was faster."""
        async with self._db.acquire_raw(writing=True) as raw:
            for _ in range(MAX_ATTEMPTS):
                found = await load_postgres(raw, ref)
                plan = decide(found if beside is None else attach_other(found, await load_postgres(raw, beside)))
                if await _write_plan(raw, plan, self._db.gate):
                    return plan
        raise Refused("overtaken")

    async def create(self, tickets: Sequence[TicketRows]) -> list[bool]:
        if not tickets:
            return []
        async with self._db.acquire_raw(writing=True) as raw, raw.transaction():
            return [await _create_postgres(raw, new, self._db.gate) for new in tickets]


async def _create_postgres(raw: Any, new: TicketRows, gate: Gate) -> bool:
    columns = build_ticket_columns(new)
    names = ", ".join(f'"{n}"' for n in columns)
    placeholders = ", ".join(f"${i}::{PG_TYPES['tickets'][n]}" for i, n in enumerate(columns, 1))
    kept = await raw.fetchval(
        f"INSERT INTO tickets ({names}) SELECT {placeholders} WHERE {gate.admits('acts')} "
        "ON CONFLICT (ticket_no) DO NOTHING RETURNING id",
        *columns.values(),
    )
    if kept is None:
        if obstacle := await raw.fetchval(f"SELECT {gate.obstacle('acts')}"):
            raise Unavailable(obstacle)
        return False
    for record in (new.line, *new.lines, *new.rows):
        table, shape = TABLE_OF[type(record)].name, MAPPERS[type(record)]
        placeholders = ", ".join(f"${i}::{PG_TYPES[table][n]}" for i, n in enumerate(shape.names, 1))
        await raw.execute(
            f"INSERT INTO {table} ({format_columns(type(record))}) VALUES ({placeholders})", *shape.write(record)
        )
    return True
