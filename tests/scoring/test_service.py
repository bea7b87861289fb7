"""Sheets, ledgers and runs of the room: E1 ticket by ticket gives 95.05, live work counts, a lock holds (B2, B3)."""

from datetime import UTC, datetime, timedelta

import pytest

from backend.domain.acts import Actor
from backend.domain.flow import build_entry
from backend.domain.records import Duty, Ticket
from backend.domain.refusals import Refused
from backend.domain.ticket import Category, Grade, Obligation, Role, Source, State
from backend.ports.moves import NewTicket
from backend.scoring.runs import hash_sheet
from backend.services import ScoringService
from storage.engine.database import Database
from tests.domain.scoring.month_e1 import build_month_e1
from tests.scoring.world import CLERK, PAPERS, SECOND_CLERK, ZONE, Lives, World

DISPATCHER, REVIEWER = Actor("D1", Role.DISPATCHER, "M01"), Actor("R1", Role.REVIEWER, "M01")
AGENT = Actor("V1", Role.REVISIT_AGENT, "M01")
HANDLER = Actor("HU01", Role.HANDLER, "U01")
E1_LEDGER = [
    {"kind": "contact_unreported"}, {"kind": "absence"}, {"kind": "praise", "count": 3},
    {"kind": "honour", "matter": "m1", "level": "county"}, {"kind": "media", "matter": "p1", "level": "city"},
    {"kind": "media", "matter": "p1", "level": "province"}, {"kind": "knowledge", "count": 22},
]  # fmt: skip
OCT = "2026-10"


@pytest.fixture
async def world(database: Database) -> World:
    return await World(database).open()


async def e1(world: World) -> None:
    lives = [{**life, "ticket_no": f"E{n}"} for n, life in enumerate(build_month_e1())]
    for life in lives:
        life["assignments"][0].setdefault("sign_due_at", None)
    assert await world.load(lives) == [True] * len(lives)
    await world.ledger(E1_LEDGER)


def line(sheet, item):
    return next(x for x in sheet["lines"] if x["item"] == item)


async def test_e1_built_ticket_by_ticket_and_line_by_line_gives_95_05(world: World) -> None:
    await e1(world)
    sheet = await world.marks.compute_sheet(OCT, "U01")
    assert (sheet["total"], sheet["base"], sheet["bonus"]) == ("95.05", "90.15", "4.90")
    counted = {x["item"]: (x["numerator"], x["denominator"]) for x in sheet["lines"] if x["denominator"]}
    assert counted == {"sign": (112, 120), "return": (9, 10), "on_time": (104, 110), "extension": (15, 110),
                       "red_card": (6, 125), "satisfaction": (96, 100)}  # fmt: skip
    failed = [w["ticket"] for w in line(sheet, "on_time")["evidence"] if w["failed"]]
    assert len(failed) == 6 and all(no.startswith("E") for no in failed)
    assert sheet["readings"]["scoring.closure_basis"] == "closed"


async def test_a_trial_with_other_readings_changes_that_sheet_only_and_prints_them(world: World) -> None:
    await e1(world)
    for changed, total in (
        ({"scoring.slope_mode": "step_floor"}, "96.90"), ({"scoring.slope_mode": "step_ceil"}, "93.90"),
        ({"scoring.extension.slope_mode": "step_floor"}, "95.78"),
    ):  # fmt: skip
        sheet = await world.marks.compute_sheet(OCT, "U01", settings=changed)
        assert sheet["total"] == total
        assert changed.items() <= sheet["readings"].items()
    assert (await world.marks.compute_sheet(OCT, "U01"))["total"] == "95.05"
    with pytest.raises(Refused, match="bad_setting"):
        await world.marks.compute_sheet(OCT, "U01", settings={"scoring.slope_mode": "gently"})
    with pytest.raises(Refused, match="unknown_setting"):
        await world.marks.compute_sheet(OCT, "U01", settings={"scoring.slop": "1"})


