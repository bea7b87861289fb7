"""Those on duty are told and nobody else; stand-ins act for the absent; a roster's gaps are seen before its month."""

import re
from datetime import datetime, timedelta
from typing import Any

import pytest

from backend.integrity.checks import IntegrityChecks
from tests.stories.api import Response
from tests.stories.console import sign_in
from tests.stories.office import ZONE, Office, november

SQLITE = pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
ROSTER = """单位,值班人员,副班,日期,班次
U01,H102,H101,2026-11-09,17:00-08:30
U01,王大力,,2026-11-10,08:00-20:00
U01,H201,,2026-11-11,08:00-20:00
U09,H101,,2026-11-12,08:00-20:00
U01,H101,,2026-11-12,
"""


async def import_roster(office: Office) -> Response:
    """Import the file above through the API."""
    report = await office.upload("/imports/roster", "值班.csv", ROSTER.encode(), "admin")
    assert report.status == 200, report.body
    return report


async def add_shift(
    office: Office, begin: str, end: str, person: str, deputy: str | None = None, unit: str = "U01"
) -> None:
    """Put a person on duty; times are local."""
    body = {"unit": unit, "person": person, "deputy": deputy, "from": f"{begin}+08:00", "to": f"{end}+08:00"}
    made = await office.request("POST", "/rosters", "admin", body)
    assert made.status == 201, made.body


@SQLITE
async def test_a_duty_roster_is_imported_from_a_file_and_each_refused_row_says_why(office: Office) -> None:
    report = await import_roster(office)
    assert (report["read"], report["imported"], report["already"]) == (5, 2, 0)
    refused = [(r["row"], r["field"], r["code"]) for r in report["refused"]]
    assert refused == [(3, "person", "unknown_person"), (4, "person", "not_of_unit"), (5, "unit", "unknown_unit")]
    sentence = report["refused"][1]["message"]
    assert not re.search("[A-Z][0-9]", sentence) and "市住房和城乡建设局" in sentence, sentence  # names, no codes
    stranger = {"unit": "U01", "person": "H201", "from": "2026-11-20T17:00:00+08:00", "to": "2026-11-21T08:30:00+08:00"}
    answer = await office.request("POST", "/rosters", "admin", stranger)
    error = answer["error"]
    assert (error["code"], error["details"]["unit"]) == ("not_of_unit", "U01") and "U01" not in error["message"], error
    again = await import_roster(office)
    assert (again["imported"], again["already"]) == (0, 2)
    month = await office.request("GET", "/rosters", "L101", unit="U01", month="2026-11")
    spans = [(s["from"], s["to"], s["person"], s["deputy"]) for s in month["shifts"]]
    assert spans == [
        ("2026-11-09T17:00:00+08:00", "2026-11-10T08:30:00+08:00", "H102", "H101"),
        ("2026-11-12T00:00:00+08:00", "2026-11-13T00:00:00+08:00", "H101", None),
    ]
    assert (await office.request("GET", "/rosters", "L201", unit="U01", month="2026-11")).status == 404


async def test_at_night_an_urgent_ticket_reaches_the_person_on_duty_alone_and_without_a_roster_all_handlers_Q25(
    office: Office,
) -> None:
    first, second, liaison = await office.bind("H101"), await office.bind("H102"), await office.bind("L101")
    await add_shift(office, "2026-11-09T17:00:00", "2026-11-10T08:30:00", "H102")
    office.confirm_calls("H101", "H102")
    await office.advance_to(november(9, 23))
    await office.dispatch_ticket("JS0001", grade="urgent")
    await second.expect("【紧急工单】JS0001")
    assert len(office.calls_to("H102")) == 1 and office.calls_to("H101") == []
    await office.advance_to(november(10, 1, 30))  # past the reminder after an hour and the automatic signing
    await second.expect("尚未签收")
    await second.expect("系统已于")
    assert first.list_unexpected() == [] and liaison.list_unexpected() == []
    await office.advance_to(november(10, 9))  # nobody is on duty now: everybody gets it
    await office.dispatch_ticket("JS0002", grade="urgent")
    await first.expect("【紧急工单】JS0002")
    await second.expect("【紧急工单】JS0002")


