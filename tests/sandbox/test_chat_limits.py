"""What the simulated Bot API refuses, limits and fails at, as aiogram, unmodified, reports it."""

import asyncio

import aiohttp
import pytest
from aiogram import Bot
from aiogram.exceptions import (
    ClientDecodeError,
    TelegramBadRequest,
    TelegramForbiddenError,
    TelegramNetworkError,
    TelegramRetryAfter,
    TelegramServerError,
    TelegramUnauthorizedError,
)
from aiogram.types import (
    BufferedInputFile,
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    KeyboardButton,
    ReplyKeyboardMarkup,
    ReplyParameters,
)

from sandbox.faults import Fault
from sandbox.simulator import Simulator
from sandbox.telegram.limits import RateLimits
from sandbox.telegram.users import ChatUser
from tests.sandbox.keyboard import build_keyboard
from tests.simulated_networks import TELEGRAM_TOKEN

LIMITS = [
    # text, keyboard, error (None: accepted)
    ("字" * 4096, None, None),
    ("字" * 4097, None, "message is too long"),
    ("😀" * 2048, None, None),
    ("😀" * 2049, None, "message is too long"),
    ("  \n ", None, "message text is empty"),
    ("<b>未闭合", None, "can't parse entities"),
    ("<x>y</x>", None, "can't parse entities"),
    ("<b>甲</i>", None, "can't parse entities"),
    ("5 < 6", None, "can't parse entities"),
    ("a &amp; b &lt;c&gt; <a href=\"https://x.cn\">y</a>", None, None),
    ("<b>" + "字" * 4096 + "</b>", None, None),
    ("好", build_keyboard("签", data="a" * 60), None),
    ("好", build_keyboard("签", data="a" * 61), "BUTTON_DATA_INVALID"),
    ("好", InlineKeyboardMarkup(inline_keyboard=[[InlineKeyboardButton(text="签", callback_data="字" * 22)]]), "BUTTON_DATA_INVALID"),
    ("好", InlineKeyboardMarkup(inline_keyboard=[[InlineKeyboardButton(text="签")]]), "Text buttons are unallowed"),
    ("好", InlineKeyboardMarkup(inline_keyboard=[[InlineKeyboardButton(text="签", url="http://127.0.0.1/x")]]), "Wrong HTTP URL"),
    ("好", ReplyKeyboardMarkup(keyboard=[[KeyboardButton(text="发送手机号", request_contact=True)]]), None),
]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "markup", "error"),
    [
        pytest.param(*row, id=str(number), marks=[pytest.mark.violates] if row[2] else [])
        for number, row in enumerate(LIMITS)
    ],
)
async def test_the_documented_limits_hold_FT26(
    bot: Bot, simulator: Simulator, li: ChatUser, text, markup, error
) -> None:
    if error is None:
        await bot.send_message(li.user_id, text, parse_mode="HTML", reply_markup=markup)
        assert simulator.list_violations() == []
        return
    with pytest.raises(TelegramBadRequest, match=error):
        await bot.send_message(li.user_id, text, parse_mode="HTML", reply_markup=markup)
    assert len(simulator.list_violations()) == 1


@pytest.mark.violates
async def test_captions_and_toasts_have_limits_FT26(bot: Bot, simulator: Simulator, li: ChatUser) -> None:
    with pytest.raises(TelegramBadRequest, match="caption is too long"):
        await bot.send_photo(li.user_id, BufferedInputFile(b"1", "1.jpg"), caption="字" * 1025)
    card = simulator.chat.send_as_bot(li.chat, text="卡", markup=build_keyboard("签").model_dump(exclude_none=True))
    pressing = asyncio.create_task(li.press(card, "签"))
    await asyncio.sleep(0)
    query = (await bot.get_updates())[-1].callback_query
    with pytest.raises(TelegramBadRequest, match="MESSAGE_TOO_LONG"):
        await bot.answer_callback_query(query.id, "字" * 201)
    await bot.answer_callback_query(query.id, "字" * 200, show_alert=True)
    assert await pressing == "字" * 200
    with pytest.raises(TelegramBadRequest, match="query is too old"):
        await bot.answer_callback_query(query.id)
    places = [violation.where for violation in simulator.chat.violations]
    assert places == ["sendPhoto", "answerCallbackQuery", "answerCallbackQuery"]


async def test_a_late_answer_to_a_press_is_refused_but_no_violation_FT12(
    bot: Bot, simulator: Simulator, li: ChatUser
) -> None:
    card = simulator.chat.send_as_bot(li.chat, text="卡", markup=build_keyboard("签").model_dump(exclude_none=True))
    simulator.chat.press_as_person(card, li.account, "x:签")
    simulator.chat.expire_presses()
    query = (await bot.get_updates())[-1].callback_query
    with pytest.raises(TelegramBadRequest, match="query is too old"):
        await bot.answer_callback_query(query.id)
    assert simulator.list_violations() == [] and len(simulator.chat.refused) == 1


