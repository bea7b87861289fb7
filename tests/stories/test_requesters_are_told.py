"""Callers are told in short messages what concerns them: a reply (S4), a longer limit (S5, A24, T14)."""

from datetime import datetime, timedelta

import pytest

from tests.stories.office import CALLER, Office

SQLITE = pytest.mark.parametrize("engine", ["sqlite"], indirect=True)


async def _set(office: Office, key: str, value: str) -> None:
    assert (await office.ask("PUT", f"/settings/{key}", "admin", {"value": value})).status == 200


async def _extended(office: Office, accept: bool, **more: str) -> None:
    """A handler asks for two more days, and the office decides."""
    await office.bound("H101")
    await office.bound("SH01")
    await office.dispatched("JS0001")
    await office.act("JS0001", "sign", "H101")
    due = datetime.fromisoformat((await office.lead("JS0001"))["close_due_at"])
    informed = {"at": office.now.isoformat(), "way": "phone"}
    await office.act(
        "JS0001", "extend", "H101", new_due_at=(due + timedelta(days=2)).isoformat(), reason="找张三13800001111核实后再办",
        requester_informed=informed, **more,
    )  # fmt: skip
    await office.act("JS0001", "decide_extension", "reviewer", accept=accept, reason="同意" if accept else "不必")
    await office.settle()


async def test_requesters_learn_of_a_granted_extension_with_its_reason_from_the_list_and_the_new_day_S5(
    office: Office,
) -> None:
    await _extended(office, True, reason_class="materials")
    (text,) = office.phone(CALLER).sms
    assert text.body.startswith("【12345热线】您反映的事项（编号JS0001）因需补充材料需延期至")
    assert "张三" not in text.body and "138" not in text.body and len(text.body) <= 70
    due = datetime.fromisoformat((await office.lead("JS0001"))["close_due_at"])
    assert f"{due.month}月{due.day}日" in text.body.replace(" ", "")
    await office.go("2h")
    assert len(office.phone(CALLER).sms) == 1


@SQLITE
async def test_an_office_that_does_not_want_messages_about_extensions_sends_none(office: Office) -> None:
    await _set(office, "caller_text.extension", "false")
    await _extended(office, True)
    assert office.phone(CALLER).sms == []


@SQLITE
async def test_a_refused_extension_sends_no_message(office: Office) -> None:
    await _extended(office, False)
    assert office.phone(CALLER).sms == []


@SQLITE
async def test_requesters_learn_of_a_reply_once_where_the_office_wants_it_S4(office: Office) -> None:
    await _set(office, "caller_text.reply", "true")
    await office.bound("H101")
    await office.dispatched("JS0001")
    await office.act("JS0001", "sign", "H101")
    await office.act("JS0001", "reply", "H101", text="路灯已修复。", way="phone")
    await office.act("JS0001", "close", "H101", feedback="满意", no_objection=True)
    await office.settle()
    (text,) = office.phone(CALLER).sms
    assert text.body == "【12345热线】您反映的事项（编号JS0001）已由承办单位答复。如有疑问可拨打12345。"


@SQLITE
async def test_no_message_about_a_reply_is_sent_unless_the_office_wants_it(office: Office) -> None:
    await office.bound("H101")
    await office.dispatched("JS0001")
    await office.act("JS0001", "sign", "H101")
    await office.act("JS0001", "close", "H101", text="路灯已修复。", feedback="满意", no_objection=True)
    await office.settle()
    assert office.phone(CALLER).sms == []
