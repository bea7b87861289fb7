"""Files are imported row by row: good rows are kept, bad ones reported, none is kept twice (contract §3, §4)."""

import asyncio
import contextlib
import json
import random
import time
from datetime import date, timedelta

import psutil
import pytest
from sqlalchemy import select, update

from backend.domain.acts import Actor
from backend.domain.refusals import Refused
from backend.domain.ticket_enums import Role, State
from backend.office.people import PersonForm
from backend.ports.tickets import TicketRef
from storage import tables as t
from tests.figures import SIZES, Figures, choose_size
from tests.tickets.conftest import ADMIN, DISPATCHER, HANDLER, SampleCity

HEAD = "ticket_no,category,grade,channel,text,requester_phone\n"


def build_tickets(count: int, first: int = 1) -> str:
    return HEAD + "".join(
        f"T{n},help,general,phone,第{n}件,{13800002000 + n % 90}\n" for n in range(first, first + count)
    )


async def test_good_rows_are_kept_and_each_bad_one_is_refused_by_field(city: SampleCity) -> None:
    report = await city.import_text(
        "tickets",
        HEAD + "T1,help,general,phone,好,13800002001\nT2,nonsense,general,phone,坏,\nT3,help,general,phone,坏,12\n",
    )
    assert (report["read"], report["imported"], report["already"]) == (3, 1, 0)
    assert [(refusal["row"], refusal["field"], refusal["code"]) for refusal in report["refused"]] == [
        (3, "category", "bad_word"), (4, "requester_phone", "bad_phone"),
    ]  # fmt: skip
    assert all(refusal["message"] for refusal in report["refused"])


async def test_a_ticket_number_that_comes_twice_is_kept_once_FF7(city: SampleCity) -> None:
    first = await city.import_text("tickets", build_tickets(30) + "T5,help,general,phone,又,\n")
    again = await city.import_text("tickets", build_tickets(40))
    assert (first["imported"], [refusal["code"] for refusal in first["refused"]]) == (30, ["duplicate_in_file"])
    assert (again["imported"], again["already"]) == (10, 30)
    assert await city.count(t.tickets) == 40


async def test_a_file_imported_by_two_people_at_once_is_imported_once_FM14_FF14(city: SampleCity) -> None:
    reports = await asyncio.gather(*(city.import_text("tickets", build_tickets(200)) for _ in range(2)))
    assert sum(r["imported"] for r in reports) == 200
    assert sum(r["already"] for r in reports) == 200
    assert await city.count(t.tickets) == 200


async def test_an_import_that_was_killed_between_chunks_is_finished_by_running_it_again_FF12(city: SampleCity) -> None:
    text = build_tickets(2_500)

    def kill(done: int, _expected: int) -> None:
        if done >= 1_000:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        await city.import_text("tickets", text, progress=kill)
    kept = await city.count(t.tickets)
    report = await city.import_text("tickets", text)
    assert kept == 1_000
    assert (report["imported"], report["already"]) == (1_500, 1_000)
    assert not (await city.verify_journal()).findings


@SIZES
async def test_a_large_file_is_imported_whole_and_once_however_often_it_is_killed_FF6_FF12_G19(
    city: SampleCity, size: str, figures: Figures
) -> None:
    count, kills = (choose_size(size, small=s, quick=q, full=f) for s, q, f in ((2_400, 12_000, 100_000), (3, 10, 20)))
    text, dice = build_tickets(count), random.Random(19)
    steps = [dice.randrange(count) for _ in range(kills)]  # rows after which each run is killed
    for step in steps:

        def kill(done: int, _expected: int, step: int = step) -> None:
            if done > step:
                raise KeyboardInterrupt

        with contextlib.suppress(KeyboardInterrupt):
            await city.import_text("tickets", text, progress=kill)
    await city.import_text("tickets", text)
    kept = await city.count(t.tickets)
    journal = await city.count(t.journal)
    another = build_tickets(count, first=count + 1)
    before, highest, began = psutil.Process().memory_info().rss, 0, time.perf_counter()

    def watch(_done: int, _expected: int) -> None:
        nonlocal highest
        highest = max(highest, psutil.Process().memory_info().rss)

    await city.import_text("tickets", another, progress=watch)
    figures.report(
        "G19", rows=count, kills=kills, missing=max(count - kept, 0), doubled=max(kept - count, journal - kept, 0),
        seconds=time.perf_counter() - began, megabytes=max(highest - before, 0) / 1e6,
    )  # fmt: skip


