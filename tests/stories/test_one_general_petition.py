"""The whole life of one general demand, by chat, telephone and API: from intake to the visit and the score sheet."""

import time

import pytest

from tests.stories.office import REQUESTER, SATISFIED, Office

BUSY = pytest.mark.parametrize("sample_tickets", [True], indirect=True)  # the office has other tickets as well


@BUSY
async def test_a_general_demand_goes_from_the_requester_to_the_unit_back_to_the_requester_and_onto_the_score_sheet(
    office: Office,
) -> None:
    first, second = await office.bind("H101"), await office.bind("H102")
    await office.dispatch_ticket("JS0001")
    card = await first.expect("【新工单】JS0001")
    other = await second.expect("【新工单】JS0001")
    assert "请于 11月10日（周二）17:00 前签收" in card.text
    assert card.buttons[:2] == ["签收", "查看详情"] and REQUESTER[3:] not in card.text

    begun = time.monotonic()
    toast = await first.press(card, "签收")
    assert time.monotonic() - begun < 1.0  # contract §6
    assert toast is not None and "已签收" in toast
    await office.settle()
    assert "李建国" in card.text and "李建国" in other.text  # everybody's card is updated
    assert "签收" not in card.buttons and "签收" not in other.buttons
    lead = await office.lead("JS0001")
    assert (lead["state"], lead["signed"]) == ("signed", "manual")

    await first.reply(card, "答复 已更换灯泡，今晚恢复照明，并已电话告知诉求人。")
    await first.expect("答复已提交")
    await second.reply(other, "办结 诉求人表示认可")
    await second.expect("已办结：JS0001")
    await office.settle()
    assert await office.state("JS0001") == "closed"

    requester = office.phone(REQUESTER).answer_with(SATISFIED)
    await office.advance("3h50m")
    assert office.calls_to(REQUESTER) == []
    await office.advance("1h30m")
    (called_at,) = office.calls_to(REQUESTER)
    # four hours after nine it is one o'clock; visiting hours begin at two
    assert "14:00" <= called_at.strftime("%H:%M") <= "14:10"
    assert "回访电话" in requester.heard and "路灯" not in requester.heard
    ticket = await office.ticket("JS0001")
    assert ticket["state"] == "finalized"

    assert [move["verb"] for move in await office.list_moves("JS0001")] == [
        "create",
        "dispatch",
        "sign",
        "reply",
        "close",
        "start_visit",
        "visit",
    ]
    (call,) = await office.list_items("/calls", ticket="JS0001")
    assert (call["purpose"], call["outcome"], call["to"]) == ("visit", "completed", "139****0001")

    scores = await office.request("GET", "/scores", "clerk", month="2026-11", unit="U01")
    (sheet,) = scores["units"]
    lines = {line["item"]: line for line in sheet["lines"]}
    for item, good in (("sign", 1), ("on_time", 1), ("satisfaction", 1), ("red_card", 0), ("extension", 0)):
        assert (lines[item]["numerator"], lines[item]["denominator"]) == (good, 1), item
        assert [e["ticket"] for e in lines[item]["evidence"]] == ["JS0001"], item
    assert office.list_unexpected() == []
