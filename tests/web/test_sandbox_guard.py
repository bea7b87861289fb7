"""The rehearsal's pages: for its own forms only, and behind sign-in once they are opened to other machines."""

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from backend.domain.addresses import Addresses
from backend.web.app import build_app
from backend.web.sandbox_guard import SandboxGuard
from tests.web.browser import build_form
from tests.web.world import World

PAGES = ("/sandbox", "/sandbox/", "/sandbox/people.json", "/sandbox/api/view", "/sandbox/clock")


def mount(app: web.Application) -> None:
    """A page, a form and a provider as the simulator has them."""

    async def page(_request: web.Request) -> web.Response:
        return web.Response(text="page")

    inner = web.Application()
    for path in ("", "/", "/people.json", "/api/view", "/telegram/bot1/getMe"):
        inner.router.add_get(path, page)
    inner.router.add_post("/api/call", page)
    app.add_subapp("/sandbox/", inner)


@pytest.fixture
async def client(sqlite_world: World, request: pytest.FixtureRequest) -> AsyncIterator[TestClient[Any, Any]]:
    """The office with a simulator, opened to other machines or not."""
    guard = SandboxGuard(["/telegram"], is_open=request.param)
    services = replace(sqlite_world.services, addresses=Addresses("http://jiesu.example"))
    opened = TestClient(TestServer(build_app(services, [sqlite_world.clock_routes.add_routes, mount, guard.add_to])))
    await opened.start_server()
    yield opened
    await opened.close()


closed = pytest.mark.parametrize("client", [False], indirect=True)
opened = pytest.mark.parametrize("client", [True], indirect=True)
HOSTS = (
    "evil.example",
    "127.0.0.1.evil.example",
    "jiesu.example.evil",
    "169.254.169.254",
    "10.0.0.1:80",
    "[::2]",
    "x@127.0.0.1",
    "[",
)


@pytest.mark.parametrize("client", [False, True], indirect=True)
async def test_a_host_that_is_not_ours_gets_nothing_XS6(client: TestClient[Any, Any]) -> None:
    for path in (*PAGES, "/sandbox/telegram/bot1/getMe"):
        for host in HOSTS:
            async with client.get(path, headers={"Host": host}) as answer:
                assert answer.status in (400, 421), (path, host)


@closed
async def test_this_machine_needs_no_sign_in_XS6(client: TestClient[Any, Any]) -> None:
    for path in PAGES:
        for host in ("127.0.0.1:9", "localhost", "[::1]:80", "JIESU.example"):
            async with client.get(path, headers={"Host": host}) as answer:
                assert answer.status == 200, (path, host)


@opened
async def test_opened_to_others_it_needs_a_session_and_its_own_forms_XS6(
    client: TestClient[Any, Any], sqlite_world: World
) -> None:
    for path in PAGES:
        async with client.get(path) as answer:
            assert answer.status == 401, path
    async with client.post("/sandbox/clock", json={"advance": "2h30m"}) as answer:
        assert answer.status == 401
    async with client.get("/sandbox/telegram/bot1/getMe") as answer:
        assert answer.status == 200
    async with client.get(
        "/sandbox/people.json", headers={"Authorization": f"Bearer {sqlite_world.keys['D1']}"}
    ) as answer:
        assert answer.status == 200
    word = build_form(word=await sqlite_world.create_code(sqlite_world.keys["D1"]))
    async with client.post("/sign-in", data=word, allow_redirects=False) as answer:
        assert answer.status == 303
    for path in PAGES:
        async with client.get(path) as answer:
            assert answer.status == 200, path
    async with client.post("/sandbox/api/call") as answer:
        assert answer.status == 200


@pytest.mark.parametrize("client", [False, True], indirect=True)
async def test_another_site_cannot_act_through_the_page_XS6_FR9(client: TestClient[Any, Any]) -> None:
    for headers in ({"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}, {"Origin": "null"}):
        async with client.post("/sandbox/api/call", headers=headers) as answer:
            assert answer.status == 403, headers


@closed
async def test_its_own_page_acts_without_sign_in_XS6(client: TestClient[Any, Any]) -> None:
    for origin in ({"Origin": "http://jiesu.example"}, {"Origin": "http://localhost:9"}, {}):
        async with client.post("/sandbox/api/call", headers=origin) as answer:
            assert answer.status == 200, origin


async def test_a_processs_token_works_on_this_machine_only_XR12(sqlite_world: World) -> None:
    await sqlite_world.change(process_token="jiesu_of-this-process")
    body = {"value": "2wd"}
    path = "/settings/sign.general.limit"
    assert (await sqlite_world.request("jiesu_of-this-process", "PUT", path, body))[0] == 200
    assert (await sqlite_world.request("jiesu_of-another", "PUT", path, body))[0] == 401
    await sqlite_world.change(process_token="")
    assert (await sqlite_world.request("jiesu_of-this-process", "PUT", path, body))[0] == 401
