"""Every channel that is found keeps what channels promise; Telegram's own failures and limits besides."""

import pytest

from notify.channel import DeliveryError
from notify.chat.telegram.channel import TelegramChannel, fit_toast
from notify.chat.telegram.session import make_bot
from notify.driver_registry import DriverRegistry
from notify.message import Card, Document
from notify.plain_text import utf16_len
from tests.notify.channel_conformance import CARD, ChannelConformance, Rig
from tests.notify.conftest import Serve
from tests.notify.fake_bot_api import FakeBotApi, refuse, respond_raw
from tests.notify.mattermost_rigs import open_mattermost_rig
from tests.notify.network_faults import cut, find_closed_url, stay_silent

TOKEN = "424242:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw"
FAULTS = {
    "gone": refuse(400, "Bad Request: message to edit not found"),
    "unchanged": refuse(400, "Bad Request: message is not modified: specified new message content and reply…"),
    "refused_address": refuse(403, "Forbidden: bot was blocked by the user"),
    "busy": refuse(429, "Too Many Requests: retry after 3", retry_after=3),
    "broken": refuse(500, "Internal Server Error"),
}


def build_telegram_rig(api: FakeBotApi) -> Rig:
    def fail(fault: str) -> None:
        if fault == "cut_after":
            api.failures_after.append(cut)
        else:
            api.failures.append(FAULTS[fault])

    return Rig(
        channel=DriverRegistry.discover().build_network("telegram", {"token": TOKEN, "api_url": api.url}).channel,
        address="7001",
        group="-1007001",
        list_texts=lambda: [
            request.fields.get("text", request.fields.get("caption", ""))
            for request in api.requests
            if request.method.startswith("send")
        ],
        list_labels=lambda: api.get_last().list_labels(),
        fail=fail,
        put_file=api.files.__setitem__,
        build_unreachable=lambda: TelegramChannel(make_bot(TOKEN, find_closed_url())),
    )


async def open_telegram_rig(serve: Serve) -> Rig:
    api = FakeBotApi()
    api.url = await serve(api.build_app())
    return build_telegram_rig(api)


RIGS = {"mattermost": open_mattermost_rig, "telegram": open_telegram_rig}


@pytest.mark.parametrize("driver", DriverRegistry.discover().list_names("chat"))
class TestEveryChannel(ChannelConformance):
    @pytest.fixture
    async def rig(self, driver: str, serve: Serve):
        rig = await RIGS[driver](serve)
        yield rig
        await rig.channel.close()


@pytest.fixture
async def channel(bot_api: FakeBotApi):
    channel = TelegramChannel(make_bot(TOKEN, bot_api.url))
    yield channel
    await channel.close()


@pytest.mark.parametrize(
    ("fault", "kind", "code"),
    [
        (refuse(403, "Forbidden: user is deactivated"), "dead_address", "deactivated"),
        (
            refuse(403, "Forbidden: bot can't initiate conversation with a user"),
            "dead_address",
            "cannot_initiate",
        ),
        (refuse(403, "Forbidden: something new"), "dead_address", "forbidden"),
        (refuse(400, "Bad Request: chat not found"), "dead_address", "chat_not_found"),
        (refuse(400, "Bad Request: BUTTON_DATA_INVALID"), "permanent", "bad_request"),
        (refuse(401, "Unauthorized"), "permanent", "auth"),
        (refuse(404, "Not Found"), "permanent", "auth"),
        (refuse(409, "Conflict: terminated by other getUpdates request"), "transient", "409"),
        (refuse(413, "Request Entity Too Large"), "permanent", "too_large"),
        (refuse(429, "Too Many Requests"), "throttled", "429"),
        (refuse(418, "I'm a teapot"), "permanent", "refused"),
        (refuse(500, "Internal Server Error: restart"), "transient", "5xx"),
        (respond_raw(502, "<html><h1>502 Bad Gateway</h1></html>"), "ambiguous", "http_502"),
        (respond_raw(503, "<html>busy</html>"), "transient", "http_503"),
        (respond_raw(500, ""), "ambiguous", "http_500"),
        (respond_raw(200, '{"ok": true, "resu', "application/json"), "ambiguous", "http_200"),
        (respond_raw(403, "<html>no</html>"), "transient", "http_403"),
        (stay_silent, "ambiguous", "network"),
        (cut, "ambiguous", "network"),
    ],
)
async def test_each_failure_has_its_kind_FT20_FT23_FT24_FT25(bot_api, fault, kind, code) -> None:
    bot_api.failures.append(fault)
    channel = TelegramChannel(make_bot(TOKEN, bot_api.url, request_seconds=1 if fault is stay_silent else 30))
    with pytest.raises(DeliveryError) as caught:
        await channel.send("7001", CARD)
    assert (caught.value.kind, caught.value.code) == (kind, code)
    assert TOKEN not in str(caught.value)
    receipt = await channel.send("7001", CARD)
    assert receipt.chat_id == "7001"
    await channel.close()


