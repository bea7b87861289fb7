"""Which assignments a month counts is a setting printed on the sheet; leaving one out idles no unit (Q9, Q14-Q23)."""

from datetime import datetime, timedelta
from typing import Any

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
        master_id = c.execute(select(t.tickets.c.id).where(t.tickets.c.no == master)).scalar_one()
        repeat_id = c.execute(select(t.tickets.c.id).where(t.tickets.c.no == repeat)).scalar_one()
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


async def test_which_assignments_a_month_counts_is_a_setting_and_stands_on_the_sheet(world: World) -> None:
    catalogue = load_catalogue()
    sheets = {
        sheet["scheme"]: sheet
        for scheme in ("jilin-unit", "jilin-mgmt")
        for sheet in (await world.scoring.compute_month("2026-10", scheme=scheme))["units"]
    }
    for name in COHORT_SETTINGS:
        key = f"scoring.{name}"
        scheme = "jilin-mgmt" if name.startswith("dispatch_") else "jilin-unit"
        assert sheets[scheme]["readings"][key] == DEFAULTS[key] == catalogue[key].default
        other = next(item for item in catalogue[key].items if item != catalogue[key].default)
        changed = await world.scoring.compute_month("2026-10", scheme=scheme, settings={key: other})
        assert changed["units"][0]["readings"][key] == other
