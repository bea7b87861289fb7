"""联系诉求人 through every door: pressed in the chat, asked by API, seen on the timeline and in the console's books (P3, A11, B49)."""

from tests.stories.office import CALLER, PHONES, Office


async def test_the_handler_presses_his_telephone_rings_then_the_requesters_and_the_contact_is_on_record(
    office: Office,
) -> None:
    handler = await office.bound("H101")
    await office.dispatched("T8001")
    await office.act("T8001", "sign", "H101")
    await office.settle()
    office.phone("H101").answers([])
    office.phone(CALLER).answers([])
    await handler.expect("T8001")
    card = await handler.expect("已签收", edit=True)
    await handler.press(card, "联系诉求人")
    await handler.expect("接听后为您接通诉求人")
    await office.settle()
    await handler.expect("已接通诉求人")
    legs = [(c.to, c.caller) for c in office.town.phones.calls.values()]
    own = office.town.phones.own_number
    assert legs == [(PHONES["H101"], own), (CALLER, own)]
    assert (await office.lead("T8001"))["contacted_at"] is not None
    [call] = await office.items("/calls", ticket="T8001")
    assert (call["purpose"], call["outcome"], call["dials"][0]["recorded"]) == ("bridge", "completed", True)
    assert call["dials"][0]["script_version"] == 1 and CALLER[-8:] not in str(call)
    office.phone(CALLER).does_not_answer()
    for _ in range(3):
        begun = await office.ask("POST", "/tickets/T8001/bridge", "H101", {})
        assert begun.status == 202 and begun["to"] == "138****1001", begun.body
        await office.settle()
    found = await office.ask("GET", "/tickets/T8001/bridge", "H101")
    assert (found["unreached"], found["exempt"]) == (3, False)  # he had been reached before
    moves = [m for m in (await office.ask("GET", "/tickets/T8001/timeline"))["items"] if m["type"] == "move"]
    assert [(m["source"], m["words"]["reached"]) for m in moves if m["verb"] == "contact"] == [
        ("phone", True), ("phone", False), ("phone", False), ("phone", False),
    ]  # fmt: skip
    foreign = await office.ask("POST", "/tickets/T8001/bridge", "H201", {})
    assert foreign.status == 404
    costs = await office.ask("GET", "/calls/costs", "supervisor")
    assert {(i["unit"], i["purpose"], i["attempts"]) for i in costs["items"]} == {("U01", "bridge", 4)}
    await office.in_order()
