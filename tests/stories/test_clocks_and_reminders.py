"""One ticket and its time limits: who is reminded of what, when and how often, and what happens by itself."""

from datetime import timedelta

import pytest

from tests.stories.console import sign_in
from tests.stories.office import REQUESTER, SATISFIED, Office, november

SQLITE = pytest.mark.parametrize("engine", ["sqlite"], indirect=True)


async def list_message_kinds(office: Office, no: str) -> list[str]:
    """The kind of each message about a ticket."""
    return [message["kind"] for message in await office.list_items("/deliveries", ticket=no)]


async def list_supervisions(office: Office, no: str) -> list[object]:
    """The moves that put a ticket under supervision."""
    return [move for move in await office.list_moves(no) if move["verb"] == "supervise"]


@SQLITE
async def test_the_card_of_a_general_ticket_dispatched_on_a_saturday_comes_on_monday_at_half_past_eight(
    office: Office,
) -> None:
    handler = await office.bind("H101")
    office.confirm_calls("H101", "H102")
    await office.advance("5d1h")  # Saturday, ten o'clock
    await office.dispatch_ticket("JS0001")
    await office.dispatch_ticket("JS0002", grade="urgent")
    await handler.expect("【紧急工单】JS0002")
    await office.advance_to(november(16, 8, 29))
    assert "JS0001" not in "".join(office.list_unexpected())
    await office.advance_to(november(16, 8, 30))
    await handler.expect("【新工单】JS0001")
    await office.advance("30m")


@SQLITE
async def test_a_handler_who_has_not_contacted_the_requester_is_reminded_and_then_their_liaison_A11(
    office: Office,
) -> None:
    handler, liaison = await office.bind("H101"), await office.bind("L101")
    await office.dispatch_ticket("JS0001")
    await office.dispatch_ticket("JS0002")
    for no in ("JS0001", "JS0002"):
        await handler.press(await handler.expect(f"【新工单】{no}"), "签收")
    await office.act("JS0002", "contact", "H101", way="phone", reached=True, note="已通话")
    await office.advance_to(november(10, 17, 1))
    await handler.expect("工单 JS0001 已签收，但尚未登记联系诉求人")
    assert liaison.list_unexpected() == []
    await office.advance_to(november(11, 10, 31))
    await liaison.expect("工单 JS0001 已签收，但尚未登记联系诉求人")
    assert "contact_reminder" not in await list_message_kinds(office, "JS0002")


@SQLITE
async def test_a_snoozed_reminder_comes_again_and_the_last_one_comes_all_the_same(office: Office) -> None:
    handler = await office.bind("H101")
    office.confirm_calls("H101", "H102")
    await office.set_setting("remind.snooze", "30m")
    await office.dispatch_ticket("JS0001")
    await handler.expect("【新工单】JS0001")
    await office.advance_to(november(10, 10, 1))
    first = await handler.expect("尚未签收")
    await handler.press(first, "稍后提醒")
    await office.advance_to(november(10, 10, 30))
    assert not [text for text in office.list_unexpected() if "尚未签收" in text]
    await office.advance_to(november(10, 10, 33))
    assert len([text for text in office.list_unexpected() if "尚未签收" in text]) == 1
    await office.advance_to(november(10, 15, 1))
    await handler.expect("尚未签收")
    await handler.expect("尚未签收")


@SQLITE
async def test_when_the_next_reminder_comes_the_earlier_one_loses_its_buttons(office: Office) -> None:
    handler = await office.bind("H101")
    office.confirm_calls("H101", "H102")
    await office.dispatch_ticket("JS0001")
    await handler.expect("【新工单】JS0001")
    await office.advance_to(november(10, 10, 1))
    first = await handler.expect("尚未签收")
    assert first.buttons
    await office.advance_to(november(10, 15, 1))
    second = await handler.expect("尚未签收")
    assert first.buttons == [] and "请以新提醒为准" in first.text
    await handler.press(second, "签收")
    assert await office.state("JS0001") == "signed"


