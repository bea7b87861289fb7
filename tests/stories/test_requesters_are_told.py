"""Requesters are told by SMS what concerns them: a reply (S4), a longer limit (S5, A24, T14)."""

from datetime import timedelta

import pytest

from tests.stories.office import REQUESTER, Office, november

SQLITE = pytest.mark.parametrize("engine", ["sqlite"], indirect=True)


async def decide_extension(
    office: Office, accept: bool, written: str = "找张三13800001111核实后再办", **more: str
) -> None:
    """A handler asks for two more days, and the office decides."""
    await office.bind("H101")
    await office.bind("SH01")
    await office.sign_ticket("JS0001", by="H101")
    due = await office.due("JS0001", "close")
    informed = {"at": office.now.isoformat(), "way": "phone"}
    await office.act(
        "JS0001", "extend", "H101", new_due_at=(due + timedelta(days=2)).isoformat(), reason=written,
        requester_informed=informed, **more,
    )  # fmt: skip
    await office.act("JS0001", "decide_extension", "reviewer", accept=accept, reason="同意" if accept else "不必")
    await office.settle()


async def test_a_requester_gets_an_sms_about_a_granted_extension_with_a_reason_from_the_list_and_the_new_day_S5(
    office: Office,
) -> None:
    await decide_extension(office, True, reason_class="materials")
    (sms,) = office.phone(REQUESTER).sms
    assert sms.body.startswith("【12345热线】您反映的事项（编号JS0001）因需补充材料，需延期至")
    assert "张三" not in sms.body and "138" not in sms.body and len(sms.body) <= 70
    due = await office.due("JS0001", "close")
    assert f"{due.month}月{due.day}日" in sms.body.replace(" ", "")
    await office.advance("2h")
    assert len(office.phone(REQUESTER).sms) == 1


@SQLITE
@pytest.mark.parametrize(
    ("reason", "read"),
    [
        ("因管道老化需整体更换。", "因管道老化需整体更换，需延期至"),
        ("等待检测结果，已电话告知诉求人", "因等待检测结果，需延期至"),
        ("找李明13800001111核实后再办", "138****1111"),
        ("需更换主变压器并重新敷设电缆，预计工期较长，另需协调物业、供电、社区三方", "需更换主变压器并重新敷设电缆，…"),
    ],
)
async def test_without_a_choice_from_the_list_the_requester_reads_the_approved_reason_XM12(
    office: Office, reason: str, read: str
) -> None:
    await decide_extension(office, True, written=reason)
    (sms,) = office.phone(REQUESTER).sms
    assert read in sms.body and "13800001111" not in sms.body and "情况较为复杂" not in sms.body
    assert len(sms.body) <= 70 and sms.body.endswith("敬请理解。")


@SQLITE
@pytest.mark.proves("caller_text.quiet")
@pytest.mark.parametrize(
    ("quiet", "read_at"), [(None, (10, 8, 0)), ("none", (9, 23, 58)), ("22:00-09:30", (10, 9, 30))]
)
async def test_a_text_waits_until_requesters_may_be_disturbed_XM12(
    office: Office, quiet: str | None, read_at: tuple[int, int, int]
) -> None:
    if quiet is not None:
        await office.set_setting("caller_text.quiet", quiet)
    await office.bind("H101")
    await office.sign_ticket("JS0001", by="H101")
    await office.advance_to(november(9, 23, 58))
    await office.act("JS0001", "reply", "H101", text="路灯已修复。", way="phone")
    await office.settle()
    then = november(*read_at)
    if then > office.now:
        assert office.phone(REQUESTER).sms == []
        await office.advance_to(then - timedelta(minutes=1))
        assert office.phone(REQUESTER).sms == []
        await office.advance_to(then + timedelta(minutes=1))
    assert len(office.phone(REQUESTER).sms) == 1


@SQLITE
async def test_a_text_of_a_longer_limit_is_not_sent_once_the_ticket_was_answered_S5(office: Office) -> None:
    await office.advance_to(november(9, 23, 0))
    await decide_extension(office, True)
    await office.act("JS0001", "reply", "H101", text="路灯已修复。", way="phone")
    await office.advance_to(november(10, 9))
    (sms,) = office.phone(REQUESTER).sms
    assert "已由承办单位答复" in sms.body


@SQLITE
async def test_a_text_of_a_reply_is_not_sent_once_the_ticket_went_back_to_its_unit_S4(office: Office) -> None:
    await office.bind("H101")
    await office.sign_ticket("JS0001", by="H101")
    await office.advance_to(november(9, 23, 0))
    await office.act("JS0001", "close", "H101", text="路灯已修复。", feedback="满意", no_objection=True)
    await office.settle()
    await office.act("JS0001", "send_back", "reviewer", reason="未附照片")
    await office.advance_to(november(10, 9))
    assert office.phone(REQUESTER).sms == []


@SQLITE
async def test_no_sms_about_an_extension_is_sent_where_the_office_wants_none(office: Office) -> None:
    await office.set_setting("caller_text.extension", "false")
    await decide_extension(office, True)
    assert office.phone(REQUESTER).sms == []


@SQLITE
async def test_nobody_gets_an_sms_about_a_refused_extension(office: Office) -> None:
    await decide_extension(office, False)
    assert office.phone(REQUESTER).sms == []


@SQLITE
async def test_a_requester_is_told_of_a_reply_unless_the_office_decides_otherwise_S4_XM26(office: Office) -> None:
    await office.bind("H101")
    await office.sign_ticket("JS0001", by="H101")
    await office.act("JS0001", "reply", "H101", text="路灯已修复。", way="phone")
    await office.act("JS0001", "close", "H101", feedback="满意", no_objection=True)
    await office.settle()
    (sms,) = office.phone(REQUESTER).sms
    assert sms.body == "【12345热线】您反映的事项（编号JS0001）已由承办单位答复。如有疑问可拨打12345。"


@SQLITE
async def test_no_sms_about_a_reply_is_sent_where_the_office_decided_so_XM26(office: Office) -> None:
    await office.set_setting("caller_text.reply", "false")
    await office.bind("H101")
    await office.sign_ticket("JS0001", by="H101")
    await office.act("JS0001", "close", "H101", text="路灯已修复。", feedback="满意", no_objection=True)
    await office.settle()
    assert office.phone(REQUESTER).sms == []
