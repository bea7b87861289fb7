"""Which assignments a month counts is a setting printed on the sheet; leaving one out idles no unit (Q9, Q14-Q23)."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, insert, select, update

from backend.domain.instants import to_micros
from backend.domain.scoring.measures import COHORT_SETTINGS, Measure
from backend.domain.scoring.readings import DEFAULTS
from backend.domain.settings_catalogue import load_catalogue
from backend.scoring.documents import build_query
from storage import tables as t
from tests.scoring.world import Record, World, find_line, find_unit
from tests.tickets.world import ZONE

DISPATCHED = datetime(2026, 10, 12, 9, tzinfo=ZONE)


def build_ticket(no: str, **more: Any) -> Record:
    at = DISPATCHED.isoformat()
    assignment = {"unit": "U01", "lead": True, "dispatched_at": at, "signed_at": at, **more}
    return {"ticket_no": no, "category": "help", "grade": "general", "region": "朝阳区", "generated_at": at,
            "assignments": [assignment]}  # fmt: skip


async def merge(world: World, repeat: str, master: str, at: datetime) -> None:
    """Write the rows that a merge leaves behind."""

    def write(c: Connection) -> None:
        master_id = c.execute(select(t.tickets.c.id).where(t.tickets.c.ticket_no == master)).scalar_one()
        repeat_id = c.execute(select(t.tickets.c.id).where(t.tickets.c.ticket_no == repeat)).scalar_one()
        c.execute(update(t.tickets).where(t.tickets.c.id == repeat_id).values(merged_into=master_id, state="merged"))
        entry = c.execute(select(t.journal).where(t.journal.c.ticket_id == repeat_id)).mappings().one()
        merge = {**entry, "id": repeat_id * 1000, "version": 2, "verb": "merge", "at": to_micros(at)}
        c.execute(insert(t.journal).values(**merge))

    await world.db.write(write)


async def test_a_merged_repeat_counts_once_with_its_master_or_by_itself_Q23(world: World) -> None:
    """原则上并单处理 counts one; a province may count every demand, from the merge on."""
    closed = (DISPATCHED + timedelta(days=20)).isoformat()
    granted = (DISPATCHED + timedelta(days=1)).isoformat()
    extensions = [{"granted_at": granted, "new_due_at": (DISPATCHED + timedelta(days=9)).isoformat()}]
    repeat = build_ticket("B")
    repeat["assignments"] = []
    await world.import_history([build_ticket("A", closed_at=closed, extensions=extensions), repeat])
    merged = DISPATCHED + timedelta(days=21)
    await merge(world, "B", "A", merged)
    snapshot = await world.office.snapshot()
    for month, basis in (("2026-11", "closed"), ("2026-10", "due")):
        settings = {"scoring.closure_basis": basis, "scoring.extension_month": basis}
        for value, as_of, weight in (
            ("once", world.at, 1),
            ("each", world.at, 2),
            ("each", merged - timedelta(hours=1), 1),
        ):
            changed = snapshot.settings.with_changes({**settings, "scoring.merged": value})
            counts = await world.store.count(
                [Measure.ON_TIME, Measure.EXTENSION, Measure.SATISFACTION],
                build_query(month, snapshot, changed, as_of, None),
            )
            pairs = {m: [(c.numerator, c.denominator) for c in rows] for m, rows in counts.items()}
            assert pairs[Measure.ON_TIME] == [(0, weight)]
            assert pairs[Measure.EXTENSION] == [(weight, weight)]
            assert pairs[Measure.SATISFACTION] == ([(weight, weight)] if basis == "closed" else [])


async def test_a_unit_that_returned_every_ticket_was_at_work_all_the_same_Q9_Q19(world: World) -> None:
    """What the signing rate leaves out is still an assignment of the month."""
    accepted = {"submitted_at": DISPATCHED.isoformat(), "decision": "accepted", "decided_at": DISPATCHED.isoformat()}
    await world.import_history([build_ticket("A", **{"return": accepted})])
    for value, pair in (("keep", (1, 1)), ("leave_out", (0, 0))):
        settings = {"scoring.sign_returned": value}
        sheet = find_unit(await world.scoring.compute_month("2026-10", unit="U01", settings=settings), "U01")
        line = find_line(sheet, "sign")
        assert (line["numerator"], line["denominator"]) == pair
        assert sheet["total"] == "100.00" and "no_assignment" not in sheet["flags"]
        assert sheet["readings"]["scoring.sign_returned"] == value


@pytest.mark.parametrize(
    ("told", "months"),
    [
        ({"closed_at": "2026-11-05T09:00:00+08:00"}, {"2026-10", "2026-11"}),
        ({}, {"2026-10", "2026-11"}),
        ({"closed_at": DISPATCHED.isoformat()}, {"2026-10"}),
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
    await world.import_history([build_ticket("A", **told)])
    for month in ("2026-09", "2026-10", "2026-11"):
        sheet = await world.scoring.compute_sheet(month, "U01")
        assert (sheet["total"] is not None) is (month in months), month
        assert ("no_assignment" in sheet["flags"]) is (month not in months)
        for settings in ({"scoring.red_card_basis": "dispatched"}, {"profile": "beijing_mutual_aid"}):
            other = await world.scoring.compute_sheet(month, "U01", settings=settings)
            assert ("no_assignment" in other["flags"]) is (month not in months), settings
        narrow = await world.scoring.compute_sheet(month, "U01", settings={"scoring.participation": "dispatched"})
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
    await world.import_history(
        [{**build_ticket("A", closed_at="2026-10-19T09:00:00+08:00", **told), "visits": [visit]}]
    )
    for basis, pair in ((None, either), ("said_or_recorded", either), ("said", word)):
        settings = {"profile": "beijing_mutual_aid"} | ({} if basis is None else {"scoring.response_basis": basis})
        sheet = await world.scoring.compute_sheet("2026-10", "U01", settings=settings)
        line = find_line(sheet, "response")
        assert (line["numerator"], line["denominator"]) == pair
        assert sheet["readings"]["scoring.response_basis"] == (basis or "said_or_recorded")


async def test_which_assignments_a_month_counts_is_a_setting_and_stands_on_the_sheet(world: World) -> None:
    catalogue = load_catalogue()
    sheets = {
        sheet["scheme"]: sheet
        for scheme in ("jilin-unit", "jilin-mgmt", "beijing-agency")
        for sheet in (await world.scoring.compute_month("2026-10", scheme=scheme))["units"]
    }
    for name in COHORT_SETTINGS:
        key = f"scoring.{name}"
        scheme = {"dispatch": "jilin-mgmt", "response": "beijing-agency"}.get(name.split("_")[0], "jilin-unit")
        assert sheets[scheme]["readings"][key] == DEFAULTS[key] == catalogue[key].default
        other = next(item for item in catalogue[key].items if item != catalogue[key].default)
        changed = await world.scoring.compute_month("2026-10", scheme=scheme, settings={key: other})
        assert changed["units"][0]["readings"][key] == other