async def test_a_unit_without_assignments_has_no_score_and_the_region_leaves_it_out(world: World) -> None:
    await e1(world)
    found = await world.marks.compute_month(OCT)
    by_unit = {sheet["unit"]: sheet for sheet in found["units"]}
    assert by_unit["U02"]["total"] is None and by_unit["U02"]["flags"] == ["no_assignment"]
    assert by_unit["M02"]["flags"] == ["no_assignment"]
    managed, region = by_unit["M01"], next(r for r in found["regions"] if r["region"] == "朝阳区")
    assert managed["scheme"] == "jilin-mgmt"
    assert region["total"] == f"{float(managed['total']) * 0.4 + 95.05 * 0.6:.2f}"
    quarter = await world.marks.compute_period("2026Q4")
    unit = next(u for u in quarter["units"] if u["unit"] == "U01")
    assert (unit["total"], unit["rank"]) == ("95.05", 1)
    for how in ("ticket_weighted", "pooled"):
        other = await world.marks.compute_month(OCT, settings={"region.aggregation": how})
        assert next(r for r in other["regions"] if r["region"] == "朝阳区")["total"] == region["total"]


async def test_what_was_not_known_at_the_instant_is_not_counted(world: World) -> None:
    await e1(world)
    early = await world.marks.compute_sheet(OCT, "U01", as_of="2026-10-10T12:00:00+08:00")
    assert line(early, "satisfaction")["denominator"] == 0
    assert "nothing_due" in early["flags"]
    assert await world.marks.compute_sheet(OCT, "U01", as_of="2026-10-10T12:00:00") == early
    for wrong in ("gestern", "2026-10-32", "0001-01-01T00:00:00"):
        with pytest.raises(Refused, match="bad_time"):
            await world.marks.compute_sheet(OCT, "U01", as_of=wrong)


@pytest.mark.parametrize(
    ("call", "code"),
    [
        ({"month": "2026-13"}, "bad_month"), ({"month": "10月"}, "bad_month"), ({"unit": "U99"}, "unknown_unit"),
        ({"scheme": "jilin-nowhere"}, "unknown_scheme"), ({"scheme": "jilin-mgmt", "unit": "U01"}, "scheme_not_for_unit"),
        ({"scheme": "period"}, "unknown_scheme"),
    ],
)  # fmt: skip
async def test_bad_questions_are_refused_by_code(world: World, call: dict[str, str], code: str) -> None:
    with pytest.raises(Refused, match=code):
        await world.marks.compute_month(**{"month": OCT, **call})
    with pytest.raises(Refused, match="bad_period"):
        await world.marks.compute_period("2026Q5")


async def test_a_ledger_line_counts_only_after_a_second_person_has_accepted_it(world: World) -> None:
    await world.load(Lives(9).make(60))

    async def praise() -> str:
        return str(line(await world.marks.compute_sheet(OCT, "U01"), "praise")["score"])

    entered = await world.marks.enter_ledger({"kind": "praise", "unit": "U01", "month": OCT, "note": "锦旗"}, CLERK)
    assert entered["state"] == "entered" and await praise() == "0.00"
    with pytest.raises(Refused, match="same_person"):
        await world.marks.review_ledger(entered["id"], True, CLERK)
    with pytest.raises(Refused, match="forbidden"):
        await world.marks.review_ledger(entered["id"], True, HANDLER)
    assert (await world.marks.review_ledger(entered["id"], True, SECOND_CLERK))["state"] == "accepted"
    assert await praise() == "0.50"
    with pytest.raises(Refused, match="nothing_pending"):
        await world.marks.review_ledger(entered["id"], False, SECOND_CLERK)
    with pytest.raises(Refused, match="unknown_entry"):
        await world.marks.review_ledger(77, True, CLERK)


@pytest.mark.parametrize(
    ("row", "code"),
    [
        ({"kind": "prayse"}, "unknown_kind"), ({"kind": "praise", "month": "2026-1"}, "bad_month"),
        ({"kind": "praise", "unit": "U77"}, "unknown_unit"), ({"kind": "praise", "count": -1}, "negative"),
        ({"kind": "honour"}, "level_missing"), ({"kind": "task", "points": "9"}, "out_of_range"),
        ({"kind": "post_missing"}, "unknown_kind"), ({"kind": "praise", "oops": 1}, "unknown_field"),
        ({"kind": "praise", "note": 5}, "bad_field"), ({"kind": "connect", "unit": "M01", "timely": 3, "total": 2},
                                                        "numerator_over_denominator"),
    ],
)  # fmt: skip
async def test_a_bad_ledger_line_is_refused_by_code(world: World, row: dict[str, object], code: str) -> None:
    with pytest.raises(Refused, match=code):
        await world.marks.enter_ledger({"unit": "U01", "month": OCT, **PAPERS, **row}, CLERK)