@SQLITE
async def test_after_the_person_on_duty_come_their_deputy_the_handler_the_liaison_and_the_leader_Q42(
    office: Office,
) -> None:
    dispatcher = await office.bind("PD01")
    await add_shift(office, "2026-11-09T08:00:00", "2026-11-09T20:00:00", "L101", "H102")
    await office.dispatch_ticket("JS0001", grade="urgent")
    await office.advance("1h10m")
    await dispatcher.expect("工单 JS0001 已多次电话通知未接通，请人工联系")
    first_calls = {who: office.calls_to(who)[0] for who in ("L101", "H102", "H101", "D101")}
    assert list(first_calls) == sorted(first_calls, key=lambda who: first_calls[who])
    assert [len(office.calls_to(who)) for who in first_calls] == [3, 3, 3, 3]


@SQLITE
async def test_the_order_of_escalation_is_a_setting(office: Office) -> None:
    await office.set_setting("escalation.order", "handler,leader")
    dispatcher = await office.bind("PD01")
    await office.dispatch_ticket("JS0001", grade="urgent")
    await office.advance("1h10m")
    await dispatcher.expect("工单 JS0001 已多次电话通知未接通，请人工联系")
    assert office.calls_to("D101") and office.calls_to("H102") == [] and office.calls_to("L101") == []


@SQLITE
async def test_a_stand_in_gets_the_messages_and_may_act(office: Office) -> None:
    away, liaison = await office.bind("H101"), await office.bind("L101")
    body = {"absent": "H101", "person": "L101", "from": "2026-11-09T08:00:00+08:00", "to": "2026-11-12T08:00:00+08:00"}
    made = await office.request("POST", "/stand-ins", "H101", body)  # people may name their own stand-in
    assert made.status == 201 and made["absent_name"] == "李建国"
    refused = await office.request("POST", "/stand-ins", "admin", {**body, "person": "H201"})
    assert (refused.status, refused.code) == (422, "cannot_stand_in")
    await office.dispatch_ticket("JS0001")
    card = await liaison.expect("【新工单】JS0001")
    await liaison.press(card, "签收")
    assert await office.state("JS0001") == "signed" and away.list_unexpected() == []
    ended = await office.request("POST", f"/stand-ins/{made['id']}/end", "L101", {})
    assert ended.status == 200
    await office.dispatch_ticket("JS0002")
    await away.expect("【新工单】JS0002")
    assert "JS0002" not in "".join(office.list_unexpected())


@SQLITE
async def test_a_persons_own_quiet_hours_hold_back_general_messages_and_no_urgent_ones(office: Office) -> None:
    handler = await office.bind("H101")
    quiet = await office.request("PUT", "/people/H101/quiet", "H101", {"from": "09:00", "to": "11:00"})
    assert quiet["quiet"] == "09:00-11:00"
    office.confirm_calls("H101")
    await office.dispatch_ticket("JS0001")
    await office.dispatch_ticket("JS0002", grade="urgent")
    await handler.expect("【紧急工单】JS0002")
    assert "JS0001" not in "".join(handler.list_unexpected())
    await office.advance_to(november(9, 11))
    await handler.expect("【新工单】JS0001")
    refused = await office.request("PUT", "/people/H101/quiet", "H101", {"from": "25:00", "to": "11:00"})
    assert (refused.status, refused.code) == (422, "bad_hours")
    assert (await office.request("PUT", "/people/H101/quiet", "H201", {})).status == 403


@SQLITE
async def test_a_persons_own_quiet_hours_hold_back_general_calls_as_well(office: Office) -> None:
    await office.request("PUT", "/people/H101/quiet", "H101", {"from": "09:00", "to": "10:00"})
    office.confirm_calls("H101", "H102")
    await office.dispatch_ticket("JS0001")  # nobody has a chat, so they are called at once
    await office.advance_to(november(9, 9, 59))
    assert office.calls_to("H101") == []
    await office.advance_to(november(9, 10, 1))
    assert len(office.calls_to("H101")) == 1
    await office.dispatch_ticket("JS0002", grade="urgent")
    assert len(office.calls_to("H101")) == 2


