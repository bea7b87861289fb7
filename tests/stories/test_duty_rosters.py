"""Who is on duty is told, and nobody else; who is away is stood in for; a roster's holes are seen before the month."""

from datetime import datetime, timedelta

import aiohttp
import pytest

from tests.stories.office import ZONE, Office

SQLITE = pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
ROSTER = """单位,值班人员,副班,日期,班次
U01,H102,H101,2026-11-09,17:00-08:30
U01,王大力,,2026-11-10,08:00-20:00
U01,H201,,2026-11-11,08:00-20:00
U09,H101,,2026-11-12,08:00-20:00
U01,H101,,2026-11-12,
"""


async def brought(office: Office, text: str, kind: str = "roster", who: str = "admin") -> dict[str, object]:
    """A file handed in through the API."""
    form = aiohttp.FormData()
    form.add_field("file", text.encode(), filename="值班.csv", content_type="text/csv")
    url = f"http://{office.house.config.host}:{office.house.config.port}/api/v1/imports/{kind}"
    headers = {"Authorization": f"Bearer {await office.key(who)}"}
    async with office.http.post(url, data=form, headers=headers) as answer:
        report = dict(await answer.json())
        assert answer.status == 200, report
        return report


async def shift(
    office: Office, begin: str, end: str, person: str, deputy: str | None = None, unit: str = "U01"
) -> None:
    body = {"unit": unit, "person": person, "deputy": deputy, "from": f"{begin}+08:00", "to": f"{end}+08:00"}
    made = await office.ask("POST", "/rosters", "admin", body)
    assert made.status == 201, made.body


@SQLITE
async def test_a_duty_roster_is_imported_from_a_file_and_each_refused_row_says_why(office: Office) -> None:
    report = await brought(office, ROSTER)
    assert (report["read"], report["imported"], report["already"]) == (5, 2, 0)
    refused = [(r["row"], r["field"], r["code"]) for r in report["refused"]]  # type: ignore[attr-defined]
    assert refused == [(3, "person", "unknown_person"), (4, "person", "not_of_unit"), (5, "unit", "unknown_unit")]
    again = await brought(office, ROSTER)
    assert (again["imported"], again["already"]) == (0, 2)
    month = await office.ask("GET", "/rosters", "L101", unit="U01", month="2026-11")
    spans = [(s["from"], s["to"], s["person"], s["deputy"]) for s in month["shifts"]]
    assert spans == [
        ("2026-11-09T17:00:00+08:00", "2026-11-10T08:30:00+08:00", "H102", "H101"),
        ("2026-11-12T00:00:00+08:00", "2026-11-13T00:00:00+08:00", "H101", None),
    ]
    assert (await office.ask("GET", "/rosters", "L201", unit="U01", month="2026-11")).status == 404


async def test_at_night_an_urgent_ticket_reaches_the_person_on_duty_alone_and_without_a_roster_all_handlers_Q25(
    office: Office,
) -> None:
    first, second, liaison = await office.bound("H101"), await office.bound("H102"), await office.bound("L101")
    await shift(office, "2026-11-09T17:00:00", "2026-11-10T08:30:00", "H102")
    for who in ("H101", "H102"):
        office.phone(who).answer_with(["1"])
    await office.until(datetime(2026, 11, 9, 23, 0, tzinfo=ZONE))
    await office.dispatched("JS0001", grade="urgent")
    await second.expect("【紧急工单】JS0001")
    assert len(office.rung("H102")) == 1 and office.rung("H101") == []
    await office.until(datetime(2026, 11, 10, 1, 30, tzinfo=ZONE))  # past the hour's reminder and the auto-sign
    await second.expect("尚未签收")
    await second.expect("系统已于")
    assert first.list_unexpected() == [] and liaison.list_unexpected() == []
    await office.until(datetime(2026, 11, 10, 9, 0, tzinfo=ZONE))  # nobody is on duty now: as before
    await office.dispatched("JS0002", grade="urgent")
    await first.expect("【紧急工单】JS0002")
    await second.expect("【紧急工单】JS0002")


