"""Mattermost's own: each failure's kind, text shown as it stands, buttons."""

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest
from aiohttp import web

from notify.channel import DeliveryError, EditResult
from notify.chat.mattermost.api import MattermostApi
from notify.chat.mattermost.channel import MattermostChannel
from notify.chat.mattermost.errors import to_delivery_error
from notify.chat.mattermost.markdown import escape
from notify.chat.mattermost.posts import Callbacks, build_post
from notify.driver import Health
from notify.message import Card, Document
from sandbox.faults import Fault
from sandbox.mattermost.markdown import find_markup, render
from sandbox.mattermost.model import make_id
from sandbox.mattermost.shapes import MESSAGE_LIMIT
from tests.notify.chat_conformance import CARD
from tests.notify.conftest import Serve
from tests.notify.mattermost_rigs import PUBLIC_URL, SECRET, TOKEN, World, open_world
from tests.notify.network_faults import cut, stay_silent

CALLBACKS = Callbacks(f"{PUBLIC_URL}/hooks/mattermost", SECRET)


@pytest.fixture
async def world(serve: Serve) -> AsyncIterator[World]:
    opened = await open_world(serve)
    yield opened
    await opened.server.drop_streams()
    await opened.network.close()


def refuse(status: int, code: str) -> tuple[int, bytes]:
    return status, json.dumps({"id": code, "message": f"{code} {TOKEN}", "status_code": status}).encode()


# -- failures


@pytest.mark.parametrize(
    ("answer", "kind", "code"),
    [
        (refuse(400, "api.post.create_post.can_not_post_to_deleted.error"), "dead_address", "archived"),
        (refuse(400, "api.post.create_post.can_not_post_in_restricted_dm.error"), "dead_address", "restricted"),
        (refuse(400, "model.post.is_valid.message_length.app_error"), "permanent", "bad_request"),
        (refuse(400, "api.post.update_post.permissions_time_limit.app_error"), "permanent", "edit_gone"),
        (refuse(400, "api.post.update_post.permissions_details.app_error"), "permanent", "edit_gone"),
        (refuse(400, "api.post.update_post.can_not_update_post_in_deleted.error"), "permanent", "edit_gone"),
        (refuse(401, "api.context.session_expired.app_error"), "permanent", "auth"),
        (refuse(403, "api.context.permissions.app_error"), "dead_address", "forbidden"),
        (refuse(404, "app.channel.get.existing.app_error"), "dead_address", "not_found"),
        (refuse(409, "new.error"), "permanent", "refused"),
        (refuse(413, "api.file.upload_file.too_large_detailed.app_error"), "permanent", "too_large"),
        (refuse(500, "app.post.save.app_error"), "ambiguous", "5xx"),
        (refuse(501, "api.not_licensed.app_error"), "permanent", "refused"),
        (refuse(503, "api.busy.app_error"), "transient", "http_503"),
        ((502, b"<html>502 Bad Gateway</html>"), "ambiguous", "http_502"),
        ((504, b""), "ambiguous", "http_504"),
        ((503, b"<html>busy</html>"), "transient", "http_503"),
        ((403, b"<html>no</html>"), "transient", "http_403"),
        ((404, b"[1]"), "transient", "http_404"),
    ],
)  # fmt: skip
def test_each_failure_has_its_kind_FT20_FT23_FT24(answer: tuple[int, bytes], kind: str, code: str) -> None:
    error = to_delivery_error(answer[0], {}, answer[1], doubtful=True, token=TOKEN)
    assert (error.kind, error.code) == (kind, code)
    assert TOKEN not in f"{error} {error!r}"
    again = to_delivery_error(answer[0], {}, answer[1], doubtful=False)
    assert again.kind == ("transient" if kind == "ambiguous" else kind), "what changes nothing twice may be made again"


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Retry-After": "3"}, 3.0),
        ({"X-Ratelimit-Reset": "7"}, 7.0),
        ({"Retry-After": "0", "X-Ratelimit-Reset": "7"}, 1.0),
        ({"X-Ratelimit-Reset": "1790000000"}, 1.0),
        ({"Retry-After": "soon"}, 1.0),
        ({"Retry-After": "nan"}, 1.0),
        ({"Retry-After": "-5"}, 1.0),
        ({}, 1.0),
    ],
)
def test_a_429_says_how_long_to_wait_or_a_second_FT17_FT18(headers: dict[str, str], seconds: float) -> None:
    error = to_delivery_error(429, headers, b"limit exceeded", doubtful=True)
    assert (error.kind, error.code, error.retry_after) == ("throttled", "429", seconds)


