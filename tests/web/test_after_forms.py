"""After a form: what it brought forth is shown once and reloading it does nothing; a list keeps its filters."""

import pytest
from sqlalchemy import func, select

from storage import tables as t
from tests.web.browser import Browser, build_form
from tests.web.world import World

ONE_ENGINE = pytest.mark.parametrize("engine", ["sqlite"], indirect=True)


async def read_answers(world: World) -> list[bytes]:
    return [bytes(sealed) for sealed in await world.db.fetch_column(select(t.idempotency.c.answer_sealed))]


@ONE_ENGINE
async def test_reloading_what_was_shown_once_makes_no_second_one_XM30(world: World, browser: Browser) -> None:
    await world.close_ticket()
    await browser.sign_in(world.keys["A1"])
    page = "/tickets/T1"
    referer = {"Referer": str(world.client.make_url(page))}
    _, shown = await browser.post(f"{page}/rating-page", referer)
    assert "https://hotline.example/rate/" in shown and browser.sent_to.startswith("/shown/")
    once = browser.sent_to
    assert "https://hotline.example/rate/" not in await browser.page(once), "reloaded: the page it came from"
    assert "T1" in await browser.page(once)
    assert await world.db.fetch_value(select(func.count()).select_from(t.rating_pages)) == 1
    assert all(b"rate/" not in answer for answer in await read_answers(world)), "sealed"


@ONE_ENGINE
async def test_what_was_shown_to_one_is_shown_to_nobody_else_XS11(world: World, browser: Browser) -> None:
    await world.create_ticket()
    await browser.sign_in(world.keys["A1"])
    data = {"csrf": browser.csrf, "reason": "核实地址"}
    async with world.client.post("/tickets/T1/reveal", data=build_form(**data), allow_redirects=False) as answer:
        once = answer.headers["Location"]
        assert answer.status == 303 and "13912345678" not in await answer.text()
    await browser.sign_in(world.keys["D1"])
    assert "13912345678" not in await browser.page(once)
    await browser.page(f"/shown/{'0' * 32}")


@ONE_ENGINE
async def test_a_list_keeps_its_filters_after_a_form(world: World, browser: Browser) -> None:
    await browser.sign_in(world.keys["A1"])
    home = str(world.client.make_url("")).rstrip("/")
    page = "/office/readiness"
    filtered = f"{page}?unit=U01&q=%E8%B7%AF%E7%81%AF"
    for referer, onward in (
        (f"{home}{filtered}", filtered), (f"{home}/ledger?unit=U01", page), (f"https://evil.example{filtered}", page),
        ("", page), ("http://[", page), (f"{home}//evil.example{filtered}", page), (f"{home}{filtered}{'x' * 3_000}", page),
    ):  # fmt: skip
        status, _ = await browser.post(f"{page}/U01", {"Referer": referer}, note="请尽快报送")
        assert (status, browser.sent_to) == (303, onward)
