"""The desk's shelf: snapshots read in one go, plans written by compare-and-set in one transaction.

SQLite loads, decides and writes inside one job of the writer thread; PostgreSQL reads with one statement and writes
the whole plan with another (a chain of CTEs behind the compare-and-set), so a move is two round trips.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sqlalchemy import Boolean, Connection, Integer, LargeBinary, Table, Text

from backend.domain.acts import Plan, Snapshot
from backend.domain.records import Assignment, Duty, Line, Request, Ticket, Visit
from backend.domain.refusals import Refused
from backend.ports.moves import Find, NewTicket
from storage import tables
from storage.db import Database
from storage.postgres import PostgresDatabase
from storage.rows import SHAPES, TABLE_OF, encode
from storage.sqlite import SqliteDatabase

TRIES = 5  # a loser reads again and is told who won; more than this in a row is nobody's luck


def moves_store(db: Database) -> "SqliteMoves | PostgresMoves":
    """The desk's shelf on whichever engine."""
    if isinstance(db, SqliteDatabase):
        return SqliteMoves(db)
    assert isinstance(db, PostgresDatabase)
    return PostgresMoves(db)


# -- reading

PARTS: tuple[tuple[type, str], ...] = (
    (Assignment, "ticket_id = {id} ORDER BY id"),
    (Duty, "ticket_id = {id} AND (met_at IS NULL OR kind = 'return') ORDER BY id"),
    (Request, "ticket_id = {id} ORDER BY id"),
    (Visit, "ticket_id = {id} ORDER BY id"),
    (Line, "ticket_id = {id} ORDER BY version DESC LIMIT 1"),
)


def _columns(noun: type) -> str:
    return ", ".join(f'"{name}"' for name in SHAPES[noun].names)


def _where(find: Find) -> tuple[str, Any]:
    if find.no is not None:
        return "no = {p}", find.no
    if find.ticket_id is not None:
        return "id = {p}", find.ticket_id
    return "id = (SELECT ticket_id FROM assignments WHERE id = {p})", find.assignment_id


def _snapshot(ticket: Ticket, parts: list[tuple[Any, ...]]) -> Snapshot:
    assignments, duties, requests, visits, last = parts
    return Snapshot(ticket, assignments, duties, requests, visits, last[0] if last else None)


# -- SQLite

_SELECT = {
    noun: f"SELECT {_columns(noun)} FROM {TABLE_OF[noun].name} WHERE {where.format(id='?')}"
    for noun, where in PARTS
}
_INSERT: dict[type, str] = {
    noun: f"INSERT INTO {table.name} ({_columns(noun)}) VALUES ({', '.join('?' * len(SHAPES[noun].names))})"
    for noun, table in TABLE_OF.items()
}


def load_sqlite(raw: Any, find: Find) -> Snapshot | None:
    """A snapshot over a bare sqlite3 connection."""
    where, value = _where(find)
    row = raw.execute(
        f"SELECT {_columns(Ticket)} FROM tickets WHERE {where.format(p='?')}", (value,)
    ).fetchone()
    if row is None:
        return None
    ticket: Ticket = SHAPES[Ticket].read(row)
    parts = []
    for noun, _ in PARTS:
        shape = SHAPES[noun]
        parts.append(tuple(shape.read(r) for r in raw.execute(_SELECT[noun], (ticket.id,))))
    return _snapshot(ticket, parts)


def write_sqlite(raw: Any, plan: Plan) -> bool:
    """Write a plan; False (and nothing written) when the ticket has moved on."""
    names, values = _assign(plan.ticket, "?")
    done = raw.execute(
        f"UPDATE tickets SET {names} WHERE id = ? AND version = ?", (*values, plan.ticket_id, plan.expected)
    )
    if done.rowcount != 1:
        return False
    raw.execute(_INSERT[Line], SHAPES[Line].write(plan.line))
    for row in plan.rows:
        raw.execute(_INSERT[type(row)], SHAPES[type(row)].write(row))
    for change in plan.changes:
        names, values = _assign(change.values, "?")
        raw.execute(f"UPDATE {TABLE_OF[change.table].name} SET {names} WHERE id = ?", (*values, change.id))
    for assignment_id in plan.redraw:
        raw.execute(
            "UPDATE cards SET wanted = ? WHERE assignment_id = ? AND state = 'live'",
            (plan.line.version, assignment_id),
        )
    if plan.inbox_id is not None:
        raw.execute("UPDATE inbox SET state = 'done' WHERE id = ? AND state = 'new'", (plan.inbox_id,))
    return True