async def test_a_dry_run_says_what_would_happen_and_writes_nothing(city: SampleCity) -> None:
    await city.import_text("tickets", build_tickets(1))
    report = await city.import_text("tickets", build_tickets(3), dry_run=True)
    assert (report["imported"], report["already"]) == (2, 1)
    units = await city.import_text(
        "units", "code,name,kind\nU99,新单位,handling\nU01,市住建局,handling\n", dry_run=True
    )
    assert units["imported"] == 2  # U01 would have another name
    assert await city.count(t.tickets) == 1 and await city.count(t.units) == 7


async def test_progress_is_reported_and_other_work_goes_on_meanwhile_FS14(city: SampleCity) -> None:
    progress: list[tuple[int, int]] = []
    longest = 0.0
    finished = asyncio.Event()

    async def watch() -> None:
        nonlocal longest
        while not finished.is_set():
            start = time.perf_counter()
            await asyncio.sleep(0.005)
            longest = max(longest, time.perf_counter() - start)

    watcher = asyncio.create_task(watch())
    await city.import_text("tickets", build_tickets(3_000), progress=lambda done, total: progress.append((done, total)))
    finished.set()
    await watcher
    assert [done for done, _ in progress][:3] == [1_000, 2_000, 3_000]
    assert longest < 5


async def test_a_column_the_file_lacks_is_filled_with_the_value_given(city: SampleCity) -> None:
    await city.import_text("tickets", "ticket_no,text\nT1,停水\n", preset={"category": "complaint", "phone": "13800002001",
                                                                   "grade": "urgent", "channel": "phone"})  # fmt: skip
    row = await city.load_row("T1")
    assert (row.category, row.grade, row.phone_tail, row.state) == (
        "complaint",
        "urgent",
        "2001",
        "pending_dispatch",
    )


async def test_a_row_with_an_unknown_unit_is_refused_with_a_suggestion_FF11(city: SampleCity) -> None:
    report = await city.import_text("people", "code,name,unit,role,phone\nX1,甲,市住房城乡建设局,handler,13800003001\n")
    (refusal,) = report["refused"]
    assert (refusal["code"], refusal["field"]) == ("unknown_unit", "unit")
    assert "市住房和城乡建设局" in refusal["message"]


async def test_people_may_name_their_unit_as_the_registration_form_does(city: SampleCity) -> None:
    text = "代办处名称（区）,姓名,联系电话,密钥名称\n市交通运输局,林一,13800003002,云岭林一\n"
    assert (await city.import_text("people", text))["imported"] == 1
    assert (await city.import_text("people", text))["already"] == 1
    snapshot = await city.core.office.snapshot(fresh=True)
    assert [p.role for p in snapshot.by_unit["U04"] if p.name == "林一"] == [Role.HANDLER]


async def test_a_blank_cell_leaves_what_is_known_of_a_unit(city: SampleCity) -> None:
    full = "code,name,kind,region,parent\nA1,一所,handling,朝阳区,M01\n"
    await city.import_text("units", full)
    report = await city.import_text("units", "code,name,kind,region,parent\nA1,一所,handling,,\n")
    unit = (await city.core.office.snapshot(fresh=True)).config.units["A1"]
    assert (unit.region, unit.parent, report["already"]) == ("朝阳区", "M01", 1)
    await city.import_text("units", "code,name,kind\nA1,第一所,handling\n")
    unit = (await city.core.office.snapshot(fresh=True)).config.units["A1"]
    assert (unit.name, unit.region, unit.parent) == ("第一所", "朝阳区", "M01")


async def test_a_blank_yes_or_no_leaves_what_is_known_of_a_unit(city: SampleCity) -> None:
    head = "编码,名称,类型,省直部门\n"
    for cell, known in (("", False), ("是", True), ("", True), ("否", False)):
        await city.import_text("units", f"{head}A1,一所,承办单位,{cell}\n")
        assert (await city.core.office.snapshot(fresh=True)).config.units["A1"].province_department is known
    await city.import_text("units", f"{head}A1,一所,承办单位,是\n")
    await city.import_text("units", "编码,名称,类型\nA1,第一所,承办单位\n")
    assert (await city.core.office.snapshot(fresh=True)).config.units["A1"].province_department


async def test_a_file_of_people_brings_nobody_back_and_leaves_a_key_that_is_authorised(city: SampleCity) -> None:
    full = "编码,姓名,单位,角色,电话,密钥名称,模块授权\nX9,林一,U01,经办人员,13800009009,云岭林一,是\n"
    assert (await city.import_text("people", full))["imported"] == 1
    left = PersonForm(name="林一", unit="U01", role=Role.HANDLER, code="X9", active=False)
    await city.services.people.save_people([left], "GL01")
    await city.import_text("people", "编码,姓名,单位,角色,电话,密钥名称,模块授权\nX9,林一,U01,经办人员,13800009009,,\n")
    row = await city.core.db.read(lambda c: c.execute(select(t.people).where(t.people.c.code == "X9")).one())
    assert (bool(row.active), row.key_name, bool(row.key_authorised)) == (False, "云岭林一", True)