async def test_a_429_says_how_long_that_chat_waits_FT17_FT18(channel, bot_api) -> None:
    for seconds in (3, 3600):
        bot_api.failures.append(refuse(429, "Too Many Requests", retry_after=seconds))
        with pytest.raises(DeliveryError) as caught:
            await channel.send("7001", CARD)
        assert (caught.value.kind, caught.value.retry_after) == ("throttled", seconds)


async def test_a_group_that_became_a_supergroup_gives_its_new_address_FT21(channel, bot_api) -> None:
    bot_api.failures.append(
        refuse(
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
        ([respond_raw(404, "no")], "permanent"),
        ([respond_raw(500, "no")], "transient"),
        # a GET cut off on a kept connection is asked once more by the client itself
        ([cut, cut], "transient"),
    ],
)
async def test_no_failure_of_a_download_shows_the_token_FT36(channel, bot_api, faults, kind) -> None:
    bot_api.files["F"] = b"1"
    bot_api.download_failures += faults
    with pytest.raises(DeliveryError) as caught:
        await channel.fetch("F", 10)
    assert caught.value.kind == kind
    assert TOKEN not in repr(caught.value) + str(caught.value)
    assert await channel.fetch("F", 10) == b"1"


async def test_a_card_is_sent_as_a_reply_even_when_the_message_it_replies_to_was_deleted(channel, bot_api) -> None:
    await channel.send("7001", CARD, reply_to="55")
    assert '"message_id": 55' in bot_api.get_last().fields["reply_parameters"]
    assert "allow_sending_without_reply" in bot_api.get_last().fields["reply_parameters"]
    await channel.send("7001", CARD, reply_to="５５; drop")
    assert "reply_parameters" not in bot_api.get_last().fields


async def test_links_are_not_previewed_and_no_markup_is_parsed(channel, bot_api) -> None:
    await channel.send("7001", Card("见 https://example.com"))
    assert "parse_mode" not in bot_api.get_last().fields
    assert '"is_disabled": true' in bot_api.get_last().fields["link_preview_options"]


async def test_editing_a_card_that_has_a_file_edits_its_caption(channel, bot_api) -> None:
    bot_api.failures.append(refuse(400, "Bad Request: there is no text in the message to edit"))
    await channel.edit("7001", "5", Card("新"))
    assert (bot_api.get_last().method, bot_api.get_last().fields["caption"]) == ("editMessageCaption", "新")


async def test_an_edit_without_buttons_removes_the_old_ones_FT14(channel, bot_api) -> None:
    await channel.edit("7001", "5", Card("已结束"))
    assert "reply_markup" not in bot_api.get_last().fields


async def test_a_file_name_is_never_a_path_and_keeps_its_ending_FF13(channel, bot_api) -> None:
    for name, sent_name in (
        ("../../x.pdf", "_.._x.pdf"),
        ("月" * 300 + ".docx", "月" * 119 + "….docx"),
        ('a"b\n.png', "a_b_.png"),
        ("", "file"),
    ):
        await channel.send("7001", Card("x", attachment=Document(name, b"1")))
        assert bot_api.get_last().fields["file_name"] == sent_name


def test_a_toast_is_cut_at_200_characters_FT26() -> None:
    assert utf16_len(fit_toast("字" * 201)) == 200
    assert fit_toast("字" * 200) == "字" * 200
