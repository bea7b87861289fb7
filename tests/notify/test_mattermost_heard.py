"""What is heard of Mattermost: updates read into our events, presses verified, the stream held (FT1-FT31)."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import pytest

from notify.chat.mattermost.api import MattermostApi
from notify.chat.mattermost.events import identify, read_update
from notify.chat.mattermost.posts import Callbacks, read_buttons
from notify.chat.mattermost.stream import Stream
from notify.chat_events import ChatFile, Ignored, LeftChat, RepliedTo, Said
from notify.chat_network import Unreadable
from notify.driver import HookRefused, HookRequest, HookResponse, HostAway
from notify.message import Button, Card
from sandbox.faults import Fault
from sandbox.mattermost.model import File, make_id
from tests.notify.chat_conformance import CARD
from tests.notify.conftest import Serve
from tests.notify.mattermost_rigs import PUBLIC_URL, SECRET, TOKEN, World, open_world

CALLBACKS = Callbacks(f"{PUBLIC_URL}/hooks/mattermost", SECRET)
BOT = {"id": make_id("u", 1), "username": "jiesu"}
POST = {
    "id": make_id("p", 7),
    "channel_id": make_id("c", 1),
    "user_id": make_id("u", 2),
    "message": "签收",
    "create_at": 5,
}


@pytest.fixture
async def world(serve: Serve) -> AsyncIterator[World]:
    opened = await open_world(serve)
    yield opened
    await opened.server.drop_streams()
    await opened.network.close()


# -- what is heard


def tell(event: str = "posted", kind: str = "D", root: object = None, **post: object) -> str:
    return json.dumps({"event": event, "channel_type": kind, "post": {**POST, **post}, "root": root or {}, "bot": BOT})


def test_what_is_told_is_read_into_our_own_words() -> None:
    info = [
        {"id": "f1", "name": "现场.jpg", "size": 9, "mime_type": "image/jpeg"},
        {"id": "f2", "mime_type": "audio/ogg"},
    ]
    with_files: Any = read_update(tell(message="", metadata={"files": info}))
    assert (with_files.files, with_files.text, with_files.other) == ((ChatFile("f1", "现场.jpg", 9),), "", "")
    spoken: Any = read_update(tell(message="", metadata={"files": info[1:]}))
    assert (spoken.files, spoken.other) == ((), "voice")
    edited: Any = read_update(tell("post_edited", edit_at=9, message="答复 新"))
    assert isinstance(edited, Said) and edited.edited and edited.text == "答复 新"
    theirs = {
        "id": "p1",
        "user_id": POST["user_id"],
        "props": {"attachments": [{"actions": [{"id": "zz", "name": "签收"}]}]},
    }
    assert read_update(tell(root=theirs)).reply_to == RepliedTo("p1")  # type: ignore[union-attr]
    broken = tell(message="a?").replace("a?", "a\\ud83d")
    assert read_update(broken).text == "a\ufffd"  # type: ignore[union-attr]


@pytest.mark.parametrize(
    "post",
    [
        {"user_id": BOT["id"]},
        {"type": "system_join_channel"},
        {"type": "custom_calls"},
        {"props": {"from_bot": "true"}},
        {"props": {"from_webhook": "true"}},
    ],
)
def test_what_no_person_wrote_is_nothing_for_us(post: dict[str, object]) -> None:
    assert isinstance(read_update(tell(**post)), Ignored)


@pytest.mark.parametrize(
    ("text", "root", "heard"),
    [
        ("今天谁去？", {}, None),
        ("发给 liming@jiesu", {}, None),
        ("@jiesu2 签收", {}, None),
        ("@Jiesu 签收", {}, "签收"),
        ("@jiesu签收", {}, "签收"),
        ("请 @jiesu 签收", {}, "请 签收"),
        ("签收", {"id": "p1", "user_id": BOT["id"]}, "签收"),
        ("签收", {"id": "p1", "user_id": POST["user_id"]}, None),
    ],
)
def test_in_a_group_only_a_mention_of_us_or_a_reply_to_us_is_heard(text: str, root: object, heard: str | None) -> None:
    event = read_update(tell(kind="P", message=text, root=root))
    assert isinstance(event, Ignored) if heard is None else isinstance(event, Said) and event.text == heard


def test_an_edit_is_an_update_of_its_own_and_leaving_is_told_FT1_FT20() -> None:
    posted, first, second = (
        identify(tell("posted").encode()),
        identify(tell("post_edited", edit_at=1).encode()),
        identify(tell("post_edited", edit_at=2).encode()),
    )
    assert len({posted[0], first[0], second[0]}) == 3 and posted[1] == first[1]
    left = json.dumps({"event": "user_removed", "channel_id": "c1", "channel_type": "P", "seq": 4})
    assert identify(left.encode()) == ("user_removed.c1.4", "#c1")
    event = read_update(left)
    assert isinstance(event, LeftChat) and (event.why, event.who.chat, event.who.private) == ("kicked", "#c1", False)
    assert isinstance(read_update(tell("typing")), Ignored)


@pytest.mark.parametrize("field", ["id", "channel_id", "user_id"])
@pytest.mark.parametrize("value", [None, "", 5, [], {}])
def test_a_post_without_what_it_needs_is_unreadable_FT7(field: str, value: object) -> None:
    with pytest.raises(Unreadable):
        identify(tell(**{field: value}).encode())
        read_update(tell(**{field: value}))


# -- presses


def press(path: str = CALLBACKS.path, target: str = "", **changed: object) -> HookRequest:
    body: dict[str, object] = {
        "user_id": "u1", "channel_id": "c1", "channel_name": "x", "post_id": "p1", "trigger_id": "t1",
        "context": {"data": "s:1", "mac": CALLBACKS.sign("s:1")}, **changed,
    }  # fmt: skip
    whole = f"/hooks/mattermost{path}"
    return HookRequest("POST", PUBLIC_URL, target or whole, whole, {}, (), json.dumps(body).encode())


@pytest.mark.parametrize(
    "request_",
    [
        press(path="/"),
        press(path=f"{CALLBACKS.path}0"),
        press(path="/" + "0" * 32),
        press(target=f"/hooks/mattermost{CALLBACKS.path}?x=1"),
        press(context={"data": "s:2", "mac": CALLBACKS.sign("s:1")}),
        press(context={"data": "s:1", "mac": CALLBACKS.path[1:]}),
        press(context={"data": "s:1"}),
        press(context="s:1"),
        press(context={}),
        press(context={"data": "s:1", "mac": 5}),
        press(trigger_id=""),
        replace(press(), body=b"{"),
        replace(press(), body=b""),
        replace(press(), body=b"\xff"),
        replace(press(), body=press().body[:-1] + b', "context": {}}'),
    ],
)
async def test_a_press_that_is_not_of_our_button_or_not_by_the_secret_path_is_refused_FT5_XR10(
    world: World, request_: HookRequest
) -> None:
    receiver = world.network.receiver
    assert receiver.hooks == (("POST", CALLBACKS.path),) and SECRET not in CALLBACKS.path
    opened = receiver.open(press())
    assert not isinstance(opened, HookResponse) and opened.waits
    with pytest.raises(HookRefused) as refused:
        receiver.open(request_)
    assert refused.value.status == 401


async def test_the_buttons_of_a_post_are_read_again_where_what_they_do_is_left_out(world: World) -> None:
    card = Card("x", ((Button("签收", "1.s.123456789.4"), Button("查看", "x" * 64)),))
    sent = await world.network.channel.send(world.user.channel.id, card)
    told = world.server.build_post(world.server.posts[sent.provider_id])
    assert "integration" not in json.dumps(told)
    assert read_buttons(told) == (("签收", "1.s.123456789.4"), ("查看", "x" * 64))


# -- the stream


@dataclass
class Host:
    """Our own side: keeps what it is given, unless it is away."""

    hook_url: str = ""
    kept: dict[str, dict[str, Any]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    is_away: bool = False
    has_lease: bool = True
    released: list[str] = field(default_factory=list)

    async def keep(self, body: bytes) -> None:
        if self.is_away:
            raise HostAway
        self.kept[identify(body)[0]] = json.loads(body)

    async def respond(self, body: bytes) -> HookResponse:
        raise HostAway

    async def acquire_lease(self, name: str, span: timedelta) -> bool:
        return self.has_lease

    async def release_lease(self, name: str) -> None:
        self.released.append(name)

    def note(self, what: str, error: str = "") -> None:
        self.notes.append(f"{what} {error}")

    @property
    def texts(self) -> list[str]:
        return [read_update(json.dumps(one)).text for one in self.kept.values()]  # type: ignore[union-attr]


@pytest.fixture
async def host(world: World) -> AsyncIterator[Host]:
    """What the stream of the world's server brings; it is held until the test ends."""
    found, api = Host(), MattermostApi(world.url, TOKEN)
    task = asyncio.create_task(Stream(api, first_pause=0.02, idle_seconds=0.02).hold(found))
    yield found
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert found.released
    await api.close()