@SQLITE
async def test_more_than_five_due_tickets_of_one_person_come_as_one_digest_at_its_hour_M5(office: Office) -> None:
    handler = await office.bind("H101")
    office.confirm_calls("H101")
    for number in range(7):
        await office.dispatch_ticket(f"JS000{number}")
        await handler.expect(f"【新工单】JS000{number}")
    await office.advance_to(november(10, 13, 59))  # the reminders of ten o'clock wait for the digest
    assert not [text for text in office.list_unexpected() if "尚未签收" in text]
    await office.advance_to(november(10, 14, 0))
    await handler.expect("今日待办 7 件")


@SQLITE
async def test_a_red_card_left_alone_is_supervised_automatically_and_silence_is_reported_T17(office: Office) -> None:
    handler, supervisor = await office.bind("H101"), await office.bind("DB01")
    office.confirm_calls("H101", "H102")
    await office.set_setting("supervise.auto.red_after", "1wd")
    await office.dispatch_ticket("JS0001", category="consult")
    await handler.press(await handler.expect("【新工单】JS0001"), "签收")
    await office.advance_to(november(11, 17, 1))  # due, and red
    assert "supervised" not in await office.flags("JS0001")
    await office.advance_to(november(12, 17, 30))
    assert "supervised" in await office.flags("JS0001")
    await office.advance_to(november(13, 9, 0))
    await handler.expect("【督办】JS0001")
    await office.advance_to(november(16, 9, 0))
    await supervisor.expect("督办 JS0001")
    assert len(await list_supervisions(office, "JS0001")) == 1


@SQLITE
async def test_a_ticket_exposed_by_the_media_is_supervised_once_the_ledger_line_is_accepted_T17(office: Office) -> None:
    handler = await office.bind("H101")
    await office.dispatch_ticket("JS0001")
    await handler.press(await handler.expect("【新工单】JS0001"), "签收")
    await office.set_setting("supervise.auto.exposed_after", "3wh")
    row = {"kind": "exposure", "unit": "U01", "month": "2026-11", "tickets": ["JS0001"], "note": "市电视台报道"}
    made = await office.request("POST", "/ledger", "clerk", row)
    assert made.status == 201, made.body
    await office.advance("2h")
    assert "supervised" not in await office.flags("JS0001")  # nobody has accepted the line yet
    accepted = await office.request("POST", f"/ledger/{made['id']}/review", "admin", {"accept": True})
    assert accepted.status == 200, accepted.body
    await office.advance_to(november(9, 15, 55))
    assert "supervised" not in await office.flags("JS0001")
    await office.advance_to(november(9, 16, 15))  # accepted at eleven: three office hours end at four
    await handler.expect("该诉求被媒体曝光，系统自动督办")
    await office.act("JS0001", "report_progress", "H101", text="已到现场维修")
    await office.advance("1d")
    assert len(await list_supervisions(office, "JS0001")) == 1


@SQLITE
async def test_an_office_that_chose_never_supervises_nothing_automatically(office: Office) -> None:
    office.confirm_calls("H101", "H102")
    handler = await office.bind("H101")
    await office.set_setting("supervise.auto.red_after", "never")
    await office.dispatch_ticket("JS0001", category="consult")
    await handler.press(await handler.expect("【新工单】JS0001"), "签收")
    await office.advance("9d")
    assert "supervised" not in await office.flags("JS0001")


@SQLITE
async def test_an_explained_close_is_checked_again_on_its_day_A25_XM3(office: Office) -> None:
    handler, liaison = await office.bind("H101"), await office.bind("L101")
    office.phone(REQUESTER).answer_with(SATISFIED)
    await office.dispatch_ticket("JS0001")
    await handler.press(await handler.expect("【新工单】JS0001"), "签收")
    await office.act("JS0001", "contact", "H101", way="phone", reached=True, note="已说明")
    await office.act(
        "JS0001", "close", "H101", close_type="explained_unresolvable", text="管线改造计划于明年春季实施。", way="phone",
        explanation="受管线改造工期所限", revisit_on="2026-11-20", feedback="知道了", no_objection=True,
    )  # fmt: skip
    await office.act("JS0001", "decide_close", "supervisor", accept=True, reason="情况属实")
    await office.advance_to(november(20, 8, 0))
    assert not [text for text in office.list_unexpected() if "复核" in text]
    await office.advance_to(november(20, 9, 0))
    for person in (handler, liaison):
        assert "受管线改造工期所限" in (await person.expect("约定今日复核")).text
    await office.advance("2d")
    assert (await list_message_kinds(office, "JS0001")).count("recheck_today") == 2
    duty = next(d for d in await office.list_items("/tickets/JS0001/duties") if d["kind"] == "supervise")
    assert duty["outcome"] is None
    await office.act("JS0001", "report_progress", "H101", text="管线改造已排入明年三月计划，已告知诉求人")


