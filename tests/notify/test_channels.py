"""Every channel that is found keeps the promise of channels; Telegram keeps its own rows besides."""

import socket

import pytest

from notify.channel import DeliveryError
from notify.chat.telegram import TelegramChannel, fit_toast, make_bot
from notify.message import Card, Document
from notify.plain_text import utf16_len
from notify.registry import DriverRegistry
from tests.notify import fake_bot_api
from tests.notify.channel_conformance import CARD, ChannelConformance, Rig
from tests.notify.fake_bot_api import cut, no, raw, silence

TOKEN = "424242:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw"
FAULTS = {
    "gone": no(400, "Bad Request: message to edit not found"),
    "unchanged": no(400, "Bad Request: message is not modified: specified new message content and reply…"),
    "refused_address": no(403, "Forbidden: bot was blocked by the user"),
    "busy": no(429, "Too Many Requests: retry after 3", retry_after=3),
    "broken": no(500, "Internal Server Error"),
}


def telegram_rig(api: fake_bot_api.FakeBotApi) -> Rig:
    async def lost() -> TelegramChannel:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        return TelegramChannel(make_bot(TOKEN, f"http://127.0.0.1:{port}"))

    def fail(fault: str) -> None:
        if fault == "cut_after":
            api.fail_after.append(cut)
        else:
            api.fail.append(FAULTS[fault])

    return Rig(
        channel=DriverRegistry.discover().build_channel("telegram", {"token": TOKEN, "api_url": api.base}),
        base_url="7001",
        group="-1007001",
        texts=lambda: [
            asked.fields.get("text", asked.fields.get("caption", ""))
            for asked in api.asked
            if asked.method.startswith("send")
        ],
        labels=lambda: fake_bot_api.keys(api.last()),
        fail=fail,
        put_file=api.files.__setitem__,
        lost=lost,
    )


RIGS = {"telegram": telegram_rig}


@pytest.mark.parametrize("driver", DriverRegistry.discover().list_names("chat"))
class TestEveryChannel(ChannelConformance):
    @pytest.fixture
    async def rig(self, driver: str, bot_api: fake_bot_api.FakeBotApi):
        rig = RIGS[driver](bot_api)
        yield rig
        await rig.channel.close()


@pytest.fixture
async def channel(bot_api: fake_bot_api.FakeBotApi):
    channel = TelegramChannel(make_bot(TOKEN, bot_api.base, request_seconds=1))
    yield channel
    await channel.close()


@pytest.mark.parametrize(
    ("fault", "kind", "code"),
    [
        (no(403, "Forbidden: user is deactivated"), "dead_address", "deactivated"),
        (
            no(403, "Forbidden: bot can't initiate conversation with a user"),
            "dead_address",
            "cannot_initiate",
        ),
        (no(403, "Forbidden: something new"), "dead_address", "forbidden"),
        (no(400, "Bad Request: chat not found"), "dead_address", "chat_not_found"),
        (no(400, "Bad Request: BUTTON_DATA_INVALID"), "permanent", "bad_request"),
        (no(401, "Unauthorized"), "permanent", "auth"),
        (no(404, "Not Found"), "permanent", "auth"),
        (no(409, "Conflict: terminated by other getUpdates request"), "transient", "409"),
        (no(413, "Request Entity Too Large"), "permanent", "too_large"),
        (no(429, "Too Many Requests"), "throttled", "429"),
        (no(418, "I'm a teapot"), "permanent", "refused"),
        (no(500, "Internal Server Error: restart"), "transient", "5xx"),
        (raw(502, "<html><h1>502 Bad Gateway</h1></html>"), "ambiguous", "http_502"),
        (raw(503, "<html>busy</html>"), "transient", "http_503"),
        (raw(500, ""), "ambiguous", "http_500"),
        (raw(200, '{"ok": true, "resu', "application/json"), "ambiguous", "http_200"),
        (raw(403, "<html>no</html>"), "transient", "http_403"),
        (silence, "ambiguous", "network"),
        (cut, "ambiguous", "network"),
    ],
)
async def test_ft20_ft23_ft24_ft25_each_failure_has_its_kind(channel, bot_api, fault, kind, code) -> None:
    bot_api.fail.append(fault)
    with pytest.raises(DeliveryError) as caught:
        await channel.send("7001", CARD)
    assert (caught.value.kind, caught.value.code) == (kind, code)
    assert TOKEN not in str(caught.value)
    receipt = await channel.send("7001", CARD)
    assert receipt.chat_id == "7001"


