"""The API's page and its filters: people can read it, and what the document says of a filter is what the server holds to."""

import re
from html import unescape

import pytest

from backend.web.api.reading import list_operations
from backend.web.api.routes import ROUTES
from backend.web.endpoint import Route
from backend.web.query import Filter
from tests.web.browser import Browser
from tests.web.world import World

ONE_ENGINE = pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
FILTERS = [
    (route, one) for route in ROUTES for one in route.filters if one.schema.keys() & {"enum", "pattern", "minimum"}
]


@ONE_ENGINE
async def test_anybody_reads_and_searches_the_page_and_it_asks_no_other_host_XS12(
    world: World, browser: Browser
) -> None:
    page = await browser.page("/api/docs")
    assert f"共 {len(ROUTES)} 项" in page and "登记工单" in page and "接口说明" in page
    assert not re.findall(r'(?:src|href|action)="(?:https?:)?//', page)
    found = await browser.page("/api/docs?q=no_handler")
    assert "办理工单" in found and "单位列表" not in found
    assert "共 1 项" in await browser.page("/api/docs?q=POST+/files")
    assert "没有找到“&lt;b&gt;”" in await browser.page("/api/docs?q=%3Cb%3E")
    assert "/api/docs" not in await browser.page("/sign-in")
    await browser.sign_in(world.keys["A1"])
    assert 'aria-current="page">接口<' in await browser.page("/api/docs")


@ONE_ENGINE
async def test_each_operation_has_a_page_with_its_fields_words_and_refusals_XS12(
    world: World, browser: Browser
) -> None:
    for one in list_operations("zh_CN"):
        page = unescape(await browser.page(f"/api/docs?operation={one.id}"))
        assert one.summary in page and one.path in page
        assert all(f">{row.name}<" in page for row in (*one.parameters, *one.body, *one.answer))
        assert all(f">{no.code}<" in page and no.sentence in page for no in one.refusals)
    page = await browser.page("/api/docs?operation=post/tickets/{no}/acts")
    assert "<b>承办单位</b>" in page and "<b>告知诉求人的原因（短信用语）</b>" in page
    labels = {
        row.name: row.label for one in list_operations("zh_CN") for row in (*one.body, *one.answer, *one.parameters)
    }
    assert labels["first_receiver"] == "首接单位" and labels["tickets"] == "", "what nothing names has no name"
    page = await browser.page("/api/docs?operation=get/tickets")
    assert "<code>pending_dispatch</code> 待派发" in page and "1 至 200" in page
    assert (await world.request(None, "GET", "/api/docs?operation=get/nothing"))[0] == 404


@ONE_ENGINE
async def test_a_filter_takes_what_the_document_says_and_nothing_else_XS12(world: World) -> None:
    assert len(FILTERS) > 40
    for route, one in FILTERS:
        for wrong in ("x y", "", "2026-13"):
            if not one.fits(wrong):
                status, answer = await world.request("A1", route.method, f"{fill(route)}?{one.name}={wrong}")
                assert (status, answer["error"]["code"]) == (422, one.code), (route.name, one.name, wrong)


@ONE_ENGINE
@pytest.mark.parametrize(
    "path", ["/people", "/tickets", "/deliveries", "/calls", "/sync", "/readiness", "/dispatch-quality"]
)
async def test_each_word_of_a_filter_is_taken_XS12(world: World, path: str) -> None:
    route = next(route for route in ROUTES if route.name == f"GET {path}")
    for one in (one for one in route.filters if "enum" in one.schema):
        for word in one.schema["enum"]:
            assert (await world.request("A1", "GET", f"{path}?{one.name}={word}"))[0] == 200, (one.name, word)


def fill(route: Route) -> str:
    """The path of a route, its values filled in."""
    return re.sub(r"\{\w+\}", "1", route.path.replace("{kind}", (*route.kinds, "")[0]))


@pytest.mark.parametrize(
    ("one", "fitting", "wrong"),
    [
        (Filter("q"), ["", "任意 文字"], []),
        (ROUTES[0].filters[0], ["1", "200"], ["0", "201", "-1", "１", "1e2", "x", ""]),
    ],
)
def test_a_filter_fits(one: Filter, fitting: list[str], wrong: list[str]) -> None:
    assert all(map(one.fits, fitting)) and not any(map(one.fits, wrong))
