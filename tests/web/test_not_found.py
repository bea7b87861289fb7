"""What is not found is named for what it is: a file is no ticket, nor is a roster's unit."""

import pytest

from tests.web.browser import Browser
from tests.web.world import World


@pytest.mark.parametrize(("path", "sentence"), [
    ("/tickets/T99", "没有找到该工单，请核对编号。"), ("/files/f" + "0" * 31, "没有找到该文件，请核对后重试。"),
    ("/rosters?unit=U99&month=2026-11", "没有找到该单位，请核对编码或名称。"),
])  # fmt: skip
async def test_the_api_says_which_thing_was_not_found(world: World, path: str, sentence: str) -> None:
    status, answer = await world.request("A1", "GET", path)
    assert (status, answer["error"]["code"], answer["error"]["message"]) == (404, "not_found", sentence)


async def test_the_console_says_so_too(world: World, browser: Browser) -> None:
    await browser.sign_in(world.keys["A1"])
    assert "没有找到该工单" in await browser.page("/tickets/T99", 404)
    assert "没有找到该接口" in await browser.page("/api/docs?operation=get/nothing", 404)
