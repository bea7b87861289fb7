"""Readings that change a cohort are printed on the sheet, and what they leave out does not make a unit idle (Q9, Q14-Q23)."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import insert, select, update

from backend.domain.instants import to_micros
from backend.domain.scoring.measures import COHORT_SETTINGS, Measure
from backend.domain.scoring.readings import DEFAULTS
from backend.domain.settings_catalogue import load_catalogue
from backend.scoring.documents import build_query
from storage import tables as t
from storage.engine.database import Database
from tests.scoring.world import ZONE, World

SENT = datetime(2026, 10, 12, 9, tzinfo=ZONE)


@pytest.fixture
async def world(database: Database) -> World:
    return await World(database).open()


def life(no: str, **more: Any) -> dict[str, Any]:
    one = {"unit": "U01", "lead": True, "dispatched_at": SENT.isoformat(), "signed_at": SENT.isoformat(), **more}
    return {"ticket_no": no, "category": "help", "grade": "general", "region": "朝阳区",
            "generated_at": SENT.isoformat(), "assignments": [one]}  # fmt: skip


async def merge(world: World, repeat: str, master: str, at: datetime) -> None:
    """The rows a merging leaves behind."""

    def work(c: Any) -> None:
        into = c.execute(select(t.tickets.c.id).where(t.tickets.c.no == master)).scalar_one()
        here = c.execute(select(t.tickets.c.id).where(t.tickets.c.no == repeat)).scalar_one()
        c.execute(update(t.tickets).where(t.tickets.c.id == here).values(merged_into=into, state="merged"))
        line = c.execute(select(t.journal).where(t.journal.c.ticket_id == here)).mappings().first()
        c.execute(
            insert(t.journal).values(**{**line, "id": here * 1000, "version": 2, "verb": "merge", "at": to_micros(at)})
        )

    await world.db.write(work)


async def test_a_merged_repeat_counts_with_its_master_once_or_by_itself(world: World) -> None:
    """Q23: 原则上并单处理 counts one; a province may count every demand, from the merging on."""
    closed = (SENT + timedelta(days=20)).isoformat()
    granted = (SENT + timedelta(days=1)).isoformat()
    longer = [{"granted_at": granted, "new_due_at": (SENT + timedelta(days=9)).isoformat()}]
    repeat = life("B")
    repeat["assignments"] = []
    await world.load([life("A", closed_at=closed, extensions=longer), repeat])
    merged = SENT + timedelta(days=21)
    await merge(world, "B", "A", merged)
    snapshot = await world.office.snapshot()
    for month, basis in (("2026-11", "closed"), ("2026-10", "due")):
        told = {"scoring.closure_basis": basis, "scoring.extension_month": basis}
        for word, as_of, weight in (
            ("once", world.at, 1),
            ("each", world.at, 2),
            ("each", merged - timedelta(hours=1), 1),
        ):
            rules = snapshot.settings.with_changes({**told, "scoring.merged": word})
            counted = await world.store.count(
                [Measure.ON_TIME, Measure.EXTENSION, Measure.SATISFACTION],
                build_query(month, snapshot, rules, as_of, None),
            )
            pairs = {m: [(c.numerator, c.denominator) for c in rows] for m, rows in counted.items()}
            assert pairs[Measure.ON_TIME] == [(0, weight)]
            assert pairs[Measure.EXTENSION] == [(weight, weight)]
            assert pairs[Measure.SATISFACTION] == ([(weight, weight)] if basis == "closed" else [])


async def test_a_unit_that_gave_everything_back_was_at_work_all_the_same(world: World) -> None:
    """Q9, Q19: what the signing rate leaves out is still an assignment of the month."""
    back = {"submitted_at": SENT.isoformat(), "decision": "accepted", "decided_at": SENT.isoformat()}
    await world.load([life("A", **{"return": back})])
    for word, pair in (("keep", (1, 1)), ("leave_out", (0, 0))):
        sheet = (await world.marks.compute_month("2026-10", unit="U01", settings={"scoring.sign_returned": word}))[
            "units"
        ][0]
        line = next(line for line in sheet["lines"] if line["item"] == "sign")
        assert (line["numerator"], line["denominator"]) == pair
        assert sheet["total"] == "100.00" and "no_assignment" not in sheet["flags"]
        assert sheet["readings"]["scoring.sign_returned"] == word


@pytest.mark.parametrize(
    ("told", "months"),
    [
        ({"closed_at": "2026-11-05T09:00:00+08:00"}, {"2026-10", "2026-11"}),
        ({}, {"2026-10", "2026-11"}),
        ({"closed_at": SENT.isoformat()}, {"2026-10"}),
        ({"closed_at": "2026-11-05T09:00:00+08:00", "lead": False}, {"2026-10"}),
        (
            {"return": {"submitted_at": "2026-11-05T09:00:00+08:00", "decision": "accepted"}},
            {"2026-10", "2026-11"},
        ),
    ],
)
async def test_a_unit_takes_part_in_each_month_it_had_work_XD2(
    world: World, told: dict[str, Any], months: set[str]
) -> None:
    """Carried in, closed late or given back: it is scored; with the narrower reading only where something came."""
    await world.load([life("A", **told)])
    for month in ("2026-09", "2026-10", "2026-11"):
        sheet = await world.marks.compute_sheet(month, "U01")
        assert (sheet["total"] is not None) is (month in months), month
        assert ("no_assignment" in sheet["flags"]) is (month not in months)
        for settings in ({"scoring.red_card_basis": "dispatched"}, {"profile": "beijing_mutual_aid"}):
            other = await world.marks.compute_sheet(month, "U01", settings=settings)
            assert ("no_assignment" in other["flags"]) is (month not in months), settings
        narrow = await world.marks.compute_sheet(month, "U01", settings={"scoring.participation": "dispatched"})
        assert (narrow["total"] is not None) is (month == "2026-10")
        assert narrow["readings"]["scoring.participation"] == "dispatched"


@pytest.mark.parametrize(
    ("told", "said", "either", "word"),
    [
        ({"contacted_at": "2026-10-12T15:00:00+08:00"}, "no", (1, 1), (0, 1)),
        ({"contacted_at": "2026-10-16T15:00:00+08:00"}, "no", (0, 1), (0, 1)),
        ({}, "unsure", (0, 1), (0, 1)),
        ({}, "yes", (1, 1), (1, 1)),
    ],
)
async def test_a_record_of_contact_within_the_limit_counts_beside_the_workers_word_XD20(
    world: World, told: dict[str, Any], said: str, either: tuple[int, int], word: tuple[int, int]
) -> None:
    visit = {"kind": "manual", "at": "2026-10-20T09:00:00+08:00", "answer": "satisfied", "contacted": said}
    await world.load([{**life("A", closed_at="2026-10-19T09:00:00+08:00", **told), "visits": [visit]}])
    for basis, pair in ((None, either), ("said_or_recorded", either), ("said", word)):
        settings = {"profile": "beijing_mutual_aid"} | ({} if basis is None else {"scoring.response_basis": basis})
        sheet = await world.marks.compute_sheet("2026-10", "U01", settings=settings)
        line = next(line for line in sheet["lines"] if line["item"] == "response")
        assert (line["numerator"], line["denominator"]) == pair
        assert sheet["readings"]["scoring.response_basis"] == (basis or "said_or_recorded")


async def test_every_reading_of_a_cohort_is_a_setting_and_stands_on_the_sheet(world: World) -> None:
    rows = load_catalogue()
    sheets = {
        sheet["scheme"]: sheet
        for scheme in ("jilin-unit", "jilin-mgmt", "beijing-agency")
        for sheet in (await world.marks.compute_month("2026-10", scheme=scheme))["units"]
    }
    for word in COHORT_SETTINGS:
        key = f"scoring.{word}"
        scheme = {"dispatch": "jilin-mgmt", "response": "beijing-agency"}.get(word.split("_")[0], "jilin-unit")
        assert sheets[scheme]["readings"][key] == DEFAULTS[key] == rows[key].default
        other = next(item for item in rows[key].items if item != rows[key].default)
        told = await world.marks.compute_month("2026-10", scheme=scheme, settings={key: other})
        assert told["units"][0]["readings"][key] == other
