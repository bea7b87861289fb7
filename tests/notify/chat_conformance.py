"""What every chat network promises beside its channel; the tests of a driver inherit it and bring their rig.

How messages arrive is `channel_conformance.py`.
"""

import json
import tomllib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from backend.domain.texts import list_languages
from notify.channel import DeliveryError
from notify.chat_events import Ignored, Pressed, Said
from notify.chat_network import ChatNetwork, Unreadable, Verified
from notify.driver import Health, HookRefused, HookRequest, HookResponse
from notify.message import Button, Card
from notify.plain_text import utf16_len

CARD = Card("【新工单】0001", ((Button("签收", "s:1"), Button("查看详情", "v:1")),))
HOSTILE = "<b>急</b> & _*[]()~` 𠮷\u202e 见 https://example.com/x"


@dataclass
class ChatRig:
    """A network connected to its fake, and what that network tells us in its own words."""

    network: ChatNetwork
    folder: Path  # the driver's package
    user: str
    chat: str
    group: str
    #: the body of an update: number, text, in the group; a reply to our CARD whose message is given
    say: Callable[[int, str, bool], bytes]
    reply: Callable[[int, str, str], bytes]
    #: a press: number, message, data
    press: Callable[[int, str, str], bytes]
    #: the webhook that brings a body, genuine or not, None for one that comes another way; None where there is no webhook
    wrap: Callable[[bytes, bool], HookRequest | None] | None
    #: the toasts that presses were answered with by calls; messages that were deleted; the secrets of the settings
    list_toasts: Callable[[], Sequence[str]]
    list_deleted: Callable[[], Sequence[str]]
    secrets: Sequence[str]
    break_off: Callable[[], None]  # the network answers nothing sensible any more


