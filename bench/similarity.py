"""P12: similar tickets for a new one, among many and ten times as many; and grouping a year's petitions."""

import asyncio
import json
import random
import time
from collections.abc import Iterable
from contextlib import AsyncExitStack
from datetime import timedelta
from functools import cache

from sqlalchemy import Connection, text

from backend.domain.similarity import TicketFeatures, build_index_keys
from backend.ports.triage import FeaturedTicket, FeatureSource
from backend.triage.segmenter import extract_ticket_features
from backend.triage.similarity import Similarity, group_tickets
from bench.harness import Figure, compute_ratios, format_rates, judge, measure, percentile
from bench.office import START, BenchOffice, list_engines, open_office
from storage.engine.encryption import Encryption
from storage.office.key_values import SqlKeyValueStore
from storage.triage.features import SqlFeatureStore
from tests.time_and_chance import CHANCE

QUERIES = 40  # queries of one figure
PETITIONS = 2_816
WORDS = 20_000  # of an invented language; the first are very common
COMMON = 60  # common words; every ticket has three of them
_FIRST = 10_000_000  # first id of the inserted rows
_FILL = {
    "sqlite": "WITH RECURSIVE s(i) AS (SELECT :first UNION ALL SELECT i + 1 FROM s WHERE i < :last), ",
    "postgresql": "WITH s AS (SELECT generate_series(CAST(:first AS bigint), CAST(:last AS bigint)) AS i), ",
}
_TICKETS = (
    "x AS (SELECT 1 AS one) INSERT INTO tickets (id, ticket_no, version, journal_head, state, category, grade, channel, region, "
    "generated_at, flags, title, place, text, created_at, extra) "
    "SELECT i, 'X' || i, 1, '', 'closed', 'help', 'general', 'web', '', :at, '', 'filled', '', '', :at, '{}' FROM s"
)
_FEATURES = (
    "x AS (SELECT 1 AS one) INSERT INTO ticket_features (ticket_id, terms, title, places, generated_at) "
    "SELECT i, :terms, '[\"filled\"]', '[[], []]', :at FROM s"
)
#: Three common words, nine others, and five pairs that no other ticket shares.
_KEYS = (
    "j AS (SELECT 0 AS n UNION ALL SELECT 1 UNION ALL SELECT 2 UNION ALL SELECT 3 UNION ALL SELECT 4 UNION ALL SELECT 5 "
    "UNION ALL SELECT 6 UNION ALL SELECT 7 UNION ALL SELECT 8 UNION ALL SELECT 9 UNION ALL SELECT 10 UNION ALL SELECT 11) "
    "INSERT INTO feature_index (key, ticket_id) SELECT DISTINCT w.key, s.i FROM s CROSS JOIN j JOIN bench_words w ON w.n = "
    "CASE WHEN j.n < 3 THEN (s.i * 31 + j.n * 17 + s.i / 7) % :common ELSE :common + (s.i * 7919 + j.n * 104729 + "
    "s.i / 3) % (:words - :common) END ORDER BY 1, 2"
)
_PAIRS = (
    "j AS (SELECT 0 AS n UNION ALL SELECT 1 UNION ALL SELECT 2 UNION ALL SELECT 3 UNION ALL SELECT 4) "
    "INSERT INTO feature_index (key, ticket_id) SELECT s.i * 8 + j.n - 4000000000000000000, s.i FROM s CROSS JOIN j "
    "ORDER BY 1, 2"
)


def run(small: bool) -> Iterable[Figure]:
    """Measure each engine by itself, then the grouping."""
    for engine in list_engines():
        yield from asyncio.run(_measure_engine(engine, small))
    yield _measure_grouping()


@cache
def _load_words() -> list[str]:
    """Pick rare words of the dictionary, so that each is one word and carries meaning."""
    import jieba

    jieba.initialize()
    seldom = sorted(w for w, often in jieba.dt.FREQ.items() if len(w) in (2, 3) and 3 <= often <= 300)
    return random.Random(3).sample(seldom, WORDS)


