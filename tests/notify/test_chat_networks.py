"""Every chat network that is found keeps what networks promise; so does the smallest one that can be thought of."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import notify.chat
from notify.chat.telegram.receiver import SECRET_HEADER
from notify.chat_events import ChatFile, ChatMoved, Contact, Ignored, LeftChat, RepliedTo, Said
from notify.driver import HookRequest
from notify.driver_registry import DriverRegistry
from tests import paper
from tests.notify.chat_conformance import CARD, ChatConformance, ChatRig
from tests.notify.conftest import Serve
from tests.notify.fake_bot_api import FakeBotApi, respond_raw
from tests.notify.mattermost_rigs import open_mattermost_chat_rig
from tests.telegram import build_telegram

TOKEN, SECRET = "424242:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw", "geheim_1"
USER = {"id": 7001, "is_bot": False, "first_name": "李明"}
PRIVATE, GROUP = {"id": 7001, "type": "private"}, {"id": -1007001, "type": "supergroup", "title": "群"}
OURS = {"id": 424242, "is_bot": True, "first_name": "bot"}


def build_hook(body: bytes, path: str, *headers: tuple[str, str]) -> HookRequest:
    return HookRequest("POST", "https://office.example", path, path, {}, headers, body)


def encode(number: int, **content: object) -> bytes:
    return json.dumps({"update_id": number, **content}, ensure_ascii=False).encode()


def build_message(number: int, chat: dict[str, object] = PRIVATE, **content: object) -> dict[str, object]:
    return {"message_id": number, "date": 1, "chat": chat, "from": USER, **content}


def build_telegram_rig(api: FakeBotApi) -> ChatRig:
    keys = [[{"text": button.label, "callback_data": button.data} for button in row] for row in CARD.buttons]

    def reply(number: int, text: str, message: str) -> bytes:
        ours = build_message(int(message), text=CARD.text, reply_markup={"inline_keyboard": keys}) | {"from": OURS}
        return encode(number, message=build_message(number, text=text, reply_to_message=ours))

    def press(number: int, message: str, data: str) -> bytes:
        held = build_message(int(message)) | {"from": OURS}
        return encode(number, callback_query={"id": "55", "from": USER, "message": held, "data": data})

    return ChatRig(
        network=build_telegram(TOKEN, api.url, secret=SECRET),
        folder=Path(notify.chat.__path__[0], "telegram"),
        user="7001",
        chat="7001",
        group="-1007001",
        say=lambda n, text, group: encode(n, message=build_message(n, GROUP if group else PRIVATE, text=text)),
        reply=reply,
        press=press,
        wrap=lambda body, genuine: build_hook(body, "/hooks/telegram", (SECRET_HEADER, SECRET if genuine else "no")),
        list_toasts=lambda: [one.fields.get("text", "") for one in api.requests if one.method == "answerCallbackQuery"],
        list_deleted=lambda: [one.fields["message_id"] for one in api.requests if one.method == "deleteMessage"],
        secrets=(TOKEN, SECRET),
        break_off=lambda: api.failures.extend([respond_raw(503, f"<html>{TOKEN} {SECRET}</html>")] * 9),
    )


async def open_telegram_rig(serve: Serve) -> ChatRig:
    api = FakeBotApi()
    api.url = await serve(api.build_app())
    return build_telegram_rig(api)


RIGS = {"mattermost": open_mattermost_chat_rig, "telegram": open_telegram_rig}


@pytest.mark.parametrize("driver", DriverRegistry.discover().list_names("chat"))
class TestEveryNetwork(ChatConformance):
    @pytest.fixture
    async def chat_rig(self, driver: str, serve: Serve):
        rig = await RIGS[driver](serve)
        yield rig
        await rig.network.close()


class TestPaper(ChatConformance):
    """The network of `tests/paper`, which the stories use as well."""

    @pytest.fixture
    def chat_rig(self) -> Iterator[ChatRig]:
        def tell(number: int, desk: str, **what: object) -> bytes:
            return json.dumps({"id": number, "user": "u1", "desk": desk, **what}, ensure_ascii=False).encode()

        yield ChatRig(
            network=paper.build({"key": "k1"}),
            folder=Path(paper.__file__).parent,
            user="u1",
            chat="d1",
            group="g1",
            say=lambda n, text, group: tell(n, "g1" if group else "d1", text=text, is_shared=group),
            reply=lambda n, text, message: tell(n, "d1", text=text, about=message),
            press=lambda n, message, data: tell(n, "d1", sheet=message, tick=data),
            wrap=lambda body, genuine: build_hook(body, "/hooks/paper", (paper.KEY_HEADER, "k1" if genuine else "k2")),
            list_toasts=list,
            list_deleted=list,
            secrets=("k1",),
            break_off=lambda: setattr(paper.DESK, "is_closed", True),
        )
        paper.DESK.is_closed = False


def read(**content: object) -> Any:
    return build_telegram(TOKEN).receiver.read(encode(1, **content).decode())


def test_what_telegram_tells_is_read_into_our_own_words() -> None:
    photo = [{"file_id": "small", "file_size": 1}, {"file_id": "big", "file_size": 9}]
    album = read(message=build_message(5, photo=photo, caption="办结", media_group_id="a1"))
    assert (album.files, album.text, album.album) == ((ChatFile("big", "photo.jpg", 9),), "办结", "a1")
    document = read(message=build_message(5, document={"file_id": "d"}))
    assert document.files == (ChatFile("d", "file", 0),) and not document.other
    shared = {"phone_number": "8613800001001", "first_name": "x", "user_id": 7001}
    assert read(message=build_message(5, contact=shared)).contact == Contact("8613800001001", "7001")
    assert read(message=build_message(5, voice={"file_id": "v", "duration": 1})).other == "voice"
    assert read(message=build_message(5, GROUP, new_chat_members=[USER])).other == "service"
    assert read(message=build_message(5, sticker={"file_id": "s"})).other == "other"
    edited = read(edited_message=build_message(5, text="答复 新"))
    assert isinstance(edited, Said) and edited.edited and edited.text == "答复 新"
    theirs = build_message(4, text="x", reply_markup={"inline_keyboard": [[{"text": "签收", "callback_data": "s:1"}]]})
    assert read(message=build_message(5, text="签收", reply_to_message=theirs)).reply_to == RepliedTo("4")
    broken = encode(1, message=build_message(5, text="a?")).replace(b"?", b"\\ud83d")
    assert build_telegram(TOKEN).receiver.read(broken.decode()).text == "a\ufffd"  # type: ignore[union-attr]


def test_chats_that_move_or_end_are_told_of_FT20_FT21() -> None:
    moved = read(message=build_message(5, GROUP, migrate_to_chat_id=-100999))
    assert isinstance(moved, ChatMoved) and (moved.who.chat, moved.new_chat) == ("-1007001", "-100999")
    member = {"chat": PRIVATE, "from": USER, "date": 1, "new_chat_member": {"status": "kicked", "user": OURS}}
    left = read(my_chat_member=member)
    assert isinstance(left, LeftChat) and left.who.private and left.why == "blocked"
    assert isinstance(read(my_chat_member={**member, "new_chat_member": {"status": "member"}}), Ignored)
    assert isinstance(read(channel_post=build_message(5, text="x")), Ignored)


def test_a_press_of_a_message_that_is_hidden_still_has_its_presser() -> None:
    pressed = read(callback_query={"id": "1", "from": USER, "data": "s:1"})
    assert (pressed.who.user, pressed.who.chat, pressed.message) == ("7001", "", "")


def test_a_query_that_nobody_signed_is_refused_and_without_a_secret_no_webhook_is_open_XR10(
    bot_api: FakeBotApi,
) -> None:
    rig = build_telegram_rig(bot_api)
    assert rig.wrap is not None
    genuine = rig.wrap(b"{}", True)
    assert genuine is not None
    twice = replace(genuine, headers=[*genuine.headers, *genuine.headers])
    for request in (replace(genuine, target="/hooks/telegram?x=1"), twice):
        with pytest.raises(Exception, match="401"):
            rig.network.receiver.open(request)
    assert build_telegram(TOKEN).receiver.hooks == ()