@pytest.mark.parametrize(("fault", "kind"), [(cut, "ambiguous"), (stay_silent, "ambiguous")])
async def test_a_send_that_was_cut_may_have_arrived_FT24_FT25(serve: Serve, fault: Any, kind: str) -> None:
    app = web.Application()
    app.router.add_post("/api/v4/posts", fault)
    channel = MattermostChannel(MattermostApi(await serve(app), TOKEN, seconds=0.5), CALLBACKS)
    with pytest.raises(DeliveryError) as caught:
        await channel.send(f"#{make_id('c', 1)}", CARD)
    assert (caught.value.kind, caught.value.code) == (kind, "network")
    await channel.close()


async def test_half_an_answer_may_be_a_whole_post_FT24(world: World) -> None:
    for fault in (Fault.TRUNCATED, Fault.EMPTY):
        world.server.faults.plan_next(fault, where="POST /posts")
        with pytest.raises(DeliveryError) as caught:
            await world.network.channel.send(world.user.channel.id, CARD)
        assert (caught.value.kind, len(world.user.posts) > 0) == ("ambiguous", True)


async def test_who_is_gone_is_told_apart_from_who_is_there_FT20(world: World) -> None:
    channel, group = world.network.channel, f"#{world.group.channel.id}"
    sent = await channel.send(group, Card("开会"))
    world.group.archive()
    assert await channel.edit(group, sent.provider_id, Card("改期")) is EditResult.GONE
    for address, code in ((group, "archived"), (make_id("c", 999), "not_found")):
        with pytest.raises(DeliveryError) as caught:
            await channel.send(address, Card("开会"))
        assert (caught.value.kind, caught.value.code) == ("dead_address", code)
    await channel.send(world.user.channel.id, CARD)
    world.user.deactivate()
    with pytest.raises(DeliveryError) as caught:
        await channel.send(world.user.channel.id, CARD)
    assert (caught.value.kind, caught.value.code) == ("dead_address", "deactivated")
    assert len(world.user.posts) == 1
    world.server.bot.delete_at = 1
    with pytest.raises(DeliveryError) as caught:
        await channel.send(group, CARD)
    assert (caught.value.kind, caught.value.code) == ("permanent", "auth")


async def test_who_is_hidden_from_us_is_written_to_all_the_same(world: World) -> None:
    world.server.hides_people = True
    await world.network.channel.send(world.user.channel.id, CARD)
    assert len(world.user.posts) == 1


async def test_what_cannot_be_edited_any_more_is_gone_FT22(world: World) -> None:
    channel = world.network.channel
    sent = await channel.send(world.user.channel.id, CARD)
    world.server.posts[sent.provider_id].delete_at = 1
    for message in (sent.provider_id, make_id("p", 999), "../users/me", ""):
        assert await channel.edit(world.user.channel.id, message, CARD) is EditResult.GONE
        await channel.remove_buttons(world.user.channel.id, message)


async def test_a_file_that_is_not_there_is_nobodys_death_and_no_path_leads_elsewhere(world: World) -> None:
    for reference in (make_id("f", 9), "../users/me"):
        with pytest.raises(DeliveryError) as caught:
            await world.network.channel.fetch(reference, 10)
        assert (caught.value.kind, caught.value.code) == ("permanent", "no_file")