async def _fill(office: BenchOffice, count: int) -> None:
    dialect = office.db.dialect
    vocabulary = [
        {"n": n, "key": build_index_keys(TicketFeatures({word: 10.0}))[0]} for n, word in enumerate(_load_words())
    ]
    terms = json.dumps({word: 20.0 - i / 2 for i, word in enumerate(_load_words()[:24])})
    facts = {"first": _FIRST, "last": _FIRST + count - 1, "at": int(START.timestamp() * 1_000_000)}

    def work(c: Connection) -> None:
        c.execute(text("CREATE TABLE bench_words (n BIGINT PRIMARY KEY, key BIGINT)"))
        c.execute(text("INSERT INTO bench_words VALUES (:n, :key)"), vocabulary)
        for body, more in ((_TICKETS, {}), (_FEATURES, {"terms": terms}),
                           (_KEYS, {"common": COMMON, "words": WORDS}), (_PAIRS, {})):  # fmt: skip
            some = {k: v for k, v in facts.items() if f":{k}" in body or k in ("first", "last")}
            head, rest = _FILL[dialect], body
            if dialect == "sqlite":  # in SQLite the WITH follows the head of the INSERT
                before, _, after = rest.partition("INSERT INTO ")
                into, _, query = after.partition(") SELECT")
                rest = f"INSERT INTO {into}) {head}{before.rstrip()} SELECT{query}"
                c.execute(text(rest), {**some, **more})
            else:
                c.execute(text(head + rest), {**some, **more})

    await office.db.write(work)
    await office.db.execute(text("ANALYZE"))


async def _measure_query(office: BenchOffice, similarity: Similarity) -> list[float]:
    """Return the milliseconds of each query for a new demand: segment, fetch candidates, compare the best."""
    dice, words = random.Random(7), _load_words()
    took = []
    for number in range(QUERIES):
        common = [words[dice.randrange(COMMON)] for _ in range(3)]
        others = [words[dice.randrange(COMMON, WORDS)] for _ in range(9)]
        demand = FeatureSource(
            number, f"N{number}", " ".join(others[:4]), "，".join([*common, *others]), "", "", "help", None, START
        )
        began = time.perf_counter()
        await similarity.find_similar_to(demand)
        took.append((time.perf_counter() - began) * 1000)
    return took


async def _measure_engine(engine: str, small: bool) -> list[Figure]:
    few, many = (10_000, 100_000) if small else (100_000, 1_000_000)
    figures = []
    async with AsyncExitStack() as stack:
        offices = [await stack.enter_async_context(open_office(engine)) for _ in range(2)]
        services = []
        for place, count in zip(offices, (few, many), strict=True):
            await _fill(place, count)
            store = SqlFeatureStore(place.db, Encryption("a secret of the bench", CHANCE))
            services.append(Similarity(store, place.office, SqlKeyValueStore(place.db)))
            await _measure_query(place, services[-1])
        slow = [percentile(await _measure_query(offices[1], services[1]), 0.95) for _ in range(5)]
        figures.append(judge("P12", f"{engine}: like tickets for a new one among {many:,} (p95)", "", slow, most=50,
                              unit="ms"))  # fmt: skip

        async def asked(which: int) -> float:
            return sum(await _measure_query(offices[which], services[which])) / QUERIES

        taken = await measure(lambda: asked(1), lambda: asked(0))
        figures.append(judge("P12", f"{engine}: the same among {many:,}", f"among {few:,}", compute_ratios(taken), most=1.5,
                              note=format_rates(taken, " ms")))  # fmt: skip
    return figures


def _measure_grouping() -> Figure:
    """Measure the CPU seconds to read and group as many demands as the petition sheet has, a tenth of them repeats."""
    dice, words = random.Random(11), _load_words()
    demands: list[str] = []
    while len(demands) < PETITIONS:
        if demands and dice.random() < 0.1:
            parts = dice.choice(demands).split("，")
            demands.append("，".join(dice.sample(parts, len(parts))))
        else:
            demands.append("，".join(words[int(WORDS * dice.random() ** 2)] for _ in range(120)))

    def once() -> float:
        began = time.process_time()
        known = [
            FeaturedTicket(n, f"G{n}", "", said[:20], None, "", "", None, False, (), 0, START + timedelta(seconds=n), None,
                  extract_ticket_features(said[:20], said, "", ""))
            for n, said in enumerate(demands)
        ]  # fmt: skip
        assert group_tickets(known, 0.5)
        return time.process_time() - began

    once()
    return judge(
        "P12", f"{PETITIONS:,} petitions read and grouped (CPU)", "", [once() for _ in range(3)], most=10, unit="s"
    )