async def test_ft17_ft18_a_429_says_how_long_that_chat_waits(channel, bot_api) -> None:
    for seconds in (3, 3600):
        bot_api.fail.append(no(429, "Too Many Requests", retry_after=seconds))
        with pytest.raises(DeliveryError) as caught:
            await channel.send("7001", CARD)
        assert (caught.value.kind, caught.value.retry_after) == ("throttled", seconds)


async def test_ft21_a_group_that_moved_gives_its_new_address(channel, bot_api) -> None:
    bot_api.fail.append(
        no(
            400,
            "Bad Request: group chat was upgraded to a supergroup chat",
            migrate_to_chat_id=-100999,
        )
    )
    with pytest.raises(DeliveryError) as caught:
        await channel.send("-55", CARD)
    assert (caught.value.kind, caught.value.new_address) == ("dead_address", "-100999")


@pytest.mark.parametrize(
    ("faults", "kind"),
    [
        ([raw(404, "no")], "permanent"),
        ([raw(500, "no")], "transient"),
        # a GET cut off on a kept connection is asked once more by the client itself
        ([cut, cut], "transient"),
    ],
)
async def test_ft36_no_failure_of_a_download_shows_the_token(channel, bot_api, faults, kind) -> None:
    bot_api.files["F"] = b"1"
    bot_api.fail_download += faults
    with pytest.raises(DeliveryError) as caught:
        await channel.fetch("F", 10)
    assert caught.value.kind == kind
    assert TOKEN not in repr(caught.value) + str(caught.value)
    assert await channel.fetch("F", 10) == b"1"


async def test_a_card_answers_the_message_it_is_about_even_when_that_is_deleted(channel, bot_api) -> None:
    await channel.send("7001", CARD, reply_to="55")
    assert '"message_id": 55' in bot_api.last().fields["reply_parameters"]
    assert "allow_sending_without_reply" in bot_api.last().fields["reply_parameters"]
    await channel.send("7001", CARD, reply_to="５５; drop")
    assert "reply_parameters" not in bot_api.last().fields


async def test_links_are_not_previewed_and_nothing_is_parsed(channel, bot_api) -> None:
    await channel.send("7001", Card("见 https://example.com"))
    assert "parse_mode" not in bot_api.last().fields
    assert '"is_disabled": true' in bot_api.last().fields["link_preview_options"]


async def test_editing_a_card_that_has_a_file_edits_its_caption(channel, bot_api) -> None:
    bot_api.fail.append(no(400, "Bad Request: there is no text in the message to edit"))
    await channel.edit("7001", "5", Card("新"))
    assert (bot_api.last().method, bot_api.last().fields["caption"]) == ("editMessageCaption", "新")


async def test_a_card_without_buttons_takes_the_old_ones_away_ft14(channel, bot_api) -> None:
    await channel.edit("7001", "5", Card("已结束"))
    assert "reply_markup" not in bot_api.last().fields


async def test_ff13_a_file_name_is_never_a_path_and_keeps_its_kind(channel, bot_api) -> None:
    for name, sent in (
        ("../../x.pdf", "_.._x.pdf"),
        ("月" * 300 + ".docx", "月" * 119 + "….docx"),
        ('a"b\n.png', "a_b_.png"),
        ("", "file"),
    ):
        await channel.send("7001", Card("x", attachment=Document(name, b"1")))
        assert bot_api.last().fields["file_name"] == sent


def test_ft26_a_toast_is_cut_at_two_hundred() -> None:
    assert utf16_len(fit_toast("字" * 201)) == 200
    assert fit_toast("字" * 200) == "字" * 200
