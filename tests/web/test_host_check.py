"""The web server answers under its own names only, whatever else a request says about them."""

import asyncio

import pytest

from backend.domain.addresses import Addresses
from tests.web.world import SECRET, World

OURS, FOREIGN = "jiesu.example", "evil.example"
#: lines of a request that names nobody else, and of those that do: with a name twice, in the target, beside a proxy's words
ASKED = {
    f"GET /sign-in HTTP/1.1|Host: {OURS}": 200,
    f"GET /sign-in HTTP/1.1|Host: {OURS}:8443|X-Forwarded-Host: {FOREIGN}": 200,
    f"GET http://{OURS}/sign-in HTTP/1.1|Host: {OURS}": 200,
    f"GET /sign-in HTTP/1.1|Host: {FOREIGN}": 421,
    f"GET /sign-in HTTP/1.1|Host: {FOREIGN}|X-Forwarded-Host: {OURS}|Forwarded: host={OURS}": 421,
    f"GET http://{FOREIGN}/sign-in HTTP/1.1|Host: {OURS}": 421,
    f"GET http://{OURS}/sign-in HTTP/1.1|Host: {FOREIGN}": 421,
    f"GET /sign-in HTTP/1.1|Host: {OURS}|Host: {FOREIGN}": 421,
    f"GET /sign-in HTTP/1.1|Host: {FOREIGN}|Host: {OURS}": 421,
    f"GET /sign-in HTTP/1.1|Host: x@{OURS}": 421,
    "GET /sign-in HTTP/1.1|Host: [": 421,
    "GET /sign-in HTTP/1.1|Host:": 421,
    "GET /sign-in HTTP/1.0": 421,
    f"GET /hooks/../sign-in HTTP/1.1|Host: {FOREIGN}": 421,
    f"GET /nothing/there HTTP/1.1|Host: {FOREIGN}": 421,
    "GET /healthz HTTP/1.0": 200,
    "GET /healthz HTTP/1.1|Host: 10.244.1.7:8080": 200,
    "GET /metrics HTTP/1.1|Host: [fd00::7]:8080": 200,
    f"GET /healthz HTTP/1.1|Host: {FOREIGN}": 421,
    f"GET /metrics HTTP/1.1|Host: {FOREIGN}": 421,
    "GET /sign-in HTTP/1.1|Host: 10.244.1.7:8080": 421,
}


async def ask(world: World, request: str) -> int:
    """Send these lines as they are; the status."""
    reader, writer = await asyncio.open_connection("127.0.0.1", world.client.port)
    writer.write(f"{request}|Connection: close||".replace("|", "\r\n").encode())
    status = await reader.readline()
    writer.close()
    return int(status.split()[1])


async def test_every_way_to_say_a_name_is_judged_FR9(sqlite_world: World) -> None:
    await sqlite_world.change(addresses=Addresses(f"https://{OURS}:8443"))
    given = {request: await ask(sqlite_world, request) for request in ASKED}
    # 400: the server itself refuses what is no request at all
    assert [r for r in ASKED if given[r] != ASKED[r] and (given[r], ASKED[r]) != (400, 421)] == [], given


@pytest.mark.parametrize("accept", ["application/json", "text/html"])
async def test_the_refusal_says_which_name_and_what_to_do_FR9(sqlite_world: World, accept: str) -> None:
    await sqlite_world.change(addresses=Addresses(f"https://{OURS}:8443"))
    headers = {"Host": f"{FOREIGN}:8080", "Accept": accept}
    async with sqlite_world.client.get("/", headers=headers, allow_redirects=False) as answer:
        text = await answer.text()
        assert answer.status == 421 and f" {FOREIGN} " in text and "JIESU_ALLOWED_HOSTS" in text
        assert ("wrong_host" in text) is (accept == "application/json")
        assert f"可以使用的是：{OURS}。" in text and 'href="/"' not in text


async def test_the_page_that_refuses_a_name_is_drawn_as_others_are(sqlite_world: World) -> None:
    for path in ("/static/console.css", "/static/console.js", "/static/rating.css"):
        assert (await sqlite_world.client.get(path, headers={"Host": FOREIGN})).status == 200


async def test_a_page_that_came_under_another_name_cannot_post_by_calling_us_so_FR9(sqlite_world: World) -> None:
    """Origin and Host agree when a name of theirs points at us: what is configured counts."""
    for host, origin, status in (
        ("localhost", "http://localhost", 422),
        ("localhost", f"http://{FOREIGN}", 403),
        (FOREIGN, f"http://{FOREIGN}", 421),
    ):
        headers = {"Host": host, "Origin": origin}
        got = await sqlite_world.request(None, "POST", "/sandbox/clock", {"advance": "?"}, headers=headers)
        assert got[0] == status, (host, origin, got)


async def test_a_webhook_goes_by_its_secret_and_not_by_the_proxys_host_FW2(sqlite_world: World) -> None:
    secret = {"X-Telegram-Bot-Api-Secret-Token": SECRET}
    for headers, status in (({"Host": "upstream"}, 401), ({"Host": "upstream", **secret}, 200)):
        got = await sqlite_world.request(None, "POST", "/hooks/telegram", {"update_id": 1}, headers=headers)
        assert got[0] == status, got
