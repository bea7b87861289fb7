"""A handler calls the requester (联系诉求人) from chat or API; timeline, call costs and console show it (P3, A11, B49)."""

from tests.stories.console import sign_in
from tests.stories.office import PHONES, REQUESTER, Office


async def test_after_the_button_is_pressed_both_telephones_ring_and_the_contact_is_recorded(office: Office) -> None:
    handler = await office.bind("H101")
    await office.sign_ticket("T8001", by="H101")
    office.phone("H101").answer_with([])
    office.phone(REQUESTER).answer_with([])
    await handler.expect("T8001")
    card = await handler.expect("已签收", edit=True)
    await handler.press(card, "联系诉求人")
    await handler.expect("接听后为您接通诉求人")
    await office.settle()
    await handler.expect("已接通诉求人")
    legs = [(c.to, c.caller) for c in office.simulator.phones.calls.values()]
    own_number = office.simulator.phones.own_number
    assert legs == [(PHONES["H101"], own_number), (REQUESTER, own_number)]
    assert (await office.lead("T8001"))["contacted_at"] is not None
    [call] = await office.list_items("/calls", ticket="T8001")
    assert (call["purpose"], call["outcome"], call["dials"][0]["recorded"]) == ("bridge", "completed", True)
    assert call["dials"][0]["script_version"] == 1 and REQUESTER[-8:] not in str(call)
    office.phone(REQUESTER).ring_out()
    for _ in range(3):
        begun = await office.request("POST", "/tickets/T8001/bridge", "H101", {})
        assert begun.status == 202 and begun["to"] == "138****1001", begun.body
        await office.settle()
    found = await office.request("GET", "/tickets/T8001/bridge", "H101")
    assert (found["unreached"], found["exempt"]) == (3, False)  # the requester had been reached before
    moves = await office.list_moves("T8001")
    assert [(m["source"], m["words"]["reached"]) for m in moves if m["verb"] == "contact"] == [
        ("phone", True), ("phone", False), ("phone", False), ("phone", False),
    ]  # fmt: skip
    foreign = await office.request("POST", "/tickets/T8001/bridge", "H201", {})
    assert foreign.status == 404
    costs = await office.request("GET", "/calls/costs", "supervisor")
    assert {(i["unit"], i["purpose"], i["attempts"]) for i in costs["items"]} == {("U01", "bridge", 4)}


async def test_the_console_shows_the_button_the_costs_and_the_invalid_numbers(office: Office) -> None:
    office.simulator.phones.refusals[PHONES["H101"]] = 21211
    await office.sign_ticket("T8002", by="H102", grade="urgent")
    async with sign_in(office, "admin") as console:
        assert 'action="/tickets/T8002/bridge"' in await console.get("/tickets/T8002")
        page = await console.get("/calls/costs")
    assert "138****1001" in page and "21211" in page and "恢复拨打" in page
    [invalid] = (await office.request("GET", "/calls/invalid-numbers", "dispatcher"))["items"]
    assert (await office.request("POST", "/tickets/T8002/bridge", "H101", {})).code == "number_dead"
    revived = await office.request("POST", f"/calls/invalid-numbers/{invalid['key']}/revive", "admin", {})
    assert revived.status == 200, revived.body
    assert (await office.request("GET", "/calls/invalid-numbers"))["items"] == []
    await office.advance("20m")  # the next contact, whose call was due before somebody signed, is not called
