"""Counts over the tables are those of an independent reckoning of the same history, to the last ticket (P6)."""

import itertools
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from backend.domain.scoring.measures import Measure
from backend.scoring.documents import build_query
from storage.engine.database import Database
from tests.domain.scoring.independent import count
from tests.scoring.world import REGIONS, ZONE, Lives, World

MONTHS = ("2026-08", "2026-09", "2026-10", "2026-11")
VARIANTS = [
    {},
    {"scoring.closure_basis": "due", "scoring.response_basis": "said"},
    {"scoring.return_basis": "submitted"},
    {"scoring.unreasonable_mode": "remove_both"},
    {"scoring.second_visit_unreached": "keep_first", "scoring.unreasonable_mode": "remove_both"},
    {"scoring.sign_month": "due", "scoring.dispatch_month": "due", "scoring.return_month": "decided",
     "scoring.extension_month": "due", "scoring.satisfaction_month": "visited", "scoring.red_card_month": "closed"},
    {"scoring.sign_returned": "leave_out", "scoring.assisting": "none", "scoring.dispatch_basis": "dispatched",
     "scoring.red_card_basis": "dispatched"},
    {"scoring.red_card_basis": "dispatched", "scoring.red_card_month": "closed", "scoring.return_basis": "submitted",
     "scoring.return_month": "decided", "scoring.sign_month": "due", "scoring.sign_returned": "leave_out"},
]  # fmt: skip
COUNTED = [m for m in Measure if m is not Measure.CONNECT]


@pytest.fixture
async def world(database: Database) -> World:
    return await World(database).open()


async def tally(world: World, as_of: datetime, settings: dict[str, str]):
    snapshot = await world.office.snapshot()
    rules = snapshot.settings.with_changes(settings)
    found = {}
    for month in MONTHS:
        asked = build_query(month, snapshot, rules, as_of, None)
        for measure, rows in (await world.store.count(COUNTED, asked)).items():
            for row in rows:
                found[month, row.unit, str(measure)] = [row.numerator, row.denominator]
    return found


async def expected(world: World, lives, as_of: datetime, settings: dict[str, str]):
    found = {}
    for (month, who), measures in count(lives, await world.due(), as_of, settings).items():
        for measure, pair in measures.items():
            if measure != "assignments" and month in MONTHS:
                found[month, REGIONS[who.removeprefix("region:")] if who.startswith("region:") else who, measure] = pair
    return {place: pair for place, pair in found.items() if pair[1]}


@pytest.mark.parametrize("seed", [1, 2])
async def test_every_count_of_every_unit_month_and_reading_agrees(world: World, seed: int) -> None:
    lives = Lives(seed).make(1000)
    assert all(answer is True for answer in await world.load(lives))
    moments = (world.at, datetime(2026, 10, 8, 12, tzinfo=ZONE), datetime(2026, 10, 31, 23, 59, 59, tzinfo=ZONE))
    for as_of, settings in itertools.product(moments, VARIANTS):
        ours, theirs = await tally(world, as_of, settings), await expected(world, lives, as_of, settings)
        wrong = {p: (ours.get(p), theirs.get(p)) for p in ours.keys() | theirs.keys() if ours.get(p) != theirs.get(p)}
        assert not wrong, (as_of, settings, dict(sorted(wrong.items())[:8]), len(wrong))
    assert {place[2] for place in theirs} == {str(m) for m in COUNTED}


async def test_the_same_file_twice_keeps_nothing_twice(world: World) -> None:
    lives = Lives(3).make(300)
    assert await world.load(lives) == [True] * 300
    assert await world.load(lives[:200] + Lives(4).make(310)[300:]) == [False] * 200 + [True] * 10


async def test_a_due_time_past_the_calendar_is_refused_and_the_others_land(world: World) -> None:
    lives = Lives(5).make(3)
    late = (datetime(2031, 1, 3, 9, tzinfo=ZONE)).isoformat()
    odd = {
        **lives[0],
        "ticket_no": "X1",
        "grade": "general",
        "generated_at": late,
        "assignments": [{"unit": "U01", "dispatched_at": late}],
    }
    odd.pop("visits", None), odd.pop("unreasonable", None), odd.pop("direct_answer", None)
    answers = await world.load([lives[0], odd, *lives[1:]])
    assert [a if isinstance(a, bool) else a.code for a in answers] == [True, "calendar_ends", True, True]


async def test_the_tickets_behind_a_line_are_its_count_failing_ones_first(world: World) -> None:
    await world.load(Lives(6).make(400))
    snapshot = await world.office.snapshot()
    asked = build_query("2026-10", snapshot, snapshot.settings, world.at, None)
    for measure in COUNTED:
        counts = {c.unit: c for c in (await world.store.count([measure], asked))[measure]}
        seen = await world.store.list_evidence(measure, asked, 10_000)
        for unit, counted in counts.items():
            mine = [w for w in seen if w.unit == unit]
            assert len(mine) == counted.denominator == mine[0].total
            assert [w.failed for w in mine] == sorted((w.failed for w in mine), reverse=True)
            failed = sum(w.failed for w in mine)
            if measure is Measure.RED_CARD:
                assert failed == counted.numerator
            elif measure is not Measure.EXTENSION:
                assert failed == counted.denominator - counted.numerator
        few = await world.store.list_evidence(measure, replace(asked, unit="U01"), 2)
        assert len(few) <= 2 and {w.unit for w in few} <= {"U01"}


async def test_a_card_waits_for_its_due_time_and_a_word_of_the_file_wins(world: World) -> None:
    at = datetime(2026, 10, 12, 9, tzinfo=ZONE)
    lives = []
    for no, word in (("A", None), ("B", False), ("C", True)):
        one = {"unit": "U01", "lead": True, "dispatched_at": at.isoformat(), "signed_at": at.isoformat(),
               "close_due_at": (at + timedelta(days=5)).isoformat()}  # fmt: skip
        if word is not None:
            one["red_card"] = word
        lives.append({"ticket_no": no, "category": "help", "grade": "general", "generated_at": at.isoformat(),
                      "region": "朝阳区", "assignments": [one]})  # fmt: skip
    await world.load(lives)
    for moment, cards in ((at + timedelta(days=4), 0), (at + timedelta(days=6), 2)):
        found = await tally(world, moment, {})
        assert found["2026-10", "U01", "red_card"] == [cards, 3]
