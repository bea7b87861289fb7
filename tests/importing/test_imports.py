"""Files brought in row by row: good rows land, bad ones are named, none lands twice (contract §3, §4; FF rows)."""

import asyncio
import time
from datetime import date, timedelta

import pytest
from sqlalchemy import select

from backend.domain.acts import Actor
from backend.domain.refusals import Refused
from backend.domain.ticket import Role, State
from backend.ports.moves import TicketRef
from storage import tables as t
from tests.tickets.conftest import CLERK, Bench

HEAD = "ticket_no,category,grade,channel,text,requester_phone\n"
HANDLER = Actor("H101", Role.HANDLER, "U01")


def demands(count: int, first: int = 1) -> str:
    return HEAD + "".join(
        f"T{n},help,general,phone,第{n}件,{13800002000 + n % 90}\n" for n in range(first, first + count)
    )


async def test_good_rows_land_though_others_are_refused_each_by_name(bench: Bench) -> None:
    report = await bench.bring(
        "tickets",
        HEAD + "T1,help,general,phone,好,13800002001\nT2,nonsense,general,phone,坏,\nT3,help,general,phone,坏,12\n",
    )
    assert (report["read"], report["imported"], report["already"]) == (3, 1, 0)
    assert [(no["row"], no["field"], no["code"]) for no in report["refused"]] == [
        (3, "category", "bad_word"), (4, "requester_phone", "bad_phone"),
    ]  # fmt: skip
    assert all(no["message"] for no in report["refused"])


async def test_numbers_twice_in_a_file_or_in_the_house_are_kept_once_FF7(bench: Bench) -> None:
    first = await bench.bring("tickets", demands(30) + "T5,help,general,phone,又,\n")
    again = await bench.bring("tickets", demands(40))
    assert (first["imported"], [no["code"] for no in first["refused"]]) == (30, ["duplicate_in_file"])
    assert (again["imported"], again["already"]) == (10, 30)
    assert await bench.count(t.tickets) == 40


async def test_the_same_file_brought_by_two_at_once_is_one_import_FM14_FF14(bench: Bench) -> None:
    reports = await asyncio.gather(*(bench.bring("tickets", demands(200)) for _ in range(2)))
    assert sum(r["imported"] for r in reports) == 200
    assert sum(r["already"] for r in reports) == 200
    assert await bench.count(t.tickets) == 200


async def test_an_import_that_died_between_chunks_is_finished_by_running_it_again_FF12(bench: Bench) -> None:
    text = demands(2_500)

    def died(done: int, _expected: int) -> None:
        if done >= 1_000:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        await bench.bring("tickets", text, progress=died)
    left = await bench.count(t.tickets)
    report = await bench.bring("tickets", text)
    assert left == 1_000
    assert (report["imported"], report["already"]) == (1_500, 1_000)
    assert not (await bench.house.journal_verifier.verify()).findings


async def test_a_dry_run_says_what_would_happen_and_writes_nothing(bench: Bench) -> None:
    await bench.bring("tickets", demands(1))
    report = await bench.bring("tickets", demands(3), dry_run=True)
    assert (report["imported"], report["already"]) == (2, 1)
    units = await bench.bring(
        "units", "code,name,kind\nU99,新单位,handling\nU01,市住房和城乡建设局,handling\n", dry_run=True
    )
    assert units["imported"] == 2  # U01 would lose its region
    assert await bench.count(t.tickets) == 1 and await bench.count(t.units) == 7


async def test_progress_is_told_and_the_loop_goes_on_turning_FS14(bench: Bench) -> None:
    told: list[tuple[int, int]] = []
    longest = 0.0
    done = asyncio.Event()

    async def watch() -> None:
        nonlocal longest
        while not done.is_set():
            start = time.perf_counter()
            await asyncio.sleep(0.005)
            longest = max(longest, time.perf_counter() - start)

    watcher = asyncio.create_task(watch())
    await bench.bring("tickets", demands(3_000), progress=lambda a, b: told.append((a, b)))
    done.set()
    await watcher
    assert [a for a, _ in told][:3] == [1_000, 2_000, 3_000]
    assert longest < 5


