"""P1: a full move through the ticket service against the bare driver with the same writes, 1, 8 and 32 at once."""

import asyncio
import sqlite3
import time
from collections.abc import Iterable, Sequence
from typing import Any

import asyncpg  # type: ignore[import-untyped]

from backend.domain.acts import Act, DecisionContext, Plan
from backend.domain.decision import decide
from backend.domain.records import JournalEntry
from backend.domain.ticket_enums import Source
from backend.ports.tickets import TicketRef
from bench.harness import Figure, compute_ratios, format_rates, judge, measure, percentile
from bench.office import (
    DISPATCHER,
    KEY,
    BenchOffice,
    list_engines,
    make_handler,
    open_office,
    run_concurrently,
    unit_of,
)
from storage.engine.mapping import MAPPERS, TABLE_OF, encode
from storage.engine.postgres import PostgresDatabase
from storage.engine.sqlite import SqliteDatabase
from storage.tickets.moves import PG_TYPES

CONNECTIONS = 20
Statement = tuple[str, tuple[Any, ...]]


def run(small: bool) -> Iterable[Figure]:
    """Measure both engines, with a heavy move (dispatch) and a light one (sign)."""
    for engine in list_engines():
        yield from asyncio.run(_measure_engine(engine, 160 if small else 480))


async def _measure_engine(engine: str, count: int) -> list[Figure]:
    figures = []
    async with open_office(engine) as office:
        baseline = await _open_baseline(office)
        for width in (1, 8, 32):
            for verb in ("dispatch", "sign"):
                figures += await _measure_width(office, baseline, engine, verb, width, count)
        await baseline.close()
    return figures


async def _measure_width(
    office: BenchOffice, baseline: "Baseline", engine: str, verb: str, width: int, count: int
) -> list[Figure]:
    waits: list[float] = []

    async def ready() -> list[str]:
        numbers = await office.create_tickets(count)
        if verb == "sign":
            await run_concurrently([_make_job(office, "dispatch", n, i) for i, n in enumerate(numbers)], 32)
        return numbers

    async def ours() -> float:
        numbers = await ready()
        began = time.perf_counter()
        await run_concurrently([_make_job(office, verb, n, i, waits) for i, n in enumerate(numbers)], width)
        return count / (time.perf_counter() - began)

    async def theirs() -> float:
        numbers = await ready()
        plans = [await _make_plan(office, _make_act(verb, n, i)) for i, n in enumerate(numbers)]
        return await baseline.write([_build_statements(p, baseline.placeholder) for p in plans], width)

    await ours()  # warm
    waits.clear()
    taken = await measure(ours, theirs)
    bare = "raw asyncpg, same writes" if engine == "postgresql" else "raw sqlite3 FULL, same writes, one thread"
    least = 1.2 if engine == "sqlite" and width == 32 else 0.6
    figures = [judge("P1", f"{engine}: {verb} through the desk, {width} at once", bare, compute_ratios(taken),
                      least=least, note=format_rates(taken))]  # fmt: skip
    if engine == "sqlite" and width == 32:
        p99 = percentile(waits, 0.99) * 1000
        figures.append(
            judge("P1", f"{engine}: {verb}, p99 of one move, {width} at once", "", [p99], most=60, unit="ms")
        )
    return figures


def _make_act(verb: str, no: str, index: int) -> Act:
    if verb == "dispatch":
        return Act("dispatch", DISPATCHER, Source.API, ticket_no=no, arguments={"unit": unit_of(index)})
    return Act("sign", make_handler(unit_of(index)), Source("telegram"), ticket_no=no)


def _make_job(office: BenchOffice, verb: str, no: str, index: int, waits: list[float] | None = None) -> Any:
    async def job() -> None:
        began = time.perf_counter()
        await office.tickets.act(_make_act(verb, no, index))
        if waits is not None:
            waits.append(time.perf_counter() - began)

    return job


async def _make_plan(office: BenchOffice, act: Act) -> Plan:
    """Return the plan that the service would write; nothing is written."""
    await office.tickets.ensure_ids()
    snap = await office.moves.load(TicketRef(ticket_no=act.ticket_no))
    assert snap is not None
    context = DecisionContext(await office.office.snapshot(), office.office.clock.now(), office.ids.take)
    return decide(snap, act, context, KEY)