async def test_every_kind_of_duty_is_opened_met_and_judged_B16(office: Office) -> None:
    await office.set_setting("reply.limit", "3wd")
    await office.sign_ticket("JS0001", by="H101")
    await office.act("JS0001", "contact", "H101", way="phone", reached=True, note="已通话")
    await office.act("JS0001", "supervise", "supervisor", reason="请加快",
                     due_at=(office.now + timedelta(days=1)).isoformat())  # fmt: skip
    await office.act("JS0001", "report_progress", "H101", text="已约维修")
    await office.advance_to(november(13, 9, 0))  # past the reply's limit, before the closing's
    await office.act("JS0001", "reply", "H101", text="已派人维修，路灯恢复。", way="phone")
    await office.act("JS0001", "close", "H101", close_type="solved", feedback="满意", no_objection=True)
    found = await office.list_items("/tickets/JS0001/duties")
    duties = {d["kind"]: (d["outcome"], d["due_at"][:16]) for d in found}
    assert duties["dispatch"] == ("timely", "2026-11-09T21:00") and duties["sign"] == ("timely", "2026-11-10T17:00")
    assert duties["contact"][0] == "timely" and duties["supervise"][0] == "timely"
    assert duties["reply"] == ("late", "2026-11-12T17:00") and duties["close"] == ("timely", "2026-11-16T17:00")
    assert duties["return"][0] == "void" and duties["revisit"][0] is None
    items = (await office.request("GET", "/tickets/JS0001/timeline"))["items"]
    assert [i["at"] for i in items] == sorted(i["at"] for i in items)
    shown = {i["kind"]: (i["outcome"], i["due_at"][:16]) for i in items if i["type"] == "duty"}
    assert shown == duties


@SQLITE
async def test_a_changed_limit_or_working_day_shows_which_deadlines_it_moves_and_then_moves_them_once(
    office: Office,
) -> None:
    handler = await office.bind("H101")
    office.confirm_calls("H101", "H102")
    await office.dispatch_ticket("JS0001")  # help: five working days
    await office.create_ticket("JS0002")
    await office.act("JS0002", "dispatch", "dispatcher", unit="U02", close_due_at="2026-11-20T12:00:00+08:00")
    card = await handler.expect("【新工单】JS0001")
    change = {"settings": {"close.limit.help": "4wd"}, "days": {"2026-11-10": False}}
    shown = await office.request("POST", "/recompute/preview", "admin", change)
    moved = {(x["kind"], x["due_at"][5:16], x["new_due_at"][5:16]) for x in shown["items"] if x["ticket"] == "JS0001"}
    assert moved == {
        ("sign", "11-10T17:00", "11-11T17:00"),
        ("return", "11-10T17:00", "11-11T17:00"),
        ("contact", "11-10T17:00", "11-11T17:00"),
    }  # four working days, one of them a day off: the closing stays where it was
    assert {x["kind"] for x in shown["items"] if x["ticket"] == "JS0002"} == {"sign", "return", "contact"}
    assert (await office.lead("JS0001"))["sign_due_at"] == "2026-11-10T17:00:00+08:00"  # nothing was written
    assert (await office.request("POST", "/recompute/apply", "dispatcher", change)).status == 403
    done = await office.request("POST", "/recompute/apply", "admin", change)
    assert (done["count"], done["passed_over"]) == (shown["count"], 0)
    assert (await office.lead("JS0001"))["sign_due_at"] == "2026-11-11T17:00:00+08:00"
    assert (await office.request("GET", "/settings"))["close.limit.help"] == "4wd"
    await office.settle()
    assert "请于 11月11日（周三）17:00 前签收" in card.text  # the card says so too
    assert (await office.request("POST", "/recompute/preview", "admin", change))["count"] == 0
    await office.advance_to(november(10, 17, 30))
    assert await office.state("JS0001") == "dispatched"
    await office.advance_to(november(11, 17, 1))
    assert await office.state("JS0001") == "signed"
    verbs = [move["verb"] for move in await office.list_moves("JS0001")]
    assert [verb for verb in verbs if verb in ("recompute", "auto_sign")] == ["recompute", "auto_sign"]
    audited = {entry["what"] for entry in await office.list_items("/audit")}
    assert {"setting", "calendar", "recomputed"} <= audited