async def test_a_blank_deputy_leaves_the_one_who_is_known(city: SampleCity) -> None:
    head = "单位,值班人员,副班,日期,班次\n"
    assert (await city.import_text("roster", f"{head}U01,李建国,王丽,2026-11-20,08:00-18:00\n"))["imported"] == 1
    assert (await city.import_text("roster", f"{head}U01,李建国,,2026-11-20,08:00-18:00\n"))["already"] == 1
    (shift,) = (await city.core.office.snapshot(fresh=True)).config.shifts
    assert shift.deputy == "H102"


async def test_a_parent_may_stand_below_its_child_and_a_missing_one_is_refused(city: SampleCity) -> None:
    report = await city.import_text(
        "units", "code,name,kind,parent\nA1,一所,handling,A0\nA0,总所,handling,M01\nA2,二所,handling,Z9\n"
    )
    assert report["imported"] == 2
    assert [(refusal["row"], refusal["field"], refusal["code"]) for refusal in report["refused"]] == [
        (4, "parent", "unknown_unit")
    ]


async def test_the_notice_of_a_year_sets_the_whole_year_and_a_single_day_sets_itself(city: SampleCity) -> None:
    before = (await city.core.office.snapshot()).calendar.end
    await city.import_text("calendar", "date,working,name\n2026-11-14,工作日,调休\n")
    calendar = (await city.core.office.snapshot(fresh=True)).calendar
    assert calendar.is_workday(date(2026, 11, 14)) and calendar.end == before
    text = "date,working,name\n2027-01-01,放假,元旦\n2027-10-01,放假,国庆节\n2027-10-09,上班,调休\n"
    report = await city.import_text("calendar", text)
    calendar = (await city.core.office.snapshot(fresh=True)).calendar
    assert report["imported"] == 3 and calendar.end == date(2027, 12, 31)
    assert not calendar.is_workday(date(2027, 10, 1)) and calendar.is_workday(date(2027, 10, 9))
    assert calendar.is_workday(date(2027, 10, 11)) and not calendar.is_workday(date(2027, 10, 10))
    assert (await city.import_text("calendar", text))["already"] == 3


async def test_ledger_lines_count_once_however_often_their_file_is_imported(city: SampleCity) -> None:
    rows = ("absence,U01,2026-10,,缺会,,", "absence,U01,2026-10,,缺会,,", "honour,市交通运输局,2026-10,city,表彰,文件1,m1",
            "absence,U77,2026-10,,缺会,,")  # fmt: skip
    text = "\n".join(("kind,unit,month,level,note,evidence,matter", *rows))
    first, again = await city.import_text("ledger", text), await city.import_text("ledger", text)
    assert (first["imported"], first["already"], again["imported"], again["already"]) == (3, 0, 0, 3)
    assert [refusal["code"] for refusal in again["refused"]] == ["unknown_unit"]
    units = await city.core.db.read(lambda c: sorted(c.execute(select(t.ledger_lines.c.unit)).scalars()))
    assert units == ["U01", "U01", "U04"]


async def test_imported_ledger_lines_are_refused_by_the_field_they_lack_XD3(city: SampleCity) -> None:
    await city.import_text("tickets", HEAD + "T1,help,general,phone,路灯不亮,13800002001\n")
    text = "kind,unit,month,level,note,evidence,matter,工单编号\n" + "".join(f"{row}\n" for row in (
        "absence,U01,2026-10,,缺会,,,", "absence,U01,2026-10,,,,,", "honour,U01,2026-10,city,表彰,文件1,,",
        "honour,U01,2026-10,city,表彰,,m1,", "exposure,U01,2026-10,,曝光,,,T1", "supervision_failed,U01,2026-10,,未落实,,,",
        "supervision_failed,U01,2026-10,,未落实,,,T1、T9", "supervision_failed,U01,2026-10,,未落实,,,T1",
    ))  # fmt: skip
    for dry_run in (True, False):
        report = await city.import_text("ledger", text, dry_run=dry_run)
        assert [(refusal["row"], refusal["field"], refusal["code"]) for refusal in report["refused"]] == [
            (3, "note", "missing"), (4, "matter", "missing"), (5, "evidence", "missing"), (7, "tickets", "missing"),
            (8, "tickets", "unknown_ticket"),
        ]  # fmt: skip
        assert report["imported"] == 3
    kept = await city.core.db.read(lambda c: sorted(c.execute(select(t.ledger_lines.c.tickets)).scalars()))
    assert kept == ['["T1"]', '["T1"]', "[]"]