async def test_absent_columns_are_filled_by_set(bench: Bench) -> None:
    await bench.bring("tickets", "ticket_no,text\nT1,停水\n", preset={"category": "complaint", "phone": "13800002001",
                                                                   "grade": "urgent", "channel": "phone"})  # fmt: skip
    row = await bench.ticket("T1")
    assert (row.category, row.grade, row.phone_tail, row.state) == (
        "complaint",
        "urgent",
        "2001",
        "pending_dispatch",
    )


async def test_an_unknown_unit_is_a_row_error_with_a_suggestion_FF11(bench: Bench) -> None:
    report = await bench.bring("people", "code,name,unit,role,phone\nX1,甲,市住房城乡建设局,handler,13800003001\n")
    (no,) = report["refused"]
    assert (no["code"], no["field"]) == ("unknown_unit", "unit")
    assert "市住房和城乡建设局" in no["message"]


async def test_people_may_name_their_unit_as_the_registration_form_does(bench: Bench) -> None:
    text = "代办处名称（区）,姓名,联系电话,密钥名称\n市交通运输局,林一,13800003002,云岭林一\n"
    assert (await bench.bring("people", text))["imported"] == 1
    assert (await bench.bring("people", text))["already"] == 1
    snapshot = await bench.house.office.snapshot(fresh=True)
    assert [p.role for p in snapshot.by_unit["U04"] if p.name == "林一"] == [Role.HANDLER]


async def test_a_parent_may_stand_below_its_child_and_a_missing_one_is_refused(bench: Bench) -> None:
    report = await bench.bring(
        "units", "code,name,kind,parent\nA1,一所,handling,A0\nA0,总所,handling,M01\nA2,二所,handling,Z9\n"
    )
    assert report["imported"] == 2
    assert [(no["row"], no["field"], no["code"]) for no in report["refused"]] == [(4, "parent", "unknown_unit")]


async def test_a_years_notice_settles_the_whole_year_and_single_days_settle_themselves(bench: Bench) -> None:
    before = (await bench.house.office.snapshot()).calendar.end
    await bench.bring("calendar", "date,working,name\n2026-11-14,工作日,调休\n")
    calendar = (await bench.house.office.snapshot(fresh=True)).calendar
    assert calendar.is_workday(date(2026, 11, 14)) and calendar.end == before
    text = "date,working,name\n2027-01-01,放假,元旦\n2027-10-01,放假,国庆节\n2027-10-09,上班,调休\n"
    report = await bench.bring("calendar", text)
    calendar = (await bench.house.office.snapshot(fresh=True)).calendar
    assert report["imported"] == 3 and calendar.end == date(2027, 12, 31)
    assert not calendar.is_workday(date(2027, 10, 1)) and calendar.is_workday(date(2027, 10, 9))
    assert calendar.is_workday(date(2027, 10, 11)) and not calendar.is_workday(date(2027, 10, 10))
    assert (await bench.bring("calendar", text))["already"] == 3


async def test_ledger_lines_count_once_however_often_their_file_comes(bench: Bench) -> None:
    text = (
        "kind,unit,month,level,note,evidence,matter\nabsence,U01,2026-10,,缺会,,\nabsence,U01,2026-10,,缺会,,\n"
        "honour,市交通运输局,2026-10,city,表彰,文件1,m1\nabsence,U77,2026-10,,缺会,,\n"
    )
    first, again = await bench.bring("ledger", text), await bench.bring("ledger", text)
    assert (first["imported"], first["already"], again["imported"], again["already"]) == (3, 0, 0, 3)
    assert [no["code"] for no in again["refused"]] == ["unknown_unit"]
    units = await bench.house.db.read(lambda c: sorted(c.execute(select(t.ledger.c.unit)).scalars()))
    assert units == ["U01", "U01", "U04"]


