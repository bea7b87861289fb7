"""P6: a month's six rates recounted, against bare one-pass queries of the same engine; P7: bulk histories."""

import asyncio
import os
import resource
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any

from sqlalchemy import Connection, text

from backend.domain.instants import to_micros
from backend.domain.records import Unit
from backend.domain.scoring.measures import Measure
from backend.domain.ticket_enums import Category, Grade, UnitKind
from backend.ports.importing import ImportContext
from backend.ports.scoring import Cohort, Run
from backend.scoring.periods import parse_period
from backend.scoring.results import compute_result, hash_sheet
from bench.harness import Figure, compute_ratios, format_rates, judge, measure
from bench.office import ZONE, BenchOffice, list_engines, open_office
from storage.engine.encryption import Encryption
from storage.importing.history import SqlHistoryStore, insert_rows
from storage.importing.rows import COLUMNS, HistoryRowBuilder, Rows, count_ids
from storage.scoring.counts import SqlScoringStore
from tests.scoring_service import build_scoring
from tests.time_and_chance import CHANCE

SIX = (Measure.SIGN, Measure.RETURN, Measure.ON_TIME, Measure.EXTENSION, Measure.RED_CARD, Measure.SATISFACTION)
START, END = datetime(2026, 10, 1, tzinfo=ZONE), datetime(2026, 11, 1, tzinfo=ZONE)
DAY = 86_400_000_000  # microseconds

#: queries as one would write them knowing the month and the six rates, but no special cases
BARE = (
    "SELECT unit, count(*), sum(CASE WHEN outcome = 'timely' THEN 1 ELSE 0 END) FROM duties "
    "WHERE kind = 'sign' AND start_at >= :start AND start_at < :end GROUP BY unit",
    "SELECT unit, count(*), sum(CASE WHEN timely THEN 1 ELSE 0 END) FROM requests WHERE kind = 'return' "
    "AND asked_at >= :start AND asked_at < :end AND decision = 'accepted' GROUP BY unit",
    "SELECT a.unit, sum(CASE WHEN t.flags NOT LIKE '%mass_incident%' THEN 1 ELSE 0 END), "
    "sum(CASE WHEN t.flags NOT LIKE '%mass_incident%' AND a.closed_at <= a.close_due_at THEN 1 ELSE 0 END), "
    "sum(CASE WHEN t.flags NOT LIKE '%mass_incident%' THEN a.extension_count ELSE 0 END), "
    "sum(CASE WHEN t.category IN ('consult', 'help', 'complaint') THEN 1 ELSE 0 END), "
    "sum(CASE WHEN t.category IN ('consult', 'help', 'complaint') AND t.final_answer = 'unsatisfied' "
    "AND NOT t.unreasonable THEN 1 ELSE 0 END) FROM assignments a JOIN tickets t ON t.id = a.ticket_id "
    "WHERE a.lead AND a.closed_at >= :start AND a.closed_at < :end AND a.state <> 'returned' GROUP BY a.unit",
    "SELECT unit, count(*), sum(CASE WHEN red_card_at >= :start AND red_card_at < :end THEN 1 ELSE 0 END) "
    "FROM assignments WHERE lead AND dispatched_at < :end AND (closed_at IS NULL OR closed_at >= :start) "
    "AND state <> 'returned' GROUP BY unit",
)


def run(small: bool) -> Iterable[Figure]:
    """Measure the recount and the bulk write on both engines."""
    for engine in list_engines():
        yield from asyncio.run(
            _measure_recount(engine, 60_000 if small else int(os.environ.get("JIESU_BENCH_ROWS", "1000000")))
        )
        yield from asyncio.run(_measure_histories(engine, 4_000 if small else 20_000))


# -- P6


async def _measure_recount(engine: str, count: int) -> list[Figure]:
    async with open_office(engine) as office:
        await office.db.write(lambda c: fill_tables(c, count))
        store = SqlScoringStore(office.db)
        question = Cohort(START, END, END + timedelta(days=9))
        values = {"start": to_micros(START), "end": to_micros(END)}

        async def ours() -> float:
            began = time.perf_counter()
            await store.count(SIX, question)
            return time.perf_counter() - began

        async def bare() -> float:
            def work(c: Connection) -> None:
                for query in BARE:
                    c.execute(text(query), values).all()

            began = time.perf_counter()
            await office.db.read(work)
            return time.perf_counter() - began

        await ours(), await bare()
        taken = await measure(ours, bare)
        return [
            judge("P6", f"a month's six rates, {count:,} assignments, {engine}", "bare one-pass queries",
                   compute_ratios(taken), most=1.3, note=format_rates(taken, " s")),
            *await _measure_sheets(office, store, count, engine, ours),
            *await _measure_locked(office, store, engine, ours),
        ]  # fmt: skip


