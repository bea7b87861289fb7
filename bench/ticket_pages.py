"""P11: a page of tickets from the ticket query store against bare keyset queries, at any depth and two table sizes."""

import asyncio
import os
import time
from collections.abc import Awaitable, Callable, Iterable

from sqlalchemy import Connection, text

from backend.ports.ticket_queries import TicketFilter
from bench.harness import Figure, compute_ratios, format_rates, judge, measure, percentile
from bench.office import BenchOffice, list_engines, open_office
from bench.scoring import END, fill_tables
from storage.engine.encryption import Encryption
from storage.tickets.queries import SqlQueryStore
from tests.time_and_chance import CHANCE

PAGE, PAGES = 30, 40

#: the tickets of a page and their assignments: the minimum that a page must query
BARE = (
    "SELECT * FROM tickets WHERE id < :before ORDER BY id DESC LIMIT 31",
    "SELECT * FROM assignments WHERE ticket_id >= :low AND ticket_id < :before",
)


def run(small: bool) -> Iterable[Figure]:
    """Measure both engines."""
    count = 20_000 if small else int(os.environ.get("JIESU_BENCH_ROWS", "1000000"))
    for engine in list_engines():
        yield from asyncio.run(_measure_engine(engine, count))


async def _measure_engine(engine: str, count: int) -> list[Figure]:
    async with open_office(engine) as few, open_office(engine) as many:
        await few.db.write(lambda c: fill_tables(c, count // 20))
        await many.db.write(lambda c: fill_tables(c, count))
        last, deep = count * 10 + 1, count * 5
        figures = []
        for what, before in (("first page", last), (f"page {count // PAGE // 2:,} of all", deep)):
            taken = await measure(_build_ours(many, before), _build_bare(many, before))
            figures.append(judge("P11", f"{what} of {count:,} tickets, {engine}", "bare keyset queries",
                                  compute_ratios(taken), most=2, note=format_rates(taken, " ms")))  # fmt: skip
        taken = await measure(_build_ours(many, last), _build_ours(few, count // 20 * 10 + 1))
        figures.append(judge("P11", f"first page of {count:,} tickets, {engine}", f"of {count // 20:,}",
                              compute_ratios(taken), most=1.5, note=format_rates(taken, " ms")))  # fmt: skip
        times = [await _build_ours(many, last, 1)() for _ in range(300)]
        note = f"median {percentile(times, 0.5):.1f} ms"
        figures.append(judge("P11", f"p99 of {len(times)} pages, {engine}", "", [percentile(times, 0.99)], most=150,
                              note=note, unit="ms"))  # fmt: skip
        return figures


def _build_ours(office: BenchOffice, before: int, pages: int = PAGES) -> Callable[[], Awaitable[float]]:
    store = SqlQueryStore(office.db, Encryption("a secret of sixteen or more", CHANCE))

    async def one() -> float:
        began = time.perf_counter()
        for _ in range(pages):
            found = await store.list_tickets(TicketFilter(), END, before=before, limit=PAGE)
            assert len(found.items) == PAGE
        return (time.perf_counter() - began) / pages * 1000

    return one


def _build_bare(office: BenchOffice, before: int) -> Callable[[], Awaitable[float]]:
    def work(c: Connection) -> None:
        rows = c.execute(text(BARE[0]), {"before": before}).all()
        c.execute(text(BARE[1]), {"before": before, "low": rows[-1].id}).all()

    async def one() -> float:
        began = time.perf_counter()
        for _ in range(PAGES):
            await office.db.read(work)
        return (time.perf_counter() - began) / PAGES * 1000

    return one