async def test_imported_ledger_lines_are_refused_by_the_field_they_lack_XD3(bench: Bench) -> None:
    await bench.bring("tickets", HEAD + "T1,help,general,phone,路灯不亮,13800002001\n")
    text = "kind,unit,month,level,note,evidence,matter,工单编号\n" + "".join(f"{row}\n" for row in (
        "absence,U01,2026-10,,缺会,,,", "absence,U01,2026-10,,,,,", "honour,U01,2026-10,city,表彰,文件1,,",
        "honour,U01,2026-10,city,表彰,,m1,", "exposure,U01,2026-10,,曝光,,,T1", "supervision_failed,U01,2026-10,,未落实,,,",
        "supervision_failed,U01,2026-10,,未落实,,,T1、T9", "supervision_failed,U01,2026-10,,未落实,,,T1",
    ))  # fmt: skip
    for dry_run in (True, False):
        report = await bench.bring("ledger", text, dry_run=dry_run)
        assert [(no["row"], no["field"], no["code"]) for no in report["refused"]] == [
            (3, "note", "missing"), (4, "matter", "missing"), (5, "evidence", "missing"), (7, "tickets", "missing"),
            (8, "tickets", "unknown_ticket"),
        ]  # fmt: skip
        assert report["imported"] == 3
    kept = await bench.house.db.read(lambda c: sorted(c.execute(select(t.ledger.c.tickets)).scalars()))
    assert kept == ['["T1"]', '["T1"]', "[]"]


async def closed(bench: Bench, no: str) -> None:
    await bench.bring("tickets", HEAD + f"{no},help,general,phone,路灯不亮,13800002001\n")
    await bench.act("dispatch", CLERK, no, unit="U01")
    await bench.act("sign", HANDLER, no)
    await bench.act("contact", HANDLER, no, reached=True)
    await bench.act("reply", HANDLER, no, text="已修复", way="phone")
    await bench.act("close", HANDLER, no, feedback="满意", no_objection=True)


async def test_visits_made_elsewhere_conclude_tickets_once_and_at_their_own_time(bench: Bench) -> None:
    await closed(bench, "T1")
    bench.later(hours=3)
    at = (bench.house.clock.now() - timedelta(hours=1)).isoformat()
    text = f"ticket_no,kind,at,contacted,resolved,answer,note\nT1,manual,{at},yes,resolved,satisfied,很好\nT9,manual,{at},yes,,,\n"
    first, again = await bench.bring("visits", text), await bench.bring("visits", text)
    snap = await bench.house.moves.load(TicketRef(no="T1"))
    assert snap is not None and snap.ticket.state is State.FINALIZED and snap.ticket.final_answer == "satisfied"
    assert [v.at.isoformat() for v in snap.visits] == [
        v.at.isoformat() for v in snap.visits if v.resolved == "resolved"
    ]
    assert (first["imported"], again["imported"], again["already"]) == (1, 0, 1)
    assert [(no["field"], no["code"]) for no in first["refused"]] == [("ticket_no", "not_found")]
    assert not (await bench.house.journal_verifier.verify()).findings


async def test_whole_lives_of_an_older_platform_come_in_once(bench: Bench) -> None:
    text = (
        '{"ticket_no": "L1", "category": "help", "grade": "general", "generated_at": "2026-10-08T09:00:00+08:00", '
        '"assignments": [{"unit": "市交通运输局", "lead": true, "dispatched_at": "2026-10-08T10:00:00+08:00", '
        '"signed_at": "2026-10-08T11:00:00+08:00", "signed": "manual", "closed_at": "2026-10-09T11:00:00+08:00"}]}\n'
        '{"ticket_no": "L2", "category": "help", "grade": "general", "generated_at": "2026-10-08T09:00:00+08:00", '
        '"assignments": [{"unit": "市交通局", "lead": true, "dispatched_at": "2026-10-08T10:00:00+08:00"}]}\n'
    )
    first, again = await bench.bring("history", text), await bench.bring("history", text)
    assert (first["imported"], again["already"]) == (1, 1)
    assert "市交通运输局" in first["refused"][0]["message"]
    assert not (await bench.house.journal_verifier.verify()).findings


@pytest.mark.parametrize(("kind", "by"), [("units", CLERK), ("tickets", HANDLER), ("ledger", CLERK)])
async def test_only_some_may_bring_files(bench: Bench, kind: str, by: Actor) -> None:
    with pytest.raises(Refused, match="forbidden"):
        await bench.bring(kind, "x", by)


async def test_a_file_without_headings_is_refused_whole(bench: Bench) -> None:
    with pytest.raises(Refused, match="headings_missing"):
        await bench.bring("tickets", "一,二\n三,四\n")
