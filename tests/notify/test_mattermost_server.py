"""The simulated Mattermost server is strict: it takes what is documented, and records the rest (G14)."""

import asyncio
import json
from collections.abc import AsyncIterator

import aiohttp
import pytest

from notify.chat.mattermost.posts import Callbacks
from sandbox.http_client import SendRequest
from sandbox.mattermost.model import make_id
from sandbox.mattermost.network import FAILED
from tests.notify.chat_conformance import CARD
from tests.notify.conftest import Serve
from tests.notify.mattermost_rigs import PUBLIC_URL, SECRET, TOKEN, World, open_world

CALLBACKS = Callbacks(f"{PUBLIC_URL}/hooks/mattermost", SECRET)


@pytest.fixture
async def world(serve: Serve) -> AsyncIterator[World]:
    opened = await open_world(serve)
    yield opened
    await opened.server.drop_streams()
    await opened.network.close()


# -- the server of the sandbox is strict


def action(**changed: object) -> dict[str, object]:
    return {"id": "b1", "type": "button", "name": "签收", "integration": {"url": "https://a.example/x"}, **changed}


@pytest.mark.violates
@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/posts", {"message": "x"}),
        ("POST", "/posts", {"channel_id": "CHANNEL", "message": ""}),
        ("POST", "/posts", {"channel_id": "CHANNEL", "message": "x", "colour": "red"}),
        ("POST", "/posts", {"channel_id": "CHANNEL", "message": "字" * 16_384}),
        ("POST", "/posts", {"channel_id": "CHANNEL", "message": "x", "root_id": make_id("p", 999)}),
        ("POST", "/posts", {"channel_id": "CHANNEL", "message": "x", "file_ids": [make_id("f", 999)]}),
        ("POST", "/posts", {"channel_id": "CHANNEL", "message": "x", "attachments": []}),
        *(
            ("POST", "/posts", {"channel_id": "CHANNEL", "message": "x", "props": {"attachments": [{"actions": actions}]}})
            for actions in (
                [action(id="b-1")], [action(type="")], [action(name=" ")], [action(integration={"url": "plugins"})],
                [action(more=1)], [action(), action()], "签收",
            )
        ),
        ("POST", "/posts", {"channel_id": "CHANNEL", "message": "x", "props": {"attachments": [{"color": "red"}]}}),
        ("PUT", f"/posts/{make_id('p', 1)}/patch", {"text": "x"}),
        ("PUT", f"/posts/{make_id('p', 1)}", {"message": "x"}),
        ("GET", "/channels/CHANNEL/posts", None),
        ("DELETE", f"/posts/{make_id('p', 1)}", None),
        ("GET", "/config", None),
        ("POST", "/files", {}),
    ],
)  # fmt: skip
async def test_whatever_is_not_documented_is_refused_and_recorded_G14(
    world: World, method: str, path: str, body: object
) -> None:
    whole = json.loads(json.dumps([path, body]).replace("CHANNEL", world.user.channel.id))
    headers = {"Authorization": f"Bearer {TOKEN}"}
    async with (
        aiohttp.ClientSession(headers=headers) as http,
        http.request(method, f"{world.url}/api/v4{whole[0]}", json=whole[1]) as answer,
    ):
        assert answer.status in (400, 404) and (await answer.json())["id"]
    assert len(world.server.violations) == 1
    assert not world.user.posts


@pytest.mark.violates
async def test_our_own_markup_is_recorded_G14(world: World) -> None:
    await world.server.add_post(world.user.channel, world.server.bot, "**急** @channel")
    assert len(world.server.violations) == 1


def answer_with(status: int, answer: object) -> SendRequest:
    """An office that answers every press so."""

    async def office(*_: object) -> tuple[int, str, bytes]:
        return status, "application/json", json.dumps(answer).encode()

    return office


async def press_answered(world: World, status: int, answer: object) -> str:
    """Press a button of such an office; why it failed."""
    sent = await world.network.channel.send(world.user.channel.id, CARD)
    world.server.send_request = answer_with(status, answer)
    return await world.user.press(world.server.posts[sent.provider_id], "签收")


async def test_an_answer_to_a_press_changes_the_post_and_is_said(world: World) -> None:
    assert await press_answered(world, 200, {"update": {"message": "x", "props": {}}, "ephemeral_text": "好"}) == ""
    assert (world.user.list_shown(), world.user.list_notes()) == (["x"], ["好"])


@pytest.mark.parametrize("status", [201, 401, 500, 503])
async def test_an_answer_that_is_not_200_is_a_failure_on_the_handset(world: World, status: int) -> None:
    assert await press_answered(world, status, {}) == f"status={status}"
    assert world.user.list_notes() == [FAILED]


@pytest.mark.violates
@pytest.mark.parametrize(
    "answer",
    [
        {"toast": "好"},
        {"update": {"message": "x"}},
        {"update": {"message": "x", "props": {}, "file_ids": []}},
        {"ephemeral_text": 5},
        [],
    ],
)
async def test_an_answer_to_a_press_is_taken_whole_or_not_at_all(world: World, answer: object) -> None:
    assert await press_answered(world, 200, answer)
    assert world.user.list_notes() == [FAILED] and world.user.list_shown() == [CARD.text]


@pytest.mark.violates
async def test_markup_in_what_is_said_beside_a_press_is_recorded_G14(world: World) -> None:
    assert await press_answered(world, 200, {"ephemeral_text": "**好**"}) == ""


async def test_an_answer_after_three_seconds_is_none(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    async def office(*_: object) -> tuple[int, str, bytes]:
        await asyncio.sleep(0.5)
        return 200, "application/json", b"{}"

    monkeypatch.setattr("sandbox.mattermost.network.ANSWER_SECONDS", 0.05)
    sent = await world.network.channel.send(world.user.channel.id, CARD)
    world.server.send_request = office
    assert await world.user.press(world.server.posts[sent.provider_id], "签收") == "TimeoutError"
    assert world.user.list_notes() == [FAILED]


async def test_nothing_is_streamed_with_another_token(world: World) -> None:
    async with (
        aiohttp.ClientSession() as http,
        http.ws_connect(f"{world.url}/api/v4/websocket") as socket,
    ):
        await world.user.write("甲")
        challenge = {"seq": 1, "action": "authentication_challenge", "data": {"token": "another"}}
        await socket.send_json(challenge)
        assert (await socket.receive()).type is aiohttp.WSMsgType.CLOSE


@pytest.mark.violates
async def test_the_stream_takes_a_challenge_and_nothing_else_G14(world: World) -> None:
    async with (
        aiohttp.ClientSession() as http,
        http.ws_connect(f"{world.url}/api/v4/websocket") as socket,
    ):
        await socket.send_json({"seq": 1, "action": "user_typing"})
        assert (await socket.receive_json())["status"] == "FAIL"
        assert len(world.server.violations) == 1