@SQLITE
async def test_gaps_in_the_institutions_roster_are_found_before_the_month_begins_with_their_times_B19(
    office: Office,
) -> None:

    async def find() -> list[tuple[str, str, dict[str, Any]]]:
        """Run the integrity checks; kind, subject and facts of what is amiss with a duty roster."""
        checks = office.application.services.integrity
        assert isinstance(checks, IntegrityChecks)
        await checks.check()
        return [(f.kind, f.subject, dict(f.facts)) for f in await checks.list_findings() if "roster" in f.kind]

    present = await office.request("GET", "/rosters", "dispatcher", month="2026-11")
    assert present["holes"] == [] and len(present["shifts"]) == 61, "the sample office has planned this month"
    await office.advance("17d")
    assert await find() != []  # five days before, by default
    await office.set_setting("roster.check_before", "3d")
    assert await find() == []
    await office.advance("2d")
    await office.set_setting("roster.round_the_clock", "false")
    assert await find() == []
    await office.set_setting("roster.round_the_clock", "true")
    assert [(kind, subject) for kind, subject, _ in await find()] == [("roster_missing", "M01")]
    day = datetime(2026, 12, 1, tzinfo=ZONE)
    while day.month == 12:
        begin, end = day.replace(tzinfo=None), (day + timedelta(days=1)).replace(tzinfo=None)
        if day.day != 15:
            await add_shift(office, begin.isoformat(), end.isoformat(), "PD01", unit="M01")
        day += timedelta(days=1)
    month = await office.request("GET", "/rosters", "dispatcher", month="2026-12")
    assert month["holes"] == [{"from": "2026-12-15T00:00:00+08:00", "to": "2026-12-16T00:00:00+08:00"}]
    [(kind, _, facts)] = await find()
    assert (kind, facts["count"], facts["hours"]) == ("roster_holes", 1, 24)
    await add_shift(office, "2026-12-15T00:00:00", "2026-12-16T00:00:00", "SH01", unit="M01")
    assert await find() == []


@SQLITE
async def test_a_month_is_planned_and_a_handover_written_on_the_console(office: Office) -> None:
    async with sign_in(office, "L101") as console:
        assert "本月尚未排班" in await console.get("/rosters", month="2026-11")
        common = {"unit": "U01", "month": "2026-11"}
        shift = {**common, "day": "2026-11-10", "begin": "20:00", "end": "08:00", "person": "H102", "deputy": ""}
        await console.post("/rosters/keep", **shift)
        page = await console.post("/rosters/note", **common, text="JS0001 待回电。")
    assert "20:00–11-11 08:00" in page and "JS0001 待回电。" in page and "本月有 2 处空档" in page
    assert page.count("未排班") == 2 and "11-11 – 11-30" in page and "11-12" not in page
    assert "—" not in page.partition('<ul class="list">')[2].partition("</ul>")[0]


@SQLITE
async def test_the_next_days_person_on_duty_takes_over_without_any_reload(office: Office) -> None:
    first, second = await office.bind("H101"), await office.bind("H102")
    office.confirm_calls("H101", "H102")
    await add_shift(office, "2026-11-09T00:00:00", "2026-11-10T00:00:00", "H101")
    await add_shift(office, "2026-11-10T00:00:00", "2026-11-11T00:00:00", "H102")
    await office.dispatch_ticket("JS0001", grade="urgent")
    await first.expect("【紧急工单】JS0001")
    await office.advance_to(november(10, 0, 1))
    await office.dispatch_ticket("JS0002", grade="urgent")
    await second.expect("【紧急工单】JS0002")
    assert not [text for text in first.list_unexpected() if "JS0002" in text]
