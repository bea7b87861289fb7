"""P5: the query for due work, empty and at two sizes of everything; and a burst of five thousand at once."""

import asyncio
import time
from collections.abc import Iterable
from contextlib import AsyncExitStack
from datetime import timedelta

from sqlalchemy import Connection, text

from backend.deadlines.watch import DeadlineWatch
from backend.domain.acts import Act
from backend.domain.instants import to_micros
from backend.domain.ticket_enums import Source
from bench.harness import Figure, compute_ratios, format_rates, judge, measure
from bench.office import (
    DISPATCHER,
    START,
    BenchOffice,
    list_engines,
    open_office,
    run_concurrently,
    unit_of,
)
from storage.deadlines.due import SqlDueStore

QUERIES = 100
BURST = 5_000
OUTAGE, HOURS = 10_000, 3
_SERIES = {
    "sqlite": "WITH RECURSIVE s(i) AS (SELECT :first UNION ALL SELECT i + 1 FROM s WHERE i < :last) ",
    "postgresql": "WITH s AS (SELECT generate_series(CAST(:first AS bigint), CAST(:last AS bigint)) AS i) ",
}
_INSERT = (
    "INSERT INTO duties (id, ticket_id, unit, kind, grade, start_at, due_at, check_at, reminder_step, met_at, outcome) "
)
_OPEN = "SELECT 1000000000 + i, 1 + i / 4, 'U01', 'close', 'general', :at, :later + i, :later + i, 0, NULL, NULL FROM s"
_MET = "SELECT 1000000000 + i, 1 + i / 4, 'U01', 'close', 'general', :at, :at, NULL, 1, :at, 'timely' FROM s"


def run(small: bool) -> Iterable[Figure]:
    """Measure each engine by itself."""
    for engine in list_engines():
        yield from asyncio.run(_measure_engine(engine, small))


async def _fill(office: BenchOffice, what: str, first: int, count: int) -> None:
    """Insert many duties with one statement, ids counted from `first`."""
    if not count:
        return
    facts = {"first": first, "last": first + count - 1, "at": to_micros(START),
             "later": to_micros(START + timedelta(days=300))}  # fmt: skip
    if what == _MET:
        facts.pop("later")
    dialect = office.db.dialect
    sql = (_SERIES[dialect] + _INSERT + what) if dialect == "postgresql" else (_INSERT + _SERIES[dialect] + what)

    def work(c: Connection) -> None:
        c.execute(text(sql), facts)

    await office.db.write(work)
    await office.db.execute(text("ANALYZE duties"))


async def _measure_query(office: BenchOffice) -> float:
    """Return the milliseconds of one query that finds nothing, thread and connection included."""
    store = SqlDueStore(office.db)
    began = time.perf_counter()
    for _ in range(QUERIES):
        assert not await store.list_due(office.now(), 500)
    return (time.perf_counter() - began) / QUERIES * 1000


async def _measure_engine(engine: str, small: bool) -> list[Figure]:
    few, many, past = (10_000, 200_000, 500_000) if small else (10_000, 1_000_000, 5_000_000)
    figures = []
    async with AsyncExitStack() as stack:
        lean = await stack.enter_async_context(open_office(engine))
        full = await stack.enter_async_context(open_office(engine))
        empty = [await _measure_query(lean) for _ in range(5)]
        figures.append(judge("P5", f"{engine}: a look that finds nothing", "", empty, most=1.0, unit="ms"))
        await _fill(lean, _OPEN, 0, few)
        await _fill(full, _OPEN, 0, many)
        taken = await measure(lambda: _measure_query(full), lambda: _measure_query(lean))
        figures.append(judge("P5", f"{engine}: the look at {many:,} open duties", f"the look at {few:,}",
                              compute_ratios(taken), most=1.5, note=format_rates(taken, " ms")))  # fmt: skip
        await _fill(full, _MET, many, past)
        await _fill(lean, _OPEN, few, many - few)
        taken = await measure(lambda: _measure_query(full), lambda: _measure_query(lean))
        figures.append(judge("P5", f"{engine}: the look over {past:,} met duties", "the look over none",
                              compute_ratios(taken), most=1.2, note=format_rates(taken, " ms")))  # fmt: skip
    burst = [await _measure_burst(engine, BURST // 5 if small else BURST) for _ in range(1 if small else 3)]
    figures.append(judge("P5", f"{engine}: {BURST:,} unsigned at once: auto-signed, letters written", "", burst,
                          most=5.0, unit="s", note="1,000 taken, times five" if small else ""))  # fmt: skip
    gap = [await _measure_outage(engine, OUTAGE // 10 if small else OUTAGE)]
    figures.append(judge("G12", f"{engine}: {OUTAGE:,} deadlines passed in a 3 h outage, all handled", "", gap,
                          most=60.0, unit="s", note="1,000 taken, times ten" if small else ""))  # fmt: skip
    return figures


async def _measure_outage(engine: str, count: int) -> float:
    """Return the seconds to handle, each once, OUTAGE deadlines that passed during three hours of outage."""
    async with open_office(engine) as office:
        numbers = await office.create_tickets(count)
        for hour in range(HOURS):  # those of an hour begin together; their due times do not change the work
            office.offset = timedelta(hours=hour)

            def given(no: str, index: int) -> object:
                act = Act("dispatch", DISPATCHER, Source.API, ticket_no=no, arguments={"unit": unit_of(index)})
                return lambda: office.tickets.act(act)

            await run_concurrently([given(n, i) for i, n in enumerate(numbers[hour::HOURS])], 32)  # type: ignore[misc]
        office.offset = timedelta(days=2)
        deadline_watch = DeadlineWatch(SqlDueStore(office.db), office.tickets, office.office)
        began = time.perf_counter()
        while await deadline_watch.run_once():
            pass
        took = time.perf_counter() - began
        lines = text("SELECT count(*), count(DISTINCT ticket_id) FROM journal WHERE verb = 'auto_sign'")
        assert tuple(await office.db.read(lambda c: c.execute(lines).one())) == (count, count)
        return took * OUTAGE / count


async def _measure_burst(engine: str, count: int) -> float:
    """Return the seconds to handle BURST duties that become due at once, with every side effect."""
    async with open_office(engine) as office:
        numbers = await office.create_tickets(count)

        def given(no: str, index: int) -> object:
            act = Act("dispatch", DISPATCHER, Source.API, ticket_no=no, arguments={"unit": unit_of(index)})
            return lambda: office.tickets.act(act)

        await run_concurrently([given(n, i) for i, n in enumerate(numbers)], 32)  # type: ignore[misc]
        office.offset = timedelta(days=1, hours=9)  # after the hour they were due
        deadline_watch = DeadlineWatch(SqlDueStore(office.db), office.tickets, office.office)
        began = time.perf_counter()
        while await deadline_watch.run_once():
            pass
        took = time.perf_counter() - began
        signed = text("SELECT count(*) FROM assignments WHERE sign_method = 'auto'")
        assert await office.db.read(lambda c: c.execute(signed).scalar_one()) == count
        return took * BURST / count
