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
from backend.domain.ticket import Source
from bench.harness import Figure, judged, rate_note, rates, ratios
from bench.town import DISPATCHER, START, Town, at_once, engines, town, unit_of
from storage.deadlines.due import SqlDueStore

LOOKS = 100
BURST = 5_000
OUTAGE, HOURS = 10_000, 3
_SERIES = {
    "sqlite": "WITH RECURSIVE s(i) AS (SELECT :first UNION ALL SELECT i + 1 FROM s WHERE i < :last) ",
    "postgresql": "WITH s AS (SELECT generate_series(CAST(:first AS bigint), CAST(:last AS bigint)) AS i) ",
}
_INSERT = "INSERT INTO duties (id, ticket_id, unit, kind, grade, start_at, due_at, next_at, step, met_at, outcome) "
_OPEN = "SELECT 1000000000 + i, 1 + i / 4, 'U01', 'close', 'general', :at, :later + i, :later + i, 0, NULL, NULL FROM s"
_MET = "SELECT 1000000000 + i, 1 + i / 4, 'U01', 'close', 'general', :at, :at, NULL, 1, :at, 'timely' FROM s"


def run(small: bool) -> Iterable[Figure]:
    """Measure each engine by itself."""
    for engine in engines():
        yield from asyncio.run(_engine(engine, small))


async def _fill(place: Town, what: str, first: int, count: int) -> None:
    """Insert many duties with one statement, ids counted from `first`."""
    if not count:
        return
    facts = {"first": first, "last": first + count - 1, "at": to_micros(START),
             "later": to_micros(START + timedelta(days=300))}  # fmt: skip
    if what == _MET:
        facts.pop("later")
    dialect = place.db.dialect
    sql = (_SERIES[dialect] + _INSERT + what) if dialect == "postgresql" else (_INSERT + _SERIES[dialect] + what)

    def work(c: Connection) -> None:
        c.execute(text(sql), facts)

    await place.db.write(work)
    await place.db.write(lambda c: c.execute(text("ANALYZE duties")) and None)


async def _look(place: Town) -> float:
    """Return the milliseconds of one query that finds nothing, thread and connection included."""
    store = SqlDueStore(place.db)
    began = time.perf_counter()
    for _ in range(LOOKS):
        assert not await store.list_due(place.now(), 500)
    return (time.perf_counter() - began) / LOOKS * 1000


async def _engine(engine: str, small: bool) -> list[Figure]:
    few, many, past = (10_000, 200_000, 500_000) if small else (10_000, 1_000_000, 5_000_000)
    figures = []
    async with AsyncExitStack() as stack:
        lean = await stack.enter_async_context(town(engine))
        full = await stack.enter_async_context(town(engine))
        empty = [await _look(lean) for _ in range(5)]
        figures.append(judged("P5", f"{engine}: a look that finds nothing", "", empty, most=1.0, unit="ms"))
        await _fill(lean, _OPEN, 0, few)
        await _fill(full, _OPEN, 0, many)
        taken = await rates(lambda: _look(full), lambda: _look(lean))
        figures.append(judged("P5", f"{engine}: the look at {many:,} open duties", f"the look at {few:,}",
                              ratios(taken), most=1.5, note=rate_note(taken, " ms")))  # fmt: skip
        await _fill(full, _MET, many, past)
        await _fill(lean, _OPEN, few, many - few)
        taken = await rates(lambda: _look(full), lambda: _look(lean))
        figures.append(judged("P5", f"{engine}: the look over {past:,} met duties", "the look over none",
                              ratios(taken), most=1.2, note=rate_note(taken, " ms")))  # fmt: skip
    burst = [await _burst(engine, BURST // 5 if small else BURST) for _ in range(1 if small else 3)]
    figures.append(judged("P5", f"{engine}: {BURST:,} unsigned at once: auto-signed, letters written", "", burst,
                          most=5.0, unit="s", note="1,000 taken, times five" if small else ""))  # fmt: skip
    gap = [await _outage(engine, OUTAGE // 10 if small else OUTAGE)]
    figures.append(judged("G12", f"{engine}: {OUTAGE:,} deadlines passed in a 3 h outage, all handled", "", gap,
                          most=60.0, unit="s", note="1,000 taken, times ten" if small else ""))  # fmt: skip
    return figures


async def _outage(engine: str, count: int) -> float:
    """Return the seconds to handle, each once, OUTAGE deadlines that passed during three hours of outage."""
    async with town(engine) as place:
        numbers = await place.tickets(count)
        for hour in range(HOURS):  # those of an hour begin together; their due times do not change the work
            place.later = timedelta(hours=hour)

            def given(no: str, index: int) -> object:
                act = Act("dispatch", DISPATCHER, Source.API, ticket_no=no, arguments={"unit": unit_of(index)})
                return lambda: place.desk.act(act)

            await at_once([given(n, i) for i, n in enumerate(numbers[hour::HOURS])], 32)  # type: ignore[misc]
        place.later = timedelta(days=2)
        clockwork = DeadlineWatch(SqlDueStore(place.db), place.desk, place.office)
        began = time.perf_counter()
        while await clockwork.run_once():
            pass
        took = time.perf_counter() - began
        lines = text("SELECT count(*), count(DISTINCT ticket_id) FROM journal WHERE verb = 'auto_sign'")
        assert tuple(await place.db.read(lambda c: c.execute(lines).one())) == (count, count)
        return took * OUTAGE / count


async def _burst(engine: str, count: int) -> float:
    """Return the seconds to handle BURST duties that become due at once, with every side effect."""
    async with town(engine) as place:
        numbers = await place.tickets(count)

        def given(no: str, index: int) -> object:
            act = Act("dispatch", DISPATCHER, Source.API, ticket_no=no, arguments={"unit": unit_of(index)})
            return lambda: place.desk.act(act)

        await at_once([given(n, i) for i, n in enumerate(numbers)], 32)  # type: ignore[misc]
        place.later = timedelta(days=1, hours=9)  # after the hour they were due
        clockwork = DeadlineWatch(SqlDueStore(place.db), place.desk, place.office)
        began = time.perf_counter()
        while await clockwork.run_once():
            pass
        took = time.perf_counter() - began
        signed = text("SELECT count(*) FROM assignments WHERE signed = 'auto'")
        assert await place.db.read(lambda c: c.execute(signed).scalar_one()) == count
        return took * BURST / count