async def test_a_later_and_higher_honour_of_a_matter_adds_only_the_difference_Q47(world: World) -> None:
    rows = [{"kind": "honour", "unit": "U01", "month": "2026-09", "matter": "m", "level": "city"},
            {"kind": "honour", "unit": "U01", "month": OCT, "matter": "m", "level": "province"}]  # fmt: skip
    await world.ledger(rows)
    assert line(await world.marks.compute_sheet(OCT, "U01"), "honour")["score"] == "0.50"


async def test_connect_comes_from_the_ledger(world: World) -> None:
    await world.ledger([{"kind": "connect", "unit": "M01", "timely": 90, "total": 100}])
    found = line(await world.marks.compute_sheet(OCT, "M01"), "connect")
    assert (found["numerator"], found["denominator"], found["deduction"]) == (90, 100, "2.50")


async def test_a_locked_month_stays_to_the_last_sign_and_what_comes_after_is_a_revision(world: World) -> None:
    await e1(world)
    run = await world.marks.start_run(OCT, None, CLERK)
    assert run["check_until"] == "2026-11-25T17:00:00+08:00"  # check_period, from a Sunday
    with pytest.raises(Refused, match="forbidden"):
        await world.marks.lock_run(run["id"], HANDLER)
    locked = await world.lock(run["id"])
    assert locked["state"] == "locked" and locked["hash"] == run["hash"] and run["revision_of"] is None
    with pytest.raises(Refused, match="month_locked"):
        await world.ledger([{"kind": "exposure"}])
    await world.ledger([{"kind": "exposure", "reason": "定稿后收到通报"}])
    shown = await world.marks.get_scores(month=OCT, scheme=None, unit="U01", actor=CLERK)
    assert (shown["state"], shown["units"][0]["total"]) == ("locked", "95.05")
    assert (await world.marks.compute_sheet(OCT, "U01"))["total"] == "92.55"
    assert await world.marks.runs.verify(run["id"])
    kept = await world.marks.runs.get(run["id"])
    assert hash_sheet(kept.sheet) == locked["hash"]
    with pytest.raises(Refused, match="locked"):
        await world.marks.lock_run(run["id"], SECOND_CLERK)
    again = await world.marks.start_run(OCT, None, CLERK)
    assert again["revision_of"] == run["id"]
    await world.lock(again["id"])
    shown = await world.marks.get_scores(month=OCT, scheme=None, unit=None, actor=CLERK)
    assert next(u["total"] for u in shown["units"] if u["unit"] == "U01") == "92.55"


async def test_a_month_is_not_locked_before_its_settlement_day_Q15(world: World) -> None:
    await e1(world)
    run = await world.marks.start_run("2026-11", None, CLERK)
    with pytest.raises(Refused, match="not_settled") as no:
        await world.marks.lock_run(run["id"], CLERK)
    assert no.value.facts["date"] == "2026-12-07"
    with pytest.raises(Refused, match="unknown_run"):
        await world.marks.lock_run(5, CLERK)