async def test_a_card_with_a_file_is_one_post_with_it_FF13(world: World) -> None:
    await world.network.channel.send(world.user.channel.id, Card("月报", attachment=Document("../月报.docx", b"PK")))
    await world.network.channel.send(world.user.channel.id, Card("", attachment=Document("图.png", b"P")))
    post, silent = world.user.posts
    assert (silent.message, len(silent.files)) == ("", 1), "a picture needs no words"
    [file] = [world.server.files[one] for one in post.files]
    assert (file.name, file.content) == ("_月报.docx", b"PK")


async def test_a_token_of_a_person_is_noticed_by_the_doctor(world: World) -> None:
    world.server.bot.is_bot = False
    [found] = await world.network.examine()
    assert (found.health, found.what, found.facts) == (Health.NOTICE, "mattermost_person", {"name": "jiesu"})


# -- text


@pytest.mark.parametrize(
    "text",
    [
        "# 标题\n## 二级", "标题\n====\n另\n----", "*强* **调** _斜_ __粗__ ~~删~~ a_b_c", "`代码` ```块```", "    缩进\n\t缩进",
        "- 一\n* 二\n+ 三\n1. 四", "> 引用", "|甲|乙|\n|-|-|\n|丙|丁|", "***\n---\n___", "[链接](https://example.com) ![图](x) [a][b]",
        "https://example.com/x www.example.com example.com/ mailto:a@example.com tel:110 <http://a.b>", "a@example.com",
        "@channel @all @here @liming 请看", "#话题 #tag ~town-square", ":smile: :) ;) <3 </3 :+1: :100:", "&lt;b&gt; <b>急</b> <!-- x -->",
        "\\*反斜杠\\ \\\\a", "12:30 至 2026-11-09，电话 010-1234 5678", "-", "\\", "😀 𠮷",
    ],
)  # fmt: skip
def test_nothing_that_somebody_wrote_formats_links_or_mentions_FT27(text: str) -> None:
    escaped = escape(text)
    assert find_markup(escaped) == []
    assert render(escaped) == text
    assert len(escaped) <= 2 * len(text)


@pytest.mark.parametrize(
    "text",
    [
        "# a", "a\n---", "*a*", "**a**", "_a_", "__a__", "~~a~~", "`a`", "    a", "- a", "1. a", "> a", "|a|b|\n|-|-|", "[a](b)",
        "<http://a>", "https://a.b", "www.a.b", "a.com/", "mailto:x", "@channel", "#tag", "~town", ":smile:", ":)", "&lt;",
    ],
)  # fmt: skip
def test_what_does_is_seen_by_the_server_of_the_sandbox(text: str) -> None:
    assert find_markup(text)


def test_the_longest_text_fits_however_much_of_it_must_be_escaped_FT26() -> None:
    post = build_post(Card("*" * 20_000), CALLBACKS)
    assert len(str(post["message"])) <= MESSAGE_LIMIT and find_markup(str(post["message"])) == []


def test_a_toast_is_escaped_and_the_card_beside_it_is_the_same_as_an_edit() -> None:
    network = MattermostChannel(MattermostApi("https://chat.example", TOKEN), CALLBACKS)
    assert network.can.buttons
    from notify.chat.mattermost.receiver import MattermostReceiver

    receiver = MattermostReceiver(MattermostApi("https://chat.example", TOKEN), CALLBACKS, None)  # type: ignore[arg-type]
    answer = json.loads(receiver.render("@all *已签收*", CARD).text)
    assert render(answer["ephemeral_text"]) == "@all *已签收*" and find_markup(answer["ephemeral_text"]) == []
    assert answer["update"] == build_post(CARD, CALLBACKS) and answer["skip_slack_parsing"] is True
    assert json.loads(receiver.render("", None).text) == {"skip_slack_parsing": True}


def test_a_card_without_buttons_removes_the_old_ones_and_a_tone_colours_them_FT14() -> None:
    assert build_post(Card("已结束"), CALLBACKS)["props"] == {"attachments": []}
    urgent: Any = build_post(replace(CARD, tone="urgent"), CALLBACKS)["props"]
    assert [one["color"] for one in urgent["attachments"]] == ["#d24b4e"]
