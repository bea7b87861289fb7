"""The whole life of one general petition, through the doors that people use: chat, telephone, API and command line."""

import time

from tests.stories.office import CALLER, Office


async def test_a_general_petition_goes_all_the_way_from_the_requester_to_the_score_sheet_and_back_to_the_requester(
    office: Office,
) -> None:
    first, second = await office.bound("H101"), await office.bound("H102")
    await office.dispatched("JS0001")
    card = await first.expect("【新工单】JS0001")
    other = await second.expect("【新工单】JS0001")
    assert "请于 11月10日（周二）17:00 前签收" in card.text
    assert card.buttons[:2] == ["签收", "查看详情"] and CALLER[3:] not in card.text

    begun = time.monotonic()
    toast = await first.press(card, "签收")
    assert time.monotonic() - begun < 1.0  # contract §6
    assert toast is not None and "已签收" in toast
    await office.settle()
    assert "李建国" in card.text and "李建国" in other.text  # every holder's card is redrawn
    assert "签收" not in card.buttons and "签收" not in other.buttons
    late = await office.lead("JS0001")
    assert (late["state"], late["signed"]) == ("signed", "manual")

    await first.reply(card, "答复 已更换灯泡，今晚恢复照明，并已电话告知诉求人。")
    await first.expect("答复已提交")
    await second.reply(other, "办结 诉求人表示认可")
    await second.expect("已办结：JS0001")
    await office.settle()
    assert await office.state("JS0001") == "closed"

    caller = office.phone(CALLER).answer_with(["1", "1", "1", "1", "1"])
    await office.go("3h50m")
    assert office.rung(CALLER) == []
    await office.go("1h30m")
    (rung,) = office.rung(CALLER)
    assert "14:00" <= rung.strftime("%H:%M") <= "14:10"  # four hours after nine is one, and the window opens at two
    assert "回访电话" in caller.heard and "路灯" not in caller.heard
    ticket = await office.ticket("JS0001")
    assert ticket["state"] == "finalized"

    timeline = (await office.ask("GET", "/tickets/JS0001/timeline"))["items"]
    verbs = [i["verb"] for i in timeline if i.get("verb")]
    assert verbs == ["create", "dispatch", "sign", "reply", "close", "start_visit", "visit"]
    (call,) = await office.items("/calls", ticket="JS0001")
    assert (call["purpose"], call["outcome"], call["to"]) == ("visit", "completed", "139****0001")

    scores = await office.ask("GET", "/scores", "clerk", month="2026-11", unit="U01")
    (sheet,) = scores["units"]
    lines = {line["item"]: line for line in sheet["lines"]}
    for item, good in (("sign", 1), ("on_time", 1), ("satisfaction", 1), ("red_card", 0), ("extension", 0)):
        assert (lines[item]["numerator"], lines[item]["denominator"]) == (good, 1), item
        assert [e["ticket"] for e in lines[item]["evidence"]] == ["JS0001"], item
    assert office.leftovers() == []