async def test_units_see_their_own_sheet_and_may_appeal_in_the_window(world: World) -> None:
    await e1(world)
    shown = await world.marks.get_scores(month=OCT, scheme=None, unit=None, actor=HANDLER)
    assert [u["unit"] for u in shown["units"]] == ["U01"] and not shown["regions"]
    with pytest.raises(Refused, match="forbidden"):
        await world.marks.get_scores(month=OCT, scheme=None, unit="U02", actor=HANDLER)
    run = await world.marks.start_run(OCT, None, CLERK)
    made = await world.marks.submit_contest(run["id"], {"words": "E30 系退单", "item": "sign"}, HANDLER)
    assert made["unit"] == "U01"
    assert [a.words for a in await world.store.list_run_contests(run["id"])] == ["E30 系退单"]
    with pytest.raises(Refused, match="text_missing"):
        await world.marks.submit_contest(run["id"], {"words": " "}, HANDLER)
    with pytest.raises(Refused, match="contests_open"):
        await world.lock(run["id"])
    await world.marks.contests.propose(made["id"], {"accept": False, "reason": "已核，按时限"}, CLERK)
    with pytest.raises(Refused, match="same_person"):
        await world.marks.contests.confirm(made["id"], True, CLERK)
    assert (await world.marks.contests.confirm(made["id"], True, SECOND_CLERK))["state"] == "refused"
    await world.marks.lock_run(run["id"], SECOND_CLERK)
    await world.marks.submit_contest(run["id"], {"words": "再核"}, HANDLER)
    world.at += timedelta(days=8)
    with pytest.raises(Refused, match="too_late"):
        await world.marks.submit_contest(run["id"], {"words": "再核"}, HANDLER)


async def test_an_item_without_data_may_carry_its_last_score_Q9(world: World) -> None:
    sent = datetime(2026, 9, 7, 9, tzinfo=ZONE)
    one = {"unit": "U01", "dispatched_at": sent.isoformat(), "signed_at": (sent + timedelta(hours=1)).isoformat()}
    late = {**one, "closed_at": (sent + timedelta(days=20)).isoformat()}
    base = {"category": "help", "grade": "general", "region": "朝阳区", "generated_at": sent.isoformat()}
    october = (datetime(2026, 10, 12, 9, tzinfo=ZONE)).isoformat()
    await world.load([
        {**base, "ticket_no": "A", "assignments": [late]},
        {**base, "ticket_no": "B", "generated_at": october, "assignments": [{"unit": "U01", "dispatched_at": october}]},
    ])  # fmt: skip
    kept = await world.marks.compute_sheet(OCT, "U01", settings={"scoring.zero_denominator": "carry_last"})
    assert line(kept, "on_time")["score"] == "0.00"
    assert line(await world.marks.compute_sheet(OCT, "U01"), "on_time")["score"] == "20.00"


async def test_the_beijing_profile_prints_three_rates_and_no_total(world: World) -> None:
    await world.load(Lives(11).make(200))
    found = await world.marks.compute_month(OCT, settings={"profile": "beijing_mutual_aid"})
    assert {u["scheme"] for u in found["units"]} == {"beijing-agency"} and found["regions"] == []
    assert all(u["total"] is None for u in found["units"])
    assert {x["item"] for x in found["units"][0]["lines"]} == {"response", "closure", "satisfaction"}


async def live(world: World, no: str, **more: object) -> None:
    """A ticket as intake makes it."""
    await world.desk.ensure_ids()
    now, ticket_id = world.at.astimezone(UTC), world.ids.take()
    head = build_entry(world.vault.journal, prev_hash="", entry_id=world.ids.take(), ticket_id=ticket_id, version=1,
                 assignment_id=None, verb="create", from_state="", to_state="pending_dispatch", by="D1",
                 source=Source.API, at=now, recorded_at=now, words={})  # fmt: skip
    ticket = Ticket(ticket_id, no, 1, head.hash, State.PENDING_DISPATCH, Category.HELP, Grade.GENERAL, "phone", "朝阳区",
                    "M01", "M01", now, text="路灯不亮", has_phone=True)  # fmt: skip
    duty = Duty(world.ids.take(), ticket_id, None, "M01", Obligation.DISPATCH, Grade.GENERAL, now,
                now + timedelta(hours=12), None)  # fmt: skip
    assert await world.desk.moves.create([NewTicket(ticket, head, (duty,))]) == [True]


