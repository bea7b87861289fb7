"""A person's chats are seen, ordered and ended by those with the right, by the API and on the console."""

from datetime import timedelta

from tests.web.browser import Browser
from tests.web.world import World

PHONE = "+8613800001001"


async def bind_twice(world: World) -> None:
    """Bind H1 on two networks, the second a day later."""
    people = world.services.people
    await world.request(
        "A1", "POST", "/people", {"code": "H1", "name": "李明", "unit": "U01", "role": "handler", "phone": PHONE}
    )
    for network in ("telegram", "feishu"):
        world.at += timedelta(days=1)
        opened = await people.create_binding_code("H1", "A1")
        await people.start_binding(network, "7", f"{network}-7", opened.code)
        await people.confirm_binding(network, "7", "7", PHONE)


async def test_a_person_is_shown_with_their_chats_and_never_the_account(world: World) -> None:
    await bind_twice(world)
    status, person = await world.request("L1", "GET", "/people/H1")
    assert status == 200 and person["bound"] == "feishu" and person["preferred_chat"] is None
    assert [(c["network"], c["how"]) for c in person["chats"]] == [("feishu", "code"), ("telegram", "code")]
    assert person["chats"][0]["since"] == world.at.isoformat() and "feishu-7" not in str(person)
    status, refused = await world.request("H9", "GET", "/people/H1")
    assert (status, refused["error"]["code"]) == (404, "unknown_person")


async def test_who_may_choose_and_end_a_chat(world: World) -> None:
    await bind_twice(world)
    wanted = {"network": "telegram"}
    for who, status in (("L1", 403), ("H9", 404), ("D1", 403), ("H1", 200), ("A1", 200)):
        assert (await world.request(who, "PUT", "/people/H1/chat-preference", wanted))[0] == status, who
    _, person = await world.request("H1", "GET", "/people/H1")
    assert person["preferred_chat"] == person["bound"] == "telegram"
    status, refused = await world.request("H1", "PUT", "/people/H1/chat-preference", {"network": "wecom"})
    assert (status, refused["error"]["code"]) == (422, "not_bound_there")
    for who, status in (("H1", 403), ("L1", 403), ("A1", 200), ("A1", 422)):
        assert (await world.request(who, "POST", "/people/H1/chats/telegram/end", {}))[0] == status, who
    _, person = await world.request("H1", "GET", "/people/H1")
    assert (person["bound"], [c["network"] for c in person["chats"]]) == ("feishu", ["feishu"])
    _, audit = await world.request("O1", "GET", "/audit?limit=50")
    events = [(e["who"], e["what"], e["about"]) for e in audit["items"]]
    assert events.count(("A1", "unbound", "H1")) == 1 and events.count(("H1", "chat_preferred", "H1")) == 1


async def test_the_page_of_a_person_lists_their_chats_and_changes_them(world: World, browser: Browser) -> None:
    await bind_twice(world)
    await browser.sign_in(world.keys["A1"])
    assert '<a class="no" href="/office/people/H1">李明</a>' in await browser.page("/office")
    page = await browser.page("/office/people/H1")
    assert page.index("feishu") < page.index("Telegram") and "绑定码" in page and "本人选择" not in page
    assert (await browser.post("/office/people/H1/chat-preference", network="telegram"))[0] == 303
    page = await browser.page(browser.sent_to)
    assert page.index('<span class="no">Telegram') < page.index('<span class="no">feishu') and "本人选择" in page
    assert (await browser.post("/office/people/H1/chats/telegram/end"))[0] == 303
    page = await browser.page(browser.sent_to)
    assert "已解除李明的Telegram绑定。" in page and '<span class="no">Telegram' not in page
    await browser.sign_in(world.keys["L1"])
    page = await browser.page("/office/people/H1")
    assert "解除绑定" not in page and "先用这个" not in page
    assert (await browser.post("/office/people/H1/chats/feishu/end"))[0] == 403
    await browser.page("/office/people/NOBODY", 404)