async def test_edits_that_cannot_be_made_are_refused_but_no_violation_FT22(
    bot: Bot, simulator: Simulator, li: ChatUser
) -> None:
    sent = await bot.send_message(li.user_id, "卡", reply_markup=build_keyboard("签"))
    with pytest.raises(TelegramBadRequest, match="message is not modified"):
        await bot.edit_message_text(
            "卡", chat_id=li.user_id, message_id=sent.message_id, reply_markup=build_keyboard("签")
        )
    await bot.edit_message_reply_markup(chat_id=li.user_id, message_id=sent.message_id)
    assert li.get_last_message().buttons == []
    await bot.delete_message(li.user_id, sent.message_id)
    with pytest.raises(TelegramBadRequest, match="message to edit not found"):
        await bot.edit_message_text("新", chat_id=li.user_id, message_id=sent.message_id)
    with pytest.raises(TelegramBadRequest, match="message to be replied not found"):
        await bot.send_message(li.user_id, "答", reply_parameters=ReplyParameters(message_id=sent.message_id))
    assert simulator.list_violations() == []


async def test_a_bot_is_told_who_did_not_open_or_has_blocked_it_FT20(
    bot: Bot, simulator: Simulator, li: ChatUser
) -> None:
    unknown = simulator.chat.get_user("未开始", "+8613800009999")
    with pytest.raises(TelegramForbiddenError, match="can't initiate conversation"):
        await bot.send_message(unknown.user_id, "好")
    with pytest.raises(TelegramBadRequest, match="chat not found"):
        await bot.send_message(42, "好")
    li.block()
    with pytest.raises(TelegramForbiddenError, match="bot was blocked by the user"):
        await bot.send_message(li.user_id, "好")
    li.unblock()
    await bot.send_message(li.user_id, "好")
    changes = [update.my_chat_member for update in await bot.get_updates() if update.my_chat_member]
    assert [change.new_chat_member.status for change in changes] == ["kicked", "member"]
    li.account.deactivated = True
    with pytest.raises(TelegramForbiddenError, match="deactivated"):
        await bot.send_message(li.user_id, "好")


@pytest.mark.violates
async def test_messages_are_limited_per_chat_per_group_and_overall_FT19(
    bot: Bot, simulator: Simulator, li: ChatUser
) -> None:
    for _ in range(5):
        await bot.send_message(li.user_id, "快")
    with pytest.raises(TelegramRetryAfter) as caught:
        await bot.send_message(li.user_id, "快")
    assert caught.value.retry_after >= 1 and len(simulator.chat.violations) == 1
    now = [0.0]
    limits = RateLimits(lambda: now[0])
    for number in range(30):
        limits.acquire(number, group=False)
    with pytest.raises(Exception, match="retry after 1"):
        limits.acquire(99, group=False)
    for number in range(20):
        now[0] = 10 + number * 1.5
        limits.acquire(-5, group=True)
    now[0] = 50
    with pytest.raises(Exception, match="retry after 20"):
        limits.acquire(-5, group=True)
    simulator.chat.limits.enabled = False
    for _ in range(10):
        await bot.send_message(li.user_id, "快")


async def test_one_chat_can_be_slowed_down_FT17(bot: Bot, simulator: Simulator, li: ChatUser) -> None:
    simulator.chat.limits.slow_down(li.user_id, 3)
    with pytest.raises(TelegramRetryAfter) as caught:
        await bot.send_message(li.user_id, "快")
    assert caught.value.retry_after == 3 and simulator.list_violations() == []
    simulator.chat.limits.slow_down(li.user_id, 0)
    await bot.send_message(li.user_id, "快")


FAULTS = [
    (Fault.BAD_GATEWAY, ClientDecodeError, 0),
    (Fault.SERVER_ERROR, TelegramServerError, 0),
    (Fault.TOO_MANY, TelegramRetryAfter, 0),
    (Fault.EMPTY, ClientDecodeError, 1),
    (Fault.TRUNCATED, ClientDecodeError, 1),
    (Fault.CUT_BEFORE, TelegramNetworkError, 0),
    (Fault.CUT_AFTER, TelegramNetworkError, 1),
]


@pytest.mark.parametrize(("fault", "error", "arrived"), FAULTS)
async def test_the_server_can_fail_in_many_ways_FT23_FT24(
    bot: Bot, simulator: Simulator, li: ChatUser, fault, error, arrived
) -> None:
    simulator.chat.faults.plan_next(fault, where="sendMessage")
    await bot.get_me()
    with pytest.raises(error):
        await bot.send_message(li.user_id, "好")
    assert li.list_unexpected() == ["好"] * arrived
    await bot.send_message(li.user_id, "再")
    assert simulator.list_violations() == []


@pytest.mark.violates
async def test_a_wrong_token_and_an_unknown_method_are_refused(base_url: str, bot: Bot, simulator: Simulator) -> None:
    with pytest.raises(TelegramUnauthorizedError):
        await Bot("1:wrong", session=bot.session).get_me()
    assert simulator.list_violations() == []
    async with (
        aiohttp.ClientSession() as http,
        http.post(f"{base_url}/sandbox/telegram/bot{TELEGRAM_TOKEN}/sendLove") as answer,
    ):
        assert (answer.status, (await answer.json())["description"]) == (404, "Not Found")
    assert len(simulator.list_violations()) == 1