def _build_statements(plan: Plan, placeholder: Any) -> list[Statement]:
    """Turn a plan's writes into plain statements with their values: compare-and-set, journal, rows."""

    def assign(table: str, values: Any) -> str:
        return ", ".join(f'"{n}" = {placeholder(i, table, n)}' for i, n in enumerate(values, 1))

    def values(given: Any) -> tuple[Any, ...]:
        return tuple(encode(v) for v in given.values())

    count = len(plan.ticket)
    where = (
        f"id = {placeholder(count + 1, 'tickets', 'id')} AND version = {placeholder(count + 2, 'tickets', 'version')}"
    )
    found: list[Statement] = [
        (f"UPDATE tickets SET {assign('tickets', plan.ticket)} WHERE {where}",
         (*values(plan.ticket), plan.ticket_id, plan.expected_version)),
    ]  # fmt: skip
    for row in (plan.entry, *plan.rows):
        table, shape = TABLE_OF[type(row)].name, MAPPERS[type(row)]
        columns = ", ".join(f'"{n}"' for n in shape.names)
        placeholders = ", ".join(placeholder(i, table, n) for i, n in enumerate(shape.names, 1))
        found.append((f"INSERT INTO {table} ({columns}) VALUES ({placeholders})", shape.write(row)))
    for change in plan.changes:
        table = TABLE_OF[change.table].name
        last = placeholder(len(change.values) + 1, table, "id")
        found.append(
            (
                f"UPDATE {table} SET {assign(table, change.values)} WHERE id = {last}",
                (*values(change.values), change.id),
            )
        )
    cards = (
        f"UPDATE chat_cards SET target_version = {placeholder(1, 'chat_cards', 'target_version')} WHERE assignment_id = "
        + placeholder(2, "cards", "assignment_id")
    )
    found += [(f"{cards} AND state = 'live'", (plan.entry.version, one)) for one in plan.redraw]
    assert isinstance(plan.entry, JournalEntry)
    return found


class Baseline:
    """A bare database driver as the baseline."""

    def placeholder(self, number: int, table: str, column: str) -> str:
        """Return the placeholder of a parameter."""
        raise AssertionError

    async def write(self, moves: Sequence[Sequence[Statement]], width: int) -> float:
        """Write these moves, one transaction each; return moves a second."""
        raise AssertionError

    async def close(self) -> None:
        """Close the connections."""


class BareSqlite(Baseline):
    """sqlite3 in one thread, WAL, synchronous=FULL, one commit a move."""

    def __init__(self, path: str) -> None:
        self._raw = sqlite3.connect(path, isolation_level=None, check_same_thread=False, cached_statements=512)
        for pragma in ("busy_timeout=5000", "synchronous=FULL", "cache_size=-65536", "foreign_keys=ON"):
            self._raw.execute(f"PRAGMA {pragma}")

    def placeholder(self, number: int, table: str, column: str) -> str:
        """Return sqlite3's placeholder."""
        return "?"

    async def write(self, moves: Sequence[Sequence[Statement]], width: int) -> float:
        """Write one after another, whatever `width` is."""
        return await asyncio.to_thread(self._write, moves)

    def _write(self, moves: Sequence[Sequence[Statement]]) -> float:
        began = time.perf_counter()
        for move in moves:
            self._raw.execute("BEGIN IMMEDIATE")
            assert self._raw.execute(*move[0]).rowcount == 1
            for statement in move[1:]:
                self._raw.execute(*statement)
            self._raw.execute("COMMIT")
        return len(moves) / (time.perf_counter() - began)

    async def close(self) -> None:
        """Close the file."""
        self._raw.close()


class BarePostgres(Baseline):
    """asyncpg with a pool, one transaction a move, prepared statements from its own cache."""

    def __init__(self, pool: Any) -> None:
        self._pool = pool

    def placeholder(self, number: int, table: str, column: str) -> str:
        """Return PostgreSQL's placeholder with its type."""
        return f"${number}::{PG_TYPES[table][column]}"

    async def write(self, moves: Sequence[Sequence[Statement]], width: int) -> float:
        """Write over `width` connections in parallel."""
        waiting = iter(moves)

        async def hand() -> None:
            async with self._pool.acquire() as raw:
                for move in waiting:
                    async with raw.transaction():
                        assert (await raw.execute(move[0][0], *move[0][1])).endswith(" 1")
                        for statement, values in move[1:]:
                            await raw.execute(statement, *values)

        began = time.perf_counter()
        await asyncio.gather(*(hand() for _ in range(min(width, CONNECTIONS))))
        return len(moves) / (time.perf_counter() - began)

    async def close(self) -> None:
        """Close the pool."""
        await self._pool.close()


async def _open_baseline(office: BenchOffice) -> Baseline:
    if isinstance(office.db, SqliteDatabase):
        assert office.db.path
        return BareSqlite(office.db.path)
    assert isinstance(office.db, PostgresDatabase)
    return BarePostgres(await asyncpg.create_pool(office.db.url, min_size=CONNECTIONS, max_size=CONNECTIONS))
