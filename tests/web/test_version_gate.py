"""A process that may not work on the database says 正在升级 at every door, and says so to whoever watches (XR2, FD12)."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from sqlalchemy import func, select, update

from backend.domain.texts import Texts
from storage import tables as t
from tests.web.browser import build_form
from tests.web.world import SECRET, World

SAID = Texts("zh_CN").render_refusal("version_gate", {})
SECRETS = {"X-Telegram-Bot-Api-Secret-Token": SECRET}
PAGE = {"Accept": "text/html"}
DOORS: tuple[tuple[str, str, dict[str, Any]], ...] = (
    ("GET", "/api/v1/tickets", {}),
    ("POST", "/api/v1/tickets", {"json": {}}),
    ("POST", "/api/v1/tickets/T1/acts", {"json": {"verb": "sign"}}),
    ("GET", "/api/v1/events", {}),
    ("GET", "/", {"headers": PAGE}),
    ("GET", "/sign-in", {"headers": PAGE}),
    ("POST", "/sign-in", {"data": build_form(word="x"), "headers": PAGE}),
    ("GET", "/tickets", {"headers": PAGE}),
    ("GET", "/nowhere", {}),
    ("POST", "/hooks/telegram", {"json": {"update_id": 7}, "headers": SECRETS}),
)


@pytest.fixture
async def closed(world: World) -> AsyncIterator[World]:
    """An office whose tables have become too new for this code, as its process has seen."""
    await world.db.execute(update(t.gate).values(format=t.gate.c.format + 1, least=t.gate.c.format + 1))
    await world.services.gate.look()
    yield world


@pytest.mark.parametrize(("method", "path", "more"), DOORS, ids=[f"{method} {path}" for method, path, _ in DOORS])
async def test_every_door_says_that_the_system_is_being_upgraded_FD12(
    closed: World, method: str, path: str, more: dict[str, Any]
) -> None:
    async with closed.client.request(method, path, allow_redirects=False, **more) as answer:
        text = await answer.text()
        assert answer.status == 503 and SAID in text and "正在升级" in text
        assert answer.headers["Retry-After"] == "5"
        assert "text/html" in answer.headers["Content-Type"] or '"version_gate"' in text


async def test_a_webhook_first_sees_who_asks_and_keeps_nothing_FD12(closed: World) -> None:
    assert (await closed.request(None, "POST", "/hooks/telegram", {"update_id": 1}))[0] == 401
    assert (await closed.request(None, "POST", "/hooks/telegram", {"update_id": 1}, headers=SECRETS))[0] == 503
    assert await closed.db.fetch_count(select(func.count()).select_from(t.inbox)) == 0


async def test_the_database_refuses_what_comes_in_before_the_process_has_looked_FD12(world: World) -> None:
    await world.dispatch_ticket()
    await world.db.execute(update(t.gate).values(least=t.gate.c.format + 1, format=t.gate.c.format + 1))
    assert world.services.gate.is_open()
    for status, answer in (
        await world.request(None, "POST", "/hooks/telegram", {"update_id": 1}, headers=SECRETS),
        await world.act("H1", "T1", "sign"),
        await world.request("D1", "POST", "/tickets", {
            "category": "help", "grade": "general", "channel": "phone", "title": "路灯", "text": "路灯不亮", "region": "A市",
        }),
    ):  # fmt: skip
        assert (status, answer["error"]["code"]) == (503, "version_gate"), answer
    assert await world.db.fetch_count(select(func.count()).select_from(t.inbox)) == 0
    assert [move["verb"] for move in await world.list_moves()][-1] == "dispatch"


@pytest.mark.parametrize("scope", ["", "?scope=door"])
async def test_who_watches_is_told_that_the_process_lives_and_does_not_work_XR2(closed: World, scope: str) -> None:
    assert (await closed.request(None, "GET", "/healthz"))[0] == 200
    status, answer = await closed.request(None, "GET", f"/readyz{scope}")
    assert status == 503 and "version_gate" in answer["red"] and not answer["ok"]
    await closed.db.execute(update(t.gate).values(format=t.gate.c.format, least=0))
    await closed.services.gate.look()
    assert "version_gate" not in (await closed.request(None, "GET", f"/readyz{scope}"))[1]["red"]
    assert (await closed.request("D1", "GET", "/tickets"))[0] == 200