class ChatConformance:
    """Inherited by the tests of each driver, with a fixture `chat_rig`."""

    def test_its_words_are_in_every_language(self, chat_rig: ChatRig) -> None:
        name = chat_rig.network.name
        for language in list_languages():
            words = tomllib.loads((chat_rig.folder / f"texts.{language}.toml").read_text("utf-8"))
            assert words["word"]["source"][name] and words["cli"]["checked"][name] and words["cli"]["check"][name]

    def test_an_update_has_an_id_of_its_own_and_a_chat_whose_order_is_kept_FT1_FT3(self, chat_rig: ChatRig) -> None:
        identify, say = chat_rig.network.receiver.identify, chat_rig.say
        first, second, elsewhere = say(1, "甲", False), say(2, "甲", False), say(3, "甲", True)
        assert identify(first) == identify(first)
        assert len({identify(body)[0] for body in (first, second, elsewhere)}) == 3
        assert identify(first)[1] == identify(second)[1] != identify(elsewhere)[1]
        assert identify(chat_rig.press(4, "9", "s:1"))[1] == identify(first)[1], (
            "a press waits for what was said before"
        )

    @pytest.mark.parametrize("body", [b"", b"{", b"[]", b"{}", b"\xff\xfe", b"\x00", b"3", b'{"id": NaN}'])
    def test_what_is_no_update_is_unreadable_and_nothing_else_FT7_FT8(self, chat_rig: ChatRig, body: bytes) -> None:
        with pytest.raises(Unreadable):
            chat_rig.network.receiver.identify(body)
        try:
            assert isinstance(chat_rig.network.receiver.read(body.decode("utf-8", "replace")), Ignored)
        except Unreadable:
            pass

    @pytest.mark.parametrize("text", ["签收", "/todo", HOSTILE, "答复 已办结\n第二行"])
    def test_what_was_said_is_heard_word_for_word_with_who_and_where_FT34(self, chat_rig: ChatRig, text: str) -> None:
        said = chat_rig.network.receiver.read(chat_rig.say(1, text, False).decode())
        assert isinstance(said, Said) and said.text == text and said.message and not said.edited
        assert (said.who.user, said.who.chat, said.who.private) == (chat_rig.user, chat_rig.chat, True)
        group = chat_rig.network.receiver.read(chat_rig.say(2, text, True).decode())
        assert isinstance(group, Said) and group.reply_to is None
        assert (group.who.user, group.who.chat, group.who.private) == (chat_rig.user, chat_rig.group, False)

    @pytest.mark.parametrize("data", ["s:1", "1.s.123456789.4", "x" * 64])
    def test_a_press_brings_its_data_unchanged_and_its_message(self, chat_rig: ChatRig, data: str) -> None:
        pressed = chat_rig.network.receiver.read(chat_rig.press(1, "9", data).decode())
        assert isinstance(pressed, Pressed) and (pressed.data, pressed.message) == (data, "9")
        assert (pressed.who.user, pressed.who.chat, pressed.who.private) == (chat_rig.user, chat_rig.chat, True)

    async def test_a_reply_names_its_message_and_the_buttons_of_ours(self, chat_rig: ChatRig) -> None:
        if not chat_rig.network.receiver.can.reply_id:
            pytest.skip("its replies name no message")
        sent = await chat_rig.network.channel.send(chat_rig.chat, CARD)
        said = chat_rig.network.receiver.read(chat_rig.reply(1, "签收", sent.provider_id).decode())
        assert isinstance(said, Said) and said.reply_to is not None
        assert said.reply_to.message == sent.provider_id
        assert said.reply_to.buttons == (("签收", "s:1"), ("查看详情", "v:1"))

    def test_a_webhook_is_ours_or_refused_FT5(self, chat_rig: ChatRig) -> None:
        if chat_rig.wrap is None:
            pytest.skip("it has no webhook")
        receiver = chat_rig.network.receiver
        assert receiver.hooks
        wrapped = [
            (body, chat_rig.wrap(body, True), chat_rig.wrap(body, False))
            for body in (chat_rig.say(1, "甲", False), chat_rig.press(2, "9", "s:1"))
        ]
        assert any(genuine is not None for _, genuine, _ in wrapped)
        for body, genuine, forged in wrapped:
            if genuine is None or forged is None:
                continue
            opened = receiver.open(genuine)
            assert isinstance(opened, Verified)
            assert receiver.identify(opened.body) == receiver.identify(body)
            assert opened.waits is (receiver.can.in_response and isinstance(receiver.read(body.decode()), Pressed))
            with pytest.raises(HookRefused) as refused:
                receiver.open(forged)
            assert refused.value.status in (401, 403)

    async def test_a_press_is_answered_in_time_by_a_call_or_by_its_response(self, chat_rig: ChatRig) -> None:
        receiver = chat_rig.network.receiver
        assert 0 < receiver.can.answer_by < (receiver.can.limit or 1.0)
        pressed = receiver.read(chat_rig.press(1, "9", "s:1").decode())
        assert isinstance(pressed, Pressed)
        for toast in ("", "已签收。", "字" * 900):
            if receiver.can.in_response:
                answer = receiver.render(toast, CARD if receiver.can.card_in_answer else None)
                assert isinstance(answer, HookResponse) and answer.status == 200
                assert not receiver.can.toast or toast[:1] in answer.text
            else:
                await receiver.answer(pressed.token, toast)
                assert chat_rig.list_toasts()[-1][:4] == toast[:4] and utf16_len(chat_rig.list_toasts()[-1]) <= 900

    async def test_it_says_who_we_are_there(self, chat_rig: ChatRig) -> None:
        info = await chat_rig.network.receiver.introduce({"todo": "待办", "help": "帮助"})
        assert info.name and not info.trouble and (not info.link or "{code}" in info.link)
        assert set(await chat_rig.network.receiver.find(["+8613800001001"])) <= {"+8613800001001"}

    async def test_the_buttons_of_a_message_are_removed_and_its_text_stays_FT14(self, chat_rig: ChatRig) -> None:
        sent = await chat_rig.network.channel.send(chat_rig.chat, CARD)
        for _ in range(2):  # the second time there are none
            await chat_rig.network.channel.remove_buttons(chat_rig.chat, sent.provider_id)

    async def test_what_people_wrote_is_deleted_where_that_can_be(self, chat_rig: ChatRig) -> None:
        if not chat_rig.network.receiver.can.deletes_theirs:
            pytest.skip("what people wrote cannot be deleted")
        await chat_rig.network.receiver.delete(chat_rig.chat, "9")
        assert list(chat_rig.list_deleted()) == ["9"]

    async def test_the_doctor_is_told_and_no_secret_with_it_FT36(self, chat_rig: ChatRig) -> None:
        found = await chat_rig.network.examine()
        assert found and all(check.health is Health.OK for check in found)
        chat_rig.break_off()
        found = await chat_rig.network.examine()
        assert any(check.health is Health.BROKEN for check in found)
        told = json.dumps([[one.name, one.what, one.facts] for one in found], default=str)
        assert not any(secret in told for secret in chat_rig.secrets)

    async def test_a_failure_is_a_delivery_error_and_tells_no_secret_FT36(self, chat_rig: ChatRig) -> None:
        chat_rig.break_off()
        with pytest.raises(DeliveryError) as caught:
            await chat_rig.network.channel.send(chat_rig.chat, CARD)
        assert not any(secret in f"{caught.value!r} {caught.value}" for secret in chat_rig.secrets)
