"""Counts over the tables are those of an independent count of the same history, to the last ticket (P6)."""

import itertools
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from backend.domain.scoring.measures import Measure
from backend.scoring.documents import build_query
from tests.domain.scoring.independent import count
from tests.scoring.world import REGIONS, RandomTickets, World
from tests.tickets.world import ZONE

MONTHS = ("2026-08", "2026-09", "2026-10", "2026-11")
READINGS = [
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


async def count_by_tables(world: World, as_of: datetime, settings: dict[str, str]):
    snapshot = await world.office.snapshot()
    changed = snapshot.settings.with_changes(settings)
    counts = {}
    for month in MONTHS:
        query = build_query(month, snapshot, changed, as_of, None)
        for measure, rows in (await world.store.count(COUNTED, query)).items():
            for row in rows:
                counts[month, row.unit, str(measure)] = [row.numerator, row.denominator]
    return counts


async def count_independently(world: World, tickets, as_of: datetime, settings: dict[str, str]):
    counts = {}
    for (month, who), measures in count(tickets, await world.load_due_times(), as_of, settings).items():
        unit = REGIONS[who.removeprefix("region:")] if who.startswith("region:") else who
        for measure, pair in measures.items():
            if measure != "assignments" and month in MONTHS and pair[1]:
                counts[month, unit, measure] = pair
    return counts


@pytest.mark.parametrize("seed", [1, 2])
async def test_every_count_of_every_unit_month_and_reading_is_the_independent_one(world: World, seed: int) -> None:
    tickets = RandomTickets(seed).make(1000)
    assert await world.import_history(tickets) == [True] * 1000
    moments = (world.at, datetime(2026, 10, 8, 12, tzinfo=ZONE), datetime(2026, 10, 31, 23, 59, 59, tzinfo=ZONE))
    for as_of, settings in itertools.product(moments, READINGS):
        ours = await count_by_tables(world, as_of, settings)
        independent = await count_independently(world, tickets, as_of, settings)
        places = ours.keys() | independent.keys()
        wrong = {p: (ours.get(p), independent.get(p)) for p in places if ours.get(p) != independent.get(p)}
        assert not wrong, (as_of, settings, dict(sorted(wrong.items())[:8]), len(wrong))
    assert {place[2] for place in independent} == {str(m) for m in COUNTED}


async def test_a_file_imported_twice_is_kept_once(world: World) -> None:
    tickets = RandomTickets(3).make(300)
    assert await world.import_history(tickets) == [True] * 300
    assert await world.import_history(tickets[:200] + RandomTickets(4).make(310)[300:]) == [False] * 200 + [True] * 10


async def test_a_due_time_past_the_calendar_is_refused_and_the_other_tickets_are_kept(world: World) -> None:
    tickets = RandomTickets(5).make(3)
    late = datetime(2031, 1, 3, 9, tzinfo=ZONE).isoformat()
    beyond = {"ticket_no": "X1", "category": "help", "grade": "general", "region": "朝阳区", "generated_at": late,
              "assignments": [{"unit": "U01", "dispatched_at": late}]}  # fmt: skip
    answers = await world.import_history([tickets[0], beyond, *tickets[1:]])
    assert [a if isinstance(a, bool) else a.code for a in answers] == [True, "calendar_ends", True, True]


async def test_the_tickets_behind_a_line_are_as_many_as_it_counts_and_the_failed_come_first(world: World) -> None:
    await world.import_history(RandomTickets(6).make(400))
    snapshot = await world.office.snapshot()
    query = build_query("2026-10", snapshot, snapshot.settings, world.at, None)
    for measure in COUNTED:
        counts = {c.unit: c for c in (await world.store.count([measure], query))[measure]}
        evidence = await world.store.list_evidence(measure, query, 10_000)
        for unit, counted in counts.items():
            own = [e for e in evidence if e.unit == unit]
            assert len(own) == counted.denominator == own[0].total
            assert [e.failed for e in own] == sorted((e.failed for e in own), reverse=True)
            failed = sum(e.failed for e in own)
            if measure is Measure.RED_CARD:
                assert failed == counted.numerator
            elif measure is not Measure.EXTENSION:
                assert failed == counted.denominator - counted.numerator
        few = await world.store.list_evidence(measure, replace(query, unit="U01"), 2)
        assert len(few) <= 2 and {e.unit for e in few} <= {"U01"}


async def test_a_red_card_waits_for_its_due_time_unless_the_file_says_whether_there_was_one(world: World) -> None:
    at = datetime(2026, 10, 12, 9, tzinfo=ZONE)
    tickets = []
    for no, red_card in (("A", None), ("B", False), ("C", True)):
        assignment = {"unit": "U01", "lead": True, "dispatched_at": at.isoformat(), "signed_at": at.isoformat(),
                      "close_due_at": (at + timedelta(days=5)).isoformat()}  # fmt: skip
        if red_card is not None:
            assignment["red_card"] = red_card
        tickets.append({"ticket_no": no, "category": "help", "grade": "general", "generated_at": at.isoformat(),
                      "region": "朝阳区", "assignments": [assignment]})  # fmt: skip
    await world.import_history(tickets)
    for moment, cards in ((at + timedelta(days=4), 0), (at + timedelta(days=6), 2)):
        counts = await count_by_tables(world, moment, {})
        assert counts["2026-10", "U01", "red_card"] == [cards, 3]
