"""联系诉求人 through every door: pressed in the chat, asked by API, seen on the timeline and in the console's books (P3, A11, B49)."""

import aiohttp

from tests.stories.office import CALLER, PHONES, Office


async def test_after_the_handler_presses_both_telephones_ring_and_the_contact_is_on_record(
    office: Office,
) -> None:
    handler = await office.bound("H101")
    await office.dispatched("T8001")
    await office.act("T8001", "sign", "H101")
    await office.settle()
    office.phone("H101").answer_with([])
    office.phone(CALLER).answer_with([])
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
    office.phone(CALLER).ring_out()
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


async def test_the_console_shows_the_button_the_costs_and_the_invalid_numbers(office: Office) -> None:
    office.town.phones.refusals[PHONES["H101"]] = 21211
    await office.dispatched("T8002", grade="urgent")
    await office.act("T8002", "sign", "H102")
    await office.settle()
    base = f"http://{office.house.config.host}:{office.house.config.port}"
    word = aiohttp.FormData({"word": await office.key("admin")}, default_to_multipart=True)
    async with office.http.post(f"{base}/sign-in", data=word, allow_redirects=False) as answer:
        seat = {"Cookie": answer.headers["Set-Cookie"].partition(";")[0], "Accept": "text/html"}
    async with office.http.get(f"{base}/tickets/T8002", headers=seat) as answer:
        page = await answer.text()
    assert answer.status == 200 and 'action="/tickets/T8002/bridge"' in page
    async with office.http.get(f"{base}/calls/costs", headers=seat) as answer:
        page = await answer.text()
    assert answer.status == 200 and "138****1001" in page and "21211" in page and "恢复拨打" in page
    [dead] = (await office.ask("GET", "/calls/dead-numbers", "dispatcher"))["items"]
    revived = await office.ask("POST", f"/calls/dead-numbers/{dead['key']}/revive", "admin", {})
    assert revived.status == 200, revived.body
    assert (await office.ask("GET", "/calls/dead-numbers"))["items"] == []
    await office.go("20m")  # the next contact, rung before somebody signed, is let go