@SQLITE
async def test_after_the_person_on_duty_come_their_deputy_the_handler_the_liaison_and_the_leader_Q42(
    office: Office,
) -> None:
    dispatcher = await office.bound("PD01")
    await shift(office, "2026-11-09T08:00:00", "2026-11-09T20:00:00", "L101", "H102")
    await office.dispatched("JS0001", grade="urgent")
    await office.go("1h10m")
    await dispatcher.expect("工单 JS0001 已多次电话通知未接通，请人工联系")
    begun = {who: office.rung(who)[0] for who in ("L101", "H102", "H101", "D101")}
    assert list(begun) == sorted(begun, key=lambda who: begun[who])
    assert [len(office.rung(who)) for who in begun] == [3, 3, 3, 3]


@SQLITE
async def test_the_order_of_escalation_is_a_setting(office: Office) -> None:
    set_ = await office.ask("PUT", "/settings/escalation.order", body={"value": "handler,leader"})
    assert set_.status == 200
    dispatcher = await office.bound("PD01")
    await office.dispatched("JS0001", grade="urgent")
    await office.go("1h10m")
    await dispatcher.expect("工单 JS0001 已多次电话通知未接通，请人工联系")
    assert office.rung("D101") and office.rung("H102") == [] and office.rung("L101") == []


@SQLITE
async def test_a_stand_in_gets_the_messages_and_may_act(office: Office) -> None:
    away, liaison = await office.bound("H101"), await office.bound("L101")
    body = {"absent": "H101", "person": "L101", "from": "2026-11-09T08:00:00+08:00", "to": "2026-11-12T08:00:00+08:00"}
    made = await office.ask("POST", "/stand-ins", "H101", body)  # a person may name his own
    assert made.status == 201 and made["absent_name"] == "李建国"
    refused = await office.ask("POST", "/stand-ins", "admin", {**body, "person": "H201"})
    assert (refused.status, refused.code) == (422, "cannot_stand_in")
    await office.dispatched("JS0001")
    card = await liaison.expect("【新工单】JS0001")
    await liaison.press(card, "签收")
    assert await office.state("JS0001") == "signed" and away.list_unexpected() == []
    ended = await office.ask("POST", f"/stand-ins/{made['id']}/end", "L101", {})
    assert ended.status == 200
    await office.dispatched("JS0002")
    await away.expect("【新工单】JS0002")
    assert "JS0002" not in "".join(office.leftovers())


@SQLITE
async def test_a_persons_own_quiet_hours_hold_back_general_messages_and_no_urgent_ones(office: Office) -> None:
    handler = await office.bound("H101")
    quiet = await office.ask("PUT", "/people/H101/quiet", "H101", {"from": "09:00", "to": "11:00"})
    assert quiet["quiet"] == "09:00-11:00"
    office.phone("H101").answer_with(["1"])
    await office.dispatched("JS0001")
    await office.dispatched("JS0002", grade="urgent")
    await handler.expect("【紧急工单】JS0002")
    assert "JS0001" not in "".join(handler.list_unexpected())
    await office.until(datetime(2026, 11, 9, 11, 0, tzinfo=ZONE))
    await handler.expect("【新工单】JS0001")
    bad = await office.ask("PUT", "/people/H101/quiet", "H101", {"from": "25:00", "to": "11:00"})
    assert (bad.status, bad.code) == (422, "bad_hours")
    assert (await office.ask("PUT", "/people/H101/quiet", "H201", {})).status == 403


@SQLITE
async def test_a_persons_own_quiet_hours_hold_back_general_calls_as_well(office: Office) -> None:
    await office.ask("PUT", "/people/H101/quiet", "H101", {"from": "09:00", "to": "10:00"})
    for who in ("H101", "H102"):
        office.phone(who).answer_with(["1"])
    await office.dispatched("JS0001")  # nobody is bound: the telephone at once
    await office.until(datetime(2026, 11, 9, 9, 59, tzinfo=ZONE))
    assert office.rung("H101") == []
    await office.until(datetime(2026, 11, 9, 10, 1, tzinfo=ZONE))
    assert len(office.rung("H101")) == 1
    await office.dispatched("JS0002", grade="urgent")
    assert len(office.rung("H101")) == 2