async def _measure_sheets(
    office: BenchOffice, store: SqlScoringStore, count: int, engine: str, recount: Callable[[], Awaitable[float]]
) -> list[Figure]:
    """Measure the finished sheets of 2,000 units, with tickets behind each line and regions, and of one unit."""
    await office.config.save_units(
        [Unit(f"U{n}", f"单位{n}", UnitKind.HANDLING, "A市") for n in range(2000)], "bench", END
    )
    office.office.invalidate()
    scoring = build_scoring(office.db, office.ids, office.office, store)
    as_of = END + timedelta(days=9)

    async def timed(**words: Any) -> float:
        began = time.perf_counter()
        await scoring.compute_month("2026-10", as_of=as_of, **words)
        return time.perf_counter() - began

    figures = []
    for what, words in (
        ("2,000 sheets", {"evidence": False}), ("2,000 sheets with their tickets", {}), ("one unit's sheet", {"unit": "U7"}),
    ):  # fmt: skip
        taken = [(await timed(**words), await recount()) for _ in range(2)]
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
        note = f"{format_rates(taken, ' s')}, peak {peak} MB"
        figures.append(
            judge(
                "P6", f"{what}, {count:,} assignments, {engine}", "the recount alone", compute_ratios(taken), note=note
            )
        )
    return figures


async def _measure_locked(
    office: BenchOffice, store: SqlScoringStore, engine: str, recount: Callable[[], Awaitable[float]]
) -> list[Figure]:
    """Measure reading a settled month from its locked run: the counts as they were, under a hash."""
    scoring = build_scoring(office.db, office.ids, office.office, store)
    inputs = await scoring.collect_inputs(parse_period("2026-10"), as_of=END + timedelta(days=9), evidence=False)
    sheet = {"inputs": inputs, "result": compute_result(inputs)}
    await office.ids.refill(1)
    run = Run(office.ids.take(), "2026-10", "", "trial", "bench", END + timedelta(days=9), sheet, hash_sheet(sheet))
    await store.add_run(run)
    await store.lock_run(run.id, "bench", END + timedelta(days=9), None, None)

    async def read_locked() -> float:
        began = time.perf_counter()
        found = await store.find_locked_run("2026-10", "")
        assert found is not None and len(found.sheet["inputs"]["units"]) >= 2000
        return time.perf_counter() - began

    taken = [(await recount(), await read_locked()) for _ in range(3)]
    return [
        judge(
            "P6",
            f"recount of a month, {engine}",
            "reading its locked run",
            compute_ratios(taken),
            note=format_rates(taken, " s"),
        )
    ]


def fill_tables(c: Connection, count: int) -> None:
    """Insert `count` tickets of one assignment each, 2,000 units, all dispatched in the month, by SQL alone."""
    if c.dialect.name == "sqlite":
        numbers = f"(WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < {count}) SELECT n FROM s)"
    else:
        numbers = f"(SELECT CAST(generate_series(1, {count}) AS bigint) AS n)"
    sent = f"({to_micros(START)} + (n * 7919) % (30 * {DAY // 1_000_000}) * 1000000)"
    unit, yes, no = "'U' || (n % 2000)", "n > 0", "n < 0"
    closed = f"CASE WHEN n % 10 < 8 THEN {sent} + (n % 9) * {DAY} END"
    late = "n % 10 < 8 AND n % 9 > 7 AND n % 20 = 7"
    c.execute(
        text(f"""INSERT INTO tickets (id, ticket_no, version, journal_head, state, category, grade, channel, region, management,
        generated_at, lead_id, flags, requires_dispatch, final_answer, unreasonable, title, place, text, created_at, extra)
        SELECT n * 10, 'B' || n, 1, '', 'finalized', CASE n % 6 WHEN 0 THEN 'consult' WHEN 1 THEN 'help' WHEN 2 THEN
        'complaint' ELSE 'report' END, 'general', 'phone', 'A', 'M01', {sent}, n * 10 + 1,
        CASE n % 50 WHEN 0 THEN 'mass_incident' ELSE '' END, {yes},
        CASE n % 40 WHEN 1 THEN 'unsatisfied' ELSE 'satisfied' END, {no}, '', '', '', {sent}, '{{}}' FROM {numbers} x""")
    )
    c.execute(
        text(f"""INSERT INTO assignments (id, ticket_id, unit, lead, state, version, dispatched_at, dispatched_by,
        sign_due_at, close_due_at, signed_at, sign_method, closed_at, extension_count, red_card_at, ended_at)
        SELECT n * 10 + 1, n * 10, {unit}, {yes}, CASE WHEN n % 100 = 98 THEN 'returned' ELSE 'finalized' END, 1, {sent},
        'D', {sent} + {DAY}, {sent} + 8 * {DAY}, {sent}, 'manual', {closed}, n % 11 / 10,
        CASE WHEN {late} THEN {sent} + 8 * {DAY} END, CASE WHEN n % 100 = 98 THEN {sent} + {DAY} END
        FROM {numbers} x""")
    )
    c.execute(
        text(f"""INSERT INTO duties (id, ticket_id, assignment_id, unit, kind, grade, start_at, due_at, met_at,
        outcome) SELECT n * 10 + 2, n * 10, n * 10 + 1, {unit}, 'sign', 'general', {sent}, {sent} + {DAY}, {sent},
        CASE n % 15 WHEN 0 THEN 'auto' ELSE 'timely' END FROM {numbers} x""")
    )
    c.execute(
        text(f"""INSERT INTO requests (id, ticket_id, assignment_id, unit, kind, asked_at, asked_by, timely, facts,
        decision, decided_at) SELECT n * 10 + 3, n * 10, n * 10 + 1, {unit}, 'return', {sent} + 1, 'H', {yes}, '{{}}',
        'accepted', {sent} + {DAY} FROM {numbers} x WHERE n % 100 = 98""")
    )
    c.execute(
        text(f"""INSERT INTO visits (id, ticket_id, assignment_id, round, kind, at, "by", source, answer, note, decisive)
        SELECT n * 10 + 4, n * 10, n * 10 + 1, 1, 'manual', {sent} + 9 * {DAY}, 'V', 'api',
        CASE n % 40 WHEN 1 THEN 'unsatisfied' ELSE 'satisfied' END, '', {yes} FROM {numbers} x WHERE n % 6 < 3""")
    )
    c.execute(text("ANALYZE"))