async def wait_for(holds: Callable[[], bool]) -> None:
    for _ in range(200):
        if holds():
            return
        await asyncio.sleep(0.01)
    assert holds()


async def test_words_are_kept_as_they_come_with_what_they_reply_to(world: World, host: Host) -> None:
    await wait_for(lambda: bool(world.server.sockets))
    sent = await world.network.channel.send(world.user.channel.id, CARD)
    first = await world.user.write("甲", root=world.server.posts[sent.provider_id])
    await world.user.edit(first, "乙")
    await world.group.write(world.user, "不关你的事")
    await world.group.write(world.user, "@jiesu 丙", root=world.group.network.list_posts(world.group.channel.id)[0])
    await wait_for(lambda: host.texts == ["甲", "乙", "丙"])
    said = read_update(json.dumps(next(iter(host.kept.values()))))
    assert isinstance(said, Said) and said.reply_to == RepliedTo(
        sent.provider_id, (("签收", "s:1"), ("查看详情", "v:1"))
    )
    assert said.who.name == "liming" and not host.notes


async def test_what_was_missed_is_fetched_when_the_stream_is_opened_again_FT23_FT31(world: World, host: Host) -> None:
    await world.user.write("先于一切")
    await wait_for(lambda: host.texts == ["先于一切"])
    world.server.faults.plan_next(Fault.UNAVAILABLE, times=3, where="GET /websocket")
    await world.server.drop_streams()
    post = await world.user.write("断开时")
    await world.user.edit(post, "断开时，改过")
    await wait_for(lambda: host.texts == ["先于一切", "断开时，改过"])
    assert any(note.startswith("stream_lost") for note in host.notes) and TOKEN not in str(host.notes)