async def test_live_work_at_the_desk_is_counted_as_it_happens(world: World) -> None:
    world.at = datetime(2026, 11, 10, 9, tzinfo=ZONE)
    for no in ("L1", "L2", "L3"):
        await live(world, no)
        await world.act("dispatch", DISPATCHER, no, unit="U01")
    world.at += timedelta(hours=1)
    await world.act("sign", HANDLER, "L1")
    await world.act("sign", HANDLER, "L2")
    await world.act("return", HANDLER, "L2", reason="不属于本单位", files=["f1"], signed_by="seal")
    await world.act("decide_return", REVIEWER, "L2", accept=True)
    await world.act("close", HANDLER, "L1", text="已修复", way="phone", no_objection=True)
    world.at += timedelta(days=1)
    for kind, answer, by in (("auto", "unsatisfied", AGENT), ("manual", "unsatisfied", AGENT)):
        await world.act("visit", by, "L1", kind=kind, answer=answer, note="仍不亮")
    sheet = await world.marks.compute_sheet("2026-11", "U01")
    counted = {x["item"]: (x["numerator"], x["denominator"]) for x in sheet["lines"][:6]}
    assert counted == {"sign": (2, 3), "return": (1, 1), "on_time": (1, 1), "extension": (0, 1),
                       "red_card": (0, 2), "satisfaction": (0, 1)}  # fmt: skip
    assert line(sheet, "satisfaction")["evidence"] == [{"ticket": "L1", "failed": True}]
    found = line(await world.marks.compute_sheet("2026-11", "M01"), "dispatch")
    assert (found["numerator"], found["denominator"]) == (3, 3)


async def test_an_attempt_that_reached_nobody_settles_nothing_before_the_attempts_are_exhausted_Q36(
    world: World,
) -> None:
    world.at = datetime(2026, 11, 9, 9, tzinfo=ZONE)
    await live(world, "L1")
    await world.act("dispatch", DISPATCHER, "L1", unit="U01")
    await world.act("sign", HANDLER, "L1")
    await world.act("close", HANDLER, "L1", text="已修复", way="phone", no_objection=True)
    await world.act("visit", AGENT, "L1", kind="auto", answer="unsatisfied")
    for hours, satisfied in ((1, 0), (8, 0), (24, 1)):
        world.at += timedelta(hours=hours)
        await world.act("visit", AGENT, "L1", kind="manual", answer="unreached")
        found = line(await world.marks.compute_sheet("2026-11", "U01"), "satisfaction")
        assert (found["numerator"], found["denominator"]) == (satisfied, 1)


async def test_an_open_imported_ticket_goes_on_at_the_desk(world: World) -> None:
    world.at = datetime(2026, 11, 10, 9, tzinfo=ZONE)
    sent = (world.at - timedelta(hours=1)).isoformat()
    await world.load([{
        "ticket_no": "H1", "category": "help", "grade": "general", "region": "朝阳区", "generated_at": sent,
        "requester": {"name": "王某", "phone": "13800001234"}, "text": "路灯不亮",
        "assignments": [{"unit": "U01", "dispatched_at": sent}],
    }])  # fmt: skip
    await world.act("sign", HANDLER, "H1")
    await world.act("close", HANDLER, "H1", text="已修复", way="phone", no_objection=True)
    sheet = await world.marks.compute_sheet("2026-11", "U01")
    assert [(x["numerator"], x["denominator"]) for x in sheet["lines"][:6]] == [
        (1, 1),
        (0, 0),
        (1, 1),
        (0, 1),
        (0, 1),
        (1, 1),
    ]


def test_the_room_is_what_the_doors_expect(world: World) -> None:
    room: ScoringService = world.marks
    assert room.get_scores


async def test_every_time_of_ledgers_runs_and_objections_carries_the_offset_of_the_house(world: World) -> None:
    await e1(world)
    lines, _ = await world.marks.ledgers.list_lines(CLERK, month=OCT)
    run = await world.marks.start_run(OCT, None, CLERK)
    await world.marks.runs.check(run["id"], CLERK)
    objection = await world.marks.submit_contest(run["id"], {"unit": "U01", "words": "数据有误"}, CLERK)
    shown = await world.marks.runs.inspect(run["id"], CLERK)
    listed = await world.marks.runs.list_runs(OCT)
    kept = await world.marks.contests.list_contests(CLERK, period=OCT)
    times = [line[name] for line in lines for name in ("entered_at", "reviewed_at")]
    times += [shown["at"], shown["check_until"], listed[0]["at"], listed[0]["check_until"]]
    times += [objection["at"], kept[0]["at"]]
    assert len(times) > 6 and {at[-6:] for at in times} == {"+08:00"}, times