# -- P7


async def _measure_histories(engine: str, count: int) -> list[Figure]:
    async with open_office(engine) as office:
        vault = Encryption("a secret of sixteen or more", CHANCE)
        store = SqlHistoryStore(office.db, office.ids, vault)
        frame = ImportContext(datetime(2026, 11, 22, tzinfo=ZONE), "bench", (await office.office.snapshot()).due)
        turn = iter(range(1_000_000))

        async def ours() -> float:
            lives: Sequence[Any] = [_make_history(f"A{next(turn)}") for _ in range(count)]
            began = time.perf_counter()
            await store.write(lives, frame)
            return count / (time.perf_counter() - began)

        async def bare() -> float:
            rows = await _build_rows(office, [_make_history(f"A{next(turn)}") for _ in range(count)], vault, frame)
            began = time.perf_counter()
            await office.db.write(lambda c: insert_rows(c, rows))
            return count / (time.perf_counter() - began)

        taken = await measure(ours, bare)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
        return [judge("P7", f"lives of tickets kept in bulk, {engine}", "bare executemany of the same rows",
                       compute_ratios(taken), least=0.35, note=f"{format_rates(taken)} lives, peak {peak} MB")]  # fmt: skip


async def _build_rows(office: BenchOffice, lives: Sequence[Any], vault: Encryption, frame: ImportContext) -> Rows:
    await office.ids.refill(sum(map(count_ids, lives)))
    writer = HistoryRowBuilder(office.ids.take, vault, vault.journal, frame)
    for life in lives:
        writer.add(life)
    assert COLUMNS.keys() == writer.rows.keys()
    return writer.rows


def _make_history(no: str) -> Any:
    n = int(no[1:])
    born = START + timedelta(minutes=n * 7 % 40_000)
    sent, signed = born + timedelta(hours=1), born + timedelta(hours=3)
    one = SimpleNamespace(
        unit=f"U{n % 20:02d}", lead=True, dispatched_at=sent, signed_at=signed, signed="manual", returned=None,
        extensions=(), close_due_at=None, closed_at=sent + timedelta(days=n % 9), red_card=None, contacted_at=None,
    )  # fmt: skip
    visit = SimpleNamespace(
        kind="auto", at=sent + timedelta(days=10), answer="satisfied", contacted="yes", resolved=None
    )
    return SimpleNamespace(
        ticket_no=no, category=Category.HELP, grade=Grade.GENERAL, channel="phone", management="M01", generated_at=born,
        direct_answer=False, mass_incident=False, confidential=False, requester_name="王某",
        requester_phone="+8613800001234", assignments=(one,), visits=(visit,), unreasonable=None,
        copied={"category": Category.HELP, "region": "A市", "title": "路灯", "text": "路灯不亮" * 40, "place": "某路"},
    )  # fmt: skip