def _assign(values: Mapping[str, Any], mark: str) -> tuple[str, list[Any]]:
    return ", ".join(f'"{name}" = {mark}' for name in values), [encode(v) for v in values.values()]


def _raw(connection: Connection) -> Any:
    return connection.connection.driver_connection


class SqliteMoves:
    """Moves in the writer thread: nobody can be quicker between reading and writing."""

    def __init__(self, db: SqliteDatabase) -> None:
        self._db = db

    async def load(self, find: Find) -> Snapshot | None:
        """The ticket with everything a decision needs, or None."""
        return await self._db.read(lambda c: load_sqlite(_raw(c), find))

    async def perform(self, find: Find, decide: Callable[[Snapshot | None], Plan]) -> Plan:
        """Load, decide and write as one job of the writer."""

        def work(connection: Connection) -> Plan:
            raw = _raw(connection)
            plan = decide(load_sqlite(raw, find))
            if not write_sqlite(raw, plan):
                raise Refused("overtaken")
            return plan

        return await self._db.write(work)

    async def create(self, tickets: Sequence[NewTicket]) -> list[bool]:
        """Keep new tickets in one transaction; False for a number that already exists."""
        return await self._db.write(lambda c: [_create_sqlite(_raw(c), new) for new in tickets])


def _create_sqlite(raw: Any, new: NewTicket) -> bool:
    if raw.execute("SELECT 1 FROM tickets WHERE no = ?", (new.ticket.no,)).fetchone():
        return False
    columns = _ticket_columns(new)
    marks = ", ".join("?" * len(columns))
    names = ", ".join(f'"{n}"' for n in columns)
    raw.execute(f"INSERT INTO tickets ({names}) VALUES ({marks})", tuple(columns.values()))
    for line in (new.line, *new.lines):
        raw.execute(_INSERT[Line], SHAPES[Line].write(line))
    for row in new.rows:
        raw.execute(_INSERT[type(row)], SHAPES[type(row)].write(row))
    return True


def _ticket_columns(new: NewTicket) -> dict[str, Any]:
    shape = SHAPES[Ticket]
    columns = dict(zip(shape.names, shape.write(new.ticket), strict=True))
    columns |= {"created_at": encode(new.line.recorded_at), "extra": "{}"}
    return columns | {name: encode(value) for name, value in new.columns.items()}


# -- PostgreSQL

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


def _pg_select(find: Find) -> str:
    """One statement for a whole snapshot: the ticket's row and its parts as JSON arrays."""
    where, _ = _where(find)
    parts = ", ".join(
        f"(SELECT json_agg(json_build_array({_columns(noun)})) FROM "
        f"(SELECT * FROM {TABLE_OF[noun].name} WHERE {condition.format(id='t.id')}) x)"
        for noun, condition in PARTS
    )
    return f"SELECT {parts}, {_columns(Ticket)} FROM tickets t WHERE {where.format(p='$1')}"


_PG_SELECT = {kind: _pg_select(Find(**{kind: 0})) for kind in ("no", "ticket_id", "assignment_id")}  # type: ignore[arg-type]


async def load_postgres(raw: Any, find: Find) -> Snapshot | None:
    """A snapshot over a bare asyncpg connection, in one statement."""
    kind = "no" if find.no is not None else "ticket_id" if find.ticket_id is not None else "assignment_id"
    row = await raw.fetchrow(_PG_SELECT[kind], getattr(find, kind))
    if row is None:
        return None
    values = tuple(row)
    count = len(PARTS)
    parts = []
    for (noun, _), body in zip(PARTS, values[:count], strict=True):
        rows = json.loads(body) if isinstance(body, (str, bytes)) else body or []
        parts.append(tuple(SHAPES[noun].read(r) for r in rows or ()))
    return _snapshot(SHAPES[Ticket].read(values[count:]), parts)


_statements: dict[tuple[Any, ...], str] = {}