@SQLITE
async def test_gaps_in_the_institutions_roster_are_found_before_the_month_begins_with_their_times_B19(
    office: Office,
) -> None:
    auditor = office.house.services.integrity
    assert auditor is not None
    present = await office.ask("GET", "/rosters", "dispatcher", month="2026-11")
    assert present["holes"] == [] and len(present["shifts"]) == 61, "the rehearsal begins with this month planned"
    await office.go("17d")
    await auditor.check()  # type: ignore[attr-defined]
    assert [f for f in await auditor.list_findings() if "roster" in f.kind]  # five days before, by default
    await office.ask("PUT", "/settings/roster.check_before", body={"value": "3d"})
    await auditor.check()  # type: ignore[attr-defined]
    assert [f for f in await auditor.list_findings() if "roster" in f.kind] == []
    await office.go("2d")
    await office.ask("PUT", "/settings/roster.round_the_clock", body={"value": "false"})
    await auditor.check()  # type: ignore[attr-defined]
    assert [f for f in await auditor.list_findings() if "roster" in f.kind] == []
    await office.ask("PUT", "/settings/roster.round_the_clock", body={"value": "true"})
    await auditor.check()  # type: ignore[attr-defined]
    assert [(f.kind, f.subject) for f in await auditor.list_findings() if "roster" in f.kind] == [
        ("roster_missing", "M01")
    ]
    day = datetime(2026, 12, 1, tzinfo=ZONE)
    while day.month == 12:
        begin, end = day.replace(tzinfo=None), (day + timedelta(days=1)).replace(tzinfo=None)
        if day.day != 15:
            await shift(office, begin.isoformat(), end.isoformat(), "PD01", unit="M01")
        day += timedelta(days=1)
    month = await office.ask("GET", "/rosters", "dispatcher", month="2026-12")
    assert month["holes"] == [{"from": "2026-12-15T00:00:00+08:00", "to": "2026-12-16T00:00:00+08:00"}]
    await auditor.check()  # type: ignore[attr-defined]
    (found,) = [f for f in await auditor.list_findings() if "roster" in f.kind]
    assert (found.kind, found.facts["count"], found.facts["hours"]) == ("roster_holes", 1, 24)
    await shift(office, "2026-12-15T00:00:00", "2026-12-16T00:00:00", "SH01", unit="M01")
    await auditor.check()  # type: ignore[attr-defined]
    assert [f for f in await auditor.list_findings() if "roster" in f.kind] == []


@SQLITE
async def test_a_month_is_planned_and_a_handover_written_on_the_console(office: Office) -> None:
    url = f"http://{office.house.config.host}:{office.house.config.port}"
    async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as browser:
        form = aiohttp.FormData({"word": await office.key("L101")}, default_to_multipart=True)
        async with browser.post(f"{url}/sign-in", data=form, headers={"Origin": url}) as answer:
            assert answer.status == 200
        async with browser.get(f"{url}/rosters?month=2026-11") as answer:
            text = await answer.text()
        assert "本月尚未排班" in text
        csrf = text.partition('name="csrf" value="')[2].partition('"')[0]
        common = {"csrf": csrf, "unit": "U01", "month": "2026-11"}
        kept = {**common, "day": "2026-11-10", "begin": "20:00", "end": "08:00", "person": "H102", "deputy": ""}
        for what, said in (("keep", kept), ("note", {**common, "text": "JS0001 待回电。"})):
            form = aiohttp.FormData(said, default_to_multipart=True)
            async with browser.post(f"{url}/rosters/{what}", data=form, headers={"Origin": url}) as answer:
                text = await answer.text()
                assert answer.status == 200, text
        assert "20:00–11-11 08:00" in text and "JS0001 待回电。" in text and "本月有 2 处空档" in text
        assert text.count("未排班") == 2 and "11-11 – 11-30" in text and "11-12" not in text
        assert "—" not in text.partition('<ul class="list">')[2].partition("</ul>")[0]


@SQLITE
async def test_the_next_days_person_on_duty_takes_over_without_any_reload(office: Office) -> None:
    first, second = await office.bound("H101"), await office.bound("H102")
    for who in ("H101", "H102"):
        office.phone(who).answer_with(["1"])
    await shift(office, "2026-11-09T00:00:00", "2026-11-10T00:00:00", "H101")
    await shift(office, "2026-11-10T00:00:00", "2026-11-11T00:00:00", "H102")
    await office.dispatched("JS0001", grade="urgent")
    await first.expect("【紧急工单】JS0001")
    await office.until(datetime(2026, 11, 10, 0, 1, tzinfo=ZONE))
    await office.dispatched("JS0002", grade="urgent")
    await second.expect("【紧急工单】JS0002")
    assert not [text for text in first.list_unexpected() if "JS0002" in text]