@SQLITE
async def test_the_console_shows_which_deadlines_a_changed_limit_or_working_day_moves_before_it_is_saved(
    office: Office,
) -> None:
    await office.bind("H101")
    await office.dispatch_ticket("JS0001")
    async with sign_in(office, "admin") as console:
        limit = {"key": "close.limit.help", "value": "4wd"}
        shown = await console.post("/settings", **limit)
        assert (
            "将调整 1 件工单的 2 项未到期时限" in shown
            and "JS0001" in shown
            and "5个工作日 → <b>4个工作日</b>" in shown
        )
        assert (await office.request("GET", "/settings"))["close.limit.help"] == "5wd"
        await console.post("/settings", **limit, how="later")
        assert (await office.request("GET", "/settings"))["close.limit.help"] == "4wd"
        assert (await office.lead("JS0001"))["close_due_at"][:10] == "2026-11-16"  # only tickets to come
        assert "改动预览" not in await console.post("/settings", key="remind.snooze", value="45m")  # moves nothing
        day = {"day": "2026-11-10", "value": "off"}
        assert "项未到期时限" in await console.post("/settings", **day)
        assert "2026-11-10　不上班" in await console.post("/settings", **day, how="open")
        assert (await office.lead("JS0001"))["sign_due_at"][:10] == "2026-11-11"
        page = await console.get("/tickets/JS0001")
        assert "各项时限" in page and "（含 1 天非工作日）" in page


@SQLITE
async def test_the_time_left_names_the_working_saturday_and_the_days_off_in_between(office: Office) -> None:
    office.confirm_calls("H101", "H102")
    await office.request("POST", "/recompute/apply", "admin", {"days": {"2026-11-14": True}})
    await office.advance_to(november(13, 10))
    await office.create_ticket("JS0001", category="consult")
    await office.act("JS0001", "dispatch", "dispatcher", unit="U01")
    left = {d["kind"]: d["left"] for d in await office.list_items("/tickets/JS0001/duties")}
    assert left["sign"].endswith("（周六 11 月 14 日上班）")
    await office.request("POST", "/recompute/apply", "admin", {"days": {"2026-11-14": False}})
    left = {d["kind"]: d["left"] for d in await office.list_items("/tickets/JS0001/duties")}
    assert left["sign"].endswith("（含 2 天非工作日）")
    await office.advance("30m")


@SQLITE
async def test_a_ticket_left_unsatisfied_is_supervised_automatically_T17(office: Office) -> None:
    handler = await office.bind("H101")
    await office.set_setting("supervise.auto.unsatisfied_after", "1wd")
    await office.dispatch_ticket("JS0001")
    await handler.press(await handler.expect("【新工单】JS0001"), "签收")
    await office.act("JS0001", "close", "H101", text="已修复，请查看。", feedback="仍不满意")
    await office.act("JS0001", "visit", "agent", kind="manual", answer="unsatisfied", note="路灯仍不亮")
    await office.advance_to(november(10, 16, 30))
    assert "supervised" not in await office.flags("JS0001")
    await office.advance_to(november(10, 17, 30))
    assert "supervised" in await office.flags("JS0001")