def plan_statement(plan: Plan) -> tuple[str, list[Any]]:
    """The one statement that writes a plan behind its compare-and-set, and its parameters.

    It answers how many tickets were moved: 1, or 0 when somebody was quicker (then nothing is written).
    """
    params: list[Any] = [encode(v) for v in plan.ticket.values()]
    params += [plan.ticket_id, plan.expected]
    params += SHAPES[Line].write(plan.line)
    for row in plan.rows:
        params += SHAPES[type(row)].write(row)
    for change in plan.changes:
        params += [encode(v) for v in change.values.values()]
        params.append(change.id)
    for assignment_id in plan.redraw:
        params += [plan.line.version, assignment_id]
    if plan.inbox_id is not None:
        params.append(plan.inbox_id)
    shape = (
        tuple(plan.ticket), tuple(type(r) for r in plan.rows),
        tuple((c.table, tuple(c.values)) for c in plan.changes), len(plan.redraw), plan.inbox_id is not None,
    )  # fmt: skip
    statement = _statements.get(shape)
    if statement is None:
        statement = _statements[shape] = _build(plan)
    return statement, params


def _build(plan: Plan) -> str:
    numbers = iter(range(1, 10_000))

    def assign(table: str, names: Sequence[str]) -> str:
        return ", ".join(f'"{n}" = ${next(numbers)}::{PG_TYPES[table][n]}' for n in names)

    def insert(noun: type) -> str:
        table = TABLE_OF[noun].name
        marks = ", ".join(f"${next(numbers)}::{PG_TYPES[table][n]}" for n in SHAPES[noun].names)
        return f"INSERT INTO {table} ({_columns(noun)}) SELECT {marks} FROM moved RETURNING 1"

    steps = [
        f"moved AS (UPDATE tickets SET {assign('tickets', list(plan.ticket))} "
        f"WHERE id = ${next(numbers)}::bigint AND version = ${next(numbers)}::integer RETURNING id)",
        f"line AS ({insert(Line)})",
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
            f"redraw{index} AS (UPDATE cards x SET wanted = ${next(numbers)}::integer FROM moved "
            f"WHERE x.assignment_id = ${next(numbers)}::bigint AND x.state = 'live' RETURNING 1)"
        )
    if plan.inbox_id is not None:
        steps.append(
            f"heard AS (UPDATE inbox x SET state = 'done' FROM moved WHERE x.id = ${next(numbers)}::bigint "
            "AND x.state = 'new' RETURNING 1)"
        )
    return f"WITH {', '.join(steps)} SELECT count(*) FROM moved"


class PostgresMoves:
    """Moves in two round trips; the loser reads again and is told who won."""

    def __init__(self, db: PostgresDatabase) -> None:
        self._db = db

    async def load(self, find: Find) -> Snapshot | None:
        """The ticket with everything a decision needs, or None."""
        async with self._db.direct() as connection:
            return await load_postgres((await connection.get_raw_connection()).driver_connection, find)

    async def perform(self, find: Find, decide: Callable[[Snapshot | None], Plan]) -> Plan:
        """Read, decide, write; again when somebody was quicker."""
        async with self._db.direct() as connection:
            raw = (await connection.get_raw_connection()).driver_connection
            for _ in range(TRIES):
                plan = decide(await load_postgres(raw, find))
                statement, params = plan_statement(plan)
                if await raw.fetchval(statement, *params) == 1:
                    return plan
        raise Refused("overtaken")

    async def create(self, tickets: Sequence[NewTicket]) -> list[bool]:
        """Keep new tickets in one transaction; False for a number that already exists."""
        if not tickets:
            return []
        async with self._db.direct() as connection:
            raw = (await connection.get_raw_connection()).driver_connection
            async with raw.transaction():
                return [await _create_postgres(raw, new) for new in tickets]


async def _create_postgres(raw: Any, new: NewTicket) -> bool:
    columns = _ticket_columns(new)
    names = ", ".join(f'"{n}"' for n in columns)
    marks = ", ".join(f"${i}::{PG_TYPES['tickets'][n]}" for i, n in enumerate(columns, 1))
    kept = await raw.fetchval(
        f"INSERT INTO tickets ({names}) VALUES ({marks}) ON CONFLICT (no) DO NOTHING RETURNING id",
        *columns.values(),
    )
    if kept is None:
        return False
    for noun in (new.line, *new.lines, *new.rows):
        table, shape = TABLE_OF[type(noun)].name, SHAPES[type(noun)]
        marks = ", ".join(f"${i}::{PG_TYPES[table][n]}" for i, n in enumerate(shape.names, 1))
        await raw.execute(
            f"INSERT INTO {table} ({_columns(type(noun))}) VALUES ({marks})", *shape.write(noun)
        )
    return True