async def close_ticket(city: SampleCity, no: str) -> None:
    await city.import_text("tickets", HEAD + f"{no},help,general,phone,路灯不亮,13800002001\n")
    await city.act("dispatch", DISPATCHER, no, unit="U01")
    await city.act("sign", HANDLER, no)
    await city.act("contact", HANDLER, no, reached=True)
    await city.act("reply", HANDLER, no, text="已修复", way="phone")
    await city.act("close", HANDLER, no, feedback="满意", no_objection=True)


async def test_an_imported_visit_concludes_its_ticket_once_and_at_its_own_time(city: SampleCity) -> None:
    await close_ticket(city, "T1")
    city.advance(hours=3)
    visited = city.core.clock.now() - timedelta(hours=1)
    at = visited.isoformat()
    rows = f"T1,manual,{at},yes,resolved,satisfied,很好\nT9,manual,{at},yes,,,\n"
    text = "ticket_no,kind,at,contacted,resolved,answer,note\n" + rows
    first, again = await city.import_text("visits", text), await city.import_text("visits", text)
    snap = await city.built.moves.load(TicketRef(ticket_no="T1"))
    assert snap is not None and snap.ticket.state is State.FINALIZED and snap.ticket.final_answer == "satisfied"
    assert [(v.at, v.resolved) for v in snap.visits] == [(visited, "resolved")]
    assert (first["imported"], again["imported"], again["already"]) == (1, 0, 1)
    assert [(refusal["field"], refusal["code"]) for refusal in first["refused"]] == [("ticket_no", "not_found")]
    assert not (await city.verify_journal()).findings


async def test_the_history_of_an_older_platform_is_imported_once(city: SampleCity) -> None:
    text = (
        '{"ticket_no": "L1", "category": "help", "grade": "general", "generated_at": "2026-10-08T09:00:00+08:00", '
        '"assignments": [{"unit": "市交通运输局", "lead": true, "dispatched_at": "2026-10-08T10:00:00+08:00", '
        '"signed_at": "2026-10-08T11:00:00+08:00", "signed": "manual", "closed_at": "2026-10-09T11:00:00+08:00"}]}\n'
        '{"ticket_no": "L2", "category": "help", "grade": "general", "generated_at": "2026-10-08T09:00:00+08:00", '
        '"assignments": [{"unit": "市交通局", "lead": true, "dispatched_at": "2026-10-08T10:00:00+08:00"}]}\n'
    )
    first, again = await city.import_text("history", text), await city.import_text("history", text)
    assert (first["imported"], again["already"]) == (1, 1)
    assert "市交通运输局" in first["refused"][0]["message"]
    assert not (await city.verify_journal()).findings
    await city.core.db.execute(update(t.tickets).where(t.tickets.c.ticket_no == "L1").values(text="别的"))
    assert [f.code for f in (await city.verify_journal()).findings] == ["ticket_changed"]


@pytest.mark.parametrize(("kind", "by"), [("units", DISPATCHER), ("tickets", HANDLER), ("ledger", DISPATCHER)])
async def test_only_some_roles_may_import_files(city: SampleCity, kind: str, by: Actor) -> None:
    with pytest.raises(Refused, match="forbidden"):
        await city.import_text(kind, "x", by)


async def test_a_file_without_headings_is_refused_as_a_whole(city: SampleCity) -> None:
    with pytest.raises(Refused, match="headings_missing"):
        await city.import_text("tickets", "一,二\n三,四\n")


@pytest.mark.parametrize("dry_run", [True, False])
async def test_what_no_field_takes_is_listed_in_the_report_of_every_kind_of_file_XM14(
    city: SampleCity, dry_run: bool
) -> None:
    line = {"ticket_no": "L9", "text": "停水", "mood": "急", "requester": {"name": "王某", "age": 60}}
    report = await city.services.imports.import_file(
        "tickets", "t.jsonl", json.dumps(line, ensure_ascii=False).encode(), ADMIN, dry_run=dry_run
    )
    assert report["ignored"] == ["mood", "requester.age"]
    old = {"ticket_no": "L8", "category": "help", "grade": "general", "direct_answer": True, "colour": "red",
           "generated_at": "2026-10-08T09:00:00+08:00"}  # fmt: skip
    report = await city.services.imports.import_file(
        "history", "h.jsonl", json.dumps(old).encode(), ADMIN, dry_run=dry_run
    )
    assert report["ignored"] == ["colour"]
    assert (await city.import_text("units", "code,name,kind\nU99,新单位,handling\n", dry_run=dry_run))["ignored"] == []
