"""API keys: what only looks like one opens nothing, and a real one is nowhere to be read (FA5, FA10, FA11)."""

import base64
import hashlib
import hmac
import json
import logging
from typing import Any

import pytest
from sqlalchemy import text

from storage.tables import metadata
from tests.web.browser import Browser
from tests.web.world import World


def _encode(part: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode()


def build_jwt(head: dict[str, Any], body: dict[str, Any], key: bytes | None = None) -> str:
    """A token as other systems take them: signed by `key`, or not at all."""
    signed = f"{_encode(head)}.{_encode(body)}"
    digest = hmac.new(key, signed.encode(), hashlib.sha256).digest() if key is not None else b""
    return f"{signed}.{base64.urlsafe_b64encode(digest).rstrip(b'=').decode()}"


ADMIN = {"sub": "A1", "role": "admin", "exp": 4_000_000_000}
JWTS = {
    "alg none": build_jwt({"alg": "none"}, ADMIN),
    "another key": build_jwt({"alg": "HS256"}, ADMIN, b"another key"),
    "the tests' secret": build_jwt({"alg": "HS256"}, ADMIN, b"a secret of the tests"),
    "expired": build_jwt({"alg": "HS256"}, ADMIN | {"exp": 1}, b"x"),
    "of the future": build_jwt({"alg": "HS256"}, ADMIN | {"nbf": 4_000_000_000}, b"x"),
    "kid path": build_jwt({"alg": "HS256", "kid": "../../../../dev/null"}, ADMIN, b""),
    "kid sql": build_jwt({"alg": "HS256", "kid": "' OR 1=1 --"}, ADMIN, b""),
    "only dots": "..",
}


@pytest.mark.parametrize("token", JWTS.values(), ids=list(JWTS))
async def test_a_token_of_another_kind_opens_nothing_FA5(sqlite_world: World, token: str) -> None:
    status, answer = await sqlite_world.request(token, "GET", "/tickets")
    assert (status, answer["error"]["code"]) == (401, "unauthenticated")
    sqlite_world.client.session.cookie_jar.update_cookies({"jiesu_session": token})
    async with sqlite_world.client.get("/tickets", allow_redirects=False, headers={"Accept": "text/html"}) as page:
        assert page.status == 303 and page.headers["Location"].startswith("/sign-in")


async def test_whoever_guesses_learns_nothing_from_the_answer_FA10(sqlite_world: World) -> None:
    key = sqlite_world.keys["A1"]
    guesses = ["x", "A9", "k-A1", "admin", key[:-1], key + "x", key[: len(key) // 2], "k-NOBODY"]
    answers = []
    for guess in guesses:
        status, answer = await sqlite_world.request(guess, "GET", "/tickets")
        answer["error"].pop("request_id")
        answers.append((status, answer))
    assert all(one == answers[0] for one in answers) and answers[0][0] == 401
    browser, pages = Browser(sqlite_world), set()
    for guess in guesses[:6]:
        async with sqlite_world.client.post("/sign-in", data={"word": guess}, allow_redirects=False) as page:
            pages.add((page.status, (await page.text()).replace(page.headers.get("X-Request-Id", "-"), "")))
    assert len(pages) == 1
    assert await browser.sign_in(key) in (303, 429)


async def test_a_key_is_taken_in_the_header_only_and_stands_in_no_row_and_no_line_of_the_log_FA11(
    sqlite_world: World, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    key = sqlite_world.keys["A1"]
    with caplog.at_level(logging.DEBUG):
        assert (await sqlite_world.request("A1", "GET", "/tickets"))[0] == 200
        for name in ("key", "api_key", "token", "access_token", "authorization"):
            assert (await sqlite_world.request(None, "GET", f"/tickets?{name}={key}"))[0] in (401, 422)
        assert (await sqlite_world.request(None, "GET", f"/tickets/{key}"))[0] == 401
        status, made = await sqlite_world.request("A1", "POST", "/keys", {"name": "another", "role": "auditor"})
        assert status == 201, made
        assert (await sqlite_world.request(made["key"], "GET", "/tickets"))[0] == 200
    rows = [
        str(await sqlite_world.db.read(lambda c, name=name: c.execute(text(f'SELECT * FROM "{name}"')).all()))
        for name in metadata.tables
    ]
    said = caplog.text + "".join(capsys.readouterr())
    for secret in (key, made["key"]):
        assert not any(secret in row for row in rows)
        assert secret not in said
