"""Beside 满意率 stands what it rests on: who was reached, who answered, whose silence is satisfaction (B43, XD15)."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from backend.cli.score import format_result
from backend.domain.refusals import Refused
from backend.domain.scoring.compute import compute_json
from backend.reporting.kinds import BulletinKind
from backend.scoring.documents import pool_documents
from storage.engine.database import Database
from tests.reporting.world import World as ReportingWorld
from tests.scoring.world import CLERK, OCT, RandomTickets, Record, World, find_line
from tests.tickets.world import ZONE

CLOSED = datetime(2026, 10, 14, 15, tzinfo=ZONE)

#: visits (how, answer, whether they were contacted) → reached, answered, counted as satisfied
LIVES: tuple[tuple[tuple[tuple[str, str | None, str | None], ...], bool, bool, bool], ...] = (
    ((), False, False, True),
    ((("auto", "unreached", None),), False, False, True),
    ((("auto", "no_reply", None), ("manual", "unreached", None)), False, False, True),
    ((("auto", "no_reply", "yes"),), True, False, True),
    ((("auto", "unclear", None),), True, False, True),
    ((("auto", "satisfied", None),), True, True, True),
    ((("auto", "unsatisfied", None),), True, True, False),
    ((("auto", "unsatisfied", None), ("manual", "basically_satisfied", None)), True, True, True),
    ((("auto", "unsatisfied", None), ("manual", "unreached", None)), True, False, True),
    ((("auto", "unsatisfied", None), ("manual", "unclear", None)), True, True, False),
    ((("auto", "satisfied", None), ("manual", "unsatisfied", None)), True, True, False),
    ((("manual", None, "no"),), True, False, True),
)


def build_life(no: str, visits: tuple[tuple[str, str | None, str | None], ...]) -> Record:
    """Return a complaint closed in time in October, and its visits."""
    dispatched = CLOSED - timedelta(days=3)
    return {
        "ticket_no": no, "category": "complaint", "grade": "general", "channel": "phone", "region": "朝阳区",
        "generated_at": dispatched.isoformat(), "text": "路灯不亮",
        "assignments": [{"unit": "U01", "lead": True, "dispatched_at": dispatched.isoformat(),
                         "signed_at": dispatched.isoformat(), "closed_at": CLOSED.isoformat()}],
        "visits": [
            {"kind": kind, "at": (CLOSED + timedelta(days=n + 1)).isoformat(),
             **{key: value for key, value in (("answer", answer), ("contacted", contacted)) if value}}
            for n, (kind, answer, contacted) in enumerate(visits)
        ],
    }  # fmt: skip


@pytest.mark.parametrize(("visits", "reached", "answered", "satisfied"), LIVES)
async def test_each_life_is_reached_answered_or_deemed_XD15(
    world: World, visits: tuple[tuple[str, str | None, str | None], ...], reached: bool, answered: bool, satisfied: bool
) -> None:
    await world.import_history([build_life("A", visits)])
    line = find_line(await world.scoring.compute_sheet(OCT, "U01"), "satisfaction")
    assert line["answers"] == {"reached": reached, "answered": answered, "deemed": not answered}
    assert line["numerator"] == satisfied


async def test_a_hundred_per_cent_of_silence_is_seen_for_what_it_is_XD15(world: World) -> None:
    await world.import_history([build_life(f"A{n}", (("auto", "unreached", None),)) for n in range(12)])
    result = await world.scoring.compute_month(OCT, unit="U01")
    line = find_line(result["units"][0], "satisfaction")
    assert (line["rate"], line["score"]) == ("100.00", "20.00")  # the rule is the rule
    assert line["answers"] == {"reached": 0, "answered": 0, "deemed": 12}
    assert "联系到 0 件，作出评价 0 件，视为满意 12 件" in "\n".join(format_result(result))


@pytest.mark.parametrize(
    "settings", [{}, {"scoring.unreasonable_mode": "remove_both"}, {"scoring.satisfaction_month": "visited"}]
)
async def test_every_counted_ticket_is_answered_or_deemed_and_who_answered_was_reached_XD15(
    world: World, settings: dict[str, str]
) -> None:
    await world.import_history(RandomTickets(17).make(400))
    for sheet in (await world.scoring.compute_month(OCT, settings=settings))["units"]:
        if sheet["scheme"] == "jilin-unit":
            line = find_line(sheet, "satisfaction")
            answers = line["answers"]
            assert answers["answered"] + answers["deemed"] == line["denominator"]
            assert answers["answered"] <= answers["reached"] <= line["denominator"]
            assert line["denominator"] - line["numerator"] <= answers["answered"]


async def test_an_excluded_ticket_leaves_what_stands_beside_the_rate_too_XD15(world: World) -> None:
    await world.import_history([build_life(f"A{n}", (("manual", "unsatisfied", None),)) for n in range(3)])
    fields = {"month": OCT, "unit": "U01", "item": "satisfaction", "tickets": ["A1"], "reason": "诉求已撤回"}
    (made,) = await world.scoring.contests.exclude(fields, CLERK)
    then = await world.scoring.explainer.compute_what_if(OCT, "U01", CLERK, exclusions=(made["id"],))
    assert find_line(then["real"], "satisfaction")["answers"] == {"reached": 3, "answered": 3, "deemed": 0}
    assert find_line(then["changed"], "satisfaction")["answers"] == {"reached": 2, "answered": 2, "deemed": 0}


async def test_the_agencies_rate_deems_nothing_and_says_how_many_were_reached_XD15(world: World) -> None:
    lives = [build_life(f"A{n}", visits) for n, (visits, *_) in enumerate(LIVES)]
    await world.import_history(lives)
    settings = {"profile": "beijing_mutual_aid"}
    line = find_line(
        (await world.scoring.compute_month(OCT, unit="U01", settings=settings))["units"][0], "satisfaction"
    )
    clear = [
        visits
        for visits, *_ in LIVES
        if {answer for _, answer, _ in visits} & {"satisfied", "basically_satisfied", "unsatisfied"}
    ]
    reached = sum(life[1] for life in LIVES)
    assert line["denominator"] == len(clear)
    assert line["answers"] == {"reached": reached, "answered": len(clear), "deemed": 0}
    year = await world.scoring.compute_period("2026", unit="U01", settings=settings)
    assert find_line(year["units"][0], "satisfaction")["answers"]["reached"] == reached


def test_what_is_given_must_fit_the_rate_and_absent_figures_stay_absent_XD15() -> None:
    facts: dict[str, Any] = {"scheme": "jilin-unit", "rates": {"satisfaction": [9, 10]}}
    assert "answers" not in find_line(compute_json(facts), "satisfaction")
    known = compute_json({**facts, "answers": {"satisfaction": {"reached": 8, "answered": 4}}})
    assert find_line(known, "satisfaction")["answers"] == {"reached": 8, "answered": 4, "deemed": 6}
    assert known["figures_hash"] == compute_json(facts)["figures_hash"]  # no figure of the score
    for wrong, code in (
        ({"answered": 11}, "numerator_over_denominator"),
        ({"deemed": 1}, "unknown_field"),
        ({"reached": -1}, "negative"),
    ):
        with pytest.raises(Refused, match=code):
            compute_json({**facts, "answers": {"satisfaction": wrong}})


def test_months_that_did_not_know_make_the_sum_unknown_XD15() -> None:
    month = {
        "rates": {"satisfaction": [9, 10]},
        "ledger": [],
        "answers": {"satisfaction": {"reached": 8, "answered": 4}},
    }
    old = {"rates": {"satisfaction": [5, 5]}, "ledger": []}
    idle = {"rates": {"satisfaction": [0, 0]}, "ledger": []}
    assert pool_documents([month, month, idle])["answers"] == {"satisfaction": {"reached": 16, "answered": 8}}
    assert "answers" not in pool_documents([month, old])


async def test_monthly_and_quarterly_documents_and_the_picture_show_it_beside_the_rate_XD15(database: Database) -> None:
    world = await ReportingWorld(database).open()
    await world.import_history([build_life(f"A{n}", visits) for n, (visits, *_) in enumerate(LIVES)])
    reached, answered = (sum(life[n] for life in LIVES) for n in (1, 2))
    deemed = len(LIVES) - answered
    monthly = await world.compose(BulletinKind.MONTHLY, OCT)
    overview = {row[0]: row[1] for table in monthly.tables if table.sheet == "主要指标" for row in table.rows}
    assert overview["其中：联系到诉求人（件）"] == reached
    assert (overview["诉求人作出评价（件）"], overview["视为满意（件）"]) == (answered, deemed)
    said = "\n".join(getattr(block, "text", "") for block in monthly.blocks)
    assert f"其中联系到诉求人的{reached}件，诉求人作出评价的{answered}件，未作评价、视为满意的{deemed}件" in said
    quarterly = await world.compose(BulletinKind.QUARTERLY, "2026Q4")
    (table,) = (table for table in quarterly.tables if table.sheet == "满意率")
    satisfied = sum(life[3] for life in LIVES)
    assert [row for row in table.rows if row[0] == "单位U01"] == [
        ("单位U01", satisfied, len(LIVES), table.rows[0][3], reached, answered, deemed)
    ]