async def test_a_gap_in_the_numbers_is_looked_up(world: World, host: Host) -> None:
    await wait_for(lambda: bool(world.server.sockets))
    quiet = dict(world.server.sockets)
    world.server.sockets.clear()
    await world.user.write("丢了")
    world.server.sockets.update({socket: seq + 1 for socket, seq in quiet.items()})
    await world.user.write("到了")
    await wait_for(lambda: sorted(host.texts) == ["丢了", "到了"])
    assert any(note.startswith("stream_gap") for note in host.notes)


async def test_what_could_not_be_kept_is_fetched_again_FD4(world: World, host: Host) -> None:
    await wait_for(lambda: bool(world.server.sockets))
    host.is_away = True
    await world.user.write("数据库不在")
    await asyncio.sleep(0.1)
    assert not host.kept
    host.is_away = False
    await wait_for(lambda: host.texts == ["数据库不在"])


async def test_one_process_at_a_time_listens_FT30(world: World) -> None:
    other, api = Host(has_lease=False), MattermostApi(world.url, TOKEN)
    task = asyncio.create_task(Stream(api, idle_seconds=0.01).hold(other))
    await asyncio.sleep(0.1)
    assert not world.server.sockets
    other.has_lease = True
    await wait_for(lambda: bool(world.server.sockets))
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await api.close()


async def test_being_removed_from_a_channel_is_told_FT20(world: World, host: Host) -> None:
    await wait_for(lambda: bool(world.server.sockets))
    channel = world.group.channel.id
    await world.server.tell("user_removed", channel, {"channel_id": channel, "user_id": world.user.account.id})
    await world.server.tell("user_removed", channel, {"channel_id": channel, "remover_id": world.user.account.id})
    await wait_for(lambda: len(host.kept) == 1)


async def test_a_file_of_theirs_is_told_with_its_name_and_size(world: World, host: Host) -> None:
    await wait_for(lambda: bool(world.server.sockets))
    await world.user.write("", files=(File(make_id("f", 500), "现场.jpg", b"12345", "image/jpeg"),))
    await wait_for(lambda: len(host.kept) == 1)
    said = read_update(json.dumps(next(iter(host.kept.values()))))
    assert isinstance(said, Said) and said.files == (ChatFile(make_id("f", 500), "现场.jpg", 5),)
    assert await world.network.channel.fetch(said.files[0].reference, 5) == b"12345"
