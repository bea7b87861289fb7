"""Requesters are told by SMS what concerns them: a reply (S4), a longer limit (S5, A24, T14)."""

from datetime import timedelta

import pytest

from tests.stories.office import REQUESTER, Office

SQLITE = pytest.mark.parametrize("engine", ["sqlite"], indirect=True)


async def decide_extension(office: Office, accept: bool, **more: str) -> None:
    """A handler asks for two more days, and the office decides."""
    await office.bind("H101")
    await office.bind("SH01")
    await office.sign_ticket("JS0001", by="H101")
    due = await office.due("JS0001", "close")
    informed = {"at": office.now.isoformat(), "way": "phone"}
    await office.act(
        "JS0001", "extend", "H101", new_due_at=(due + timedelta(days=2)).isoformat(), reason="找张三13800001111核实后再办",
        requester_informed=informed, **more,
    )  # fmt: skip
    await office.act("JS0001", "decide_extension", "reviewer", accept=accept, reason="同意" if accept else "不必")
    await office.settle()


async def test_a_requester_gets_an_sms_about_a_granted_extension_with_a_reason_from_the_list_and_the_new_day_S5(
    office: Office,
) -> None:
    await decide_extension(office, True, reason_class="materials")
    (sms,) = office.phone(REQUESTER).sms
    assert sms.body.startswith("【12345热线】您反映的事项（编号JS0001）因需补充材料需延期至")
    assert "张三" not in sms.body and "138" not in sms.body and len(sms.body) <= 70
    due = await office.due("JS0001", "close")
    assert f"{due.month}月{due.day}日" in sms.body.replace(" ", "")
    await office.advance("2h")
    assert len(office.phone(REQUESTER).sms) == 1


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
async def test_a_requester_gets_one_sms_about_a_reply_where_the_office_wants_it_S4(office: Office) -> None:
    await office.set_setting("caller_text.reply", "true")
    await office.bind("H101")
    await office.sign_ticket("JS0001", by="H101")
    await office.act("JS0001", "reply", "H101", text="路灯已修复。", way="phone")
    await office.act("JS0001", "close", "H101", feedback="满意", no_objection=True)
    await office.settle()
    (sms,) = office.phone(REQUESTER).sms
    assert sms.body == "【12345热线】您反映的事项（编号JS0001）已由承办单位答复。如有疑问可拨打12345。"


@SQLITE
async def test_no_sms_about_a_reply_is_sent_unless_the_office_wants_it(office: Office) -> None:
    await office.bind("H101")
    await office.sign_ticket("JS0001", by="H101")
    await office.act("JS0001", "close", "H101", text="路灯已修复。", feedback="满意", no_objection=True)
    await office.settle()
    assert office.phone(REQUESTER).sms == []
