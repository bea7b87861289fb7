"""aiogram, unmodified, talks to our Bot API server."""

import asyncio

import pytest
from aiogram import Bot, Dispatcher, F, Router
from aiogram.exceptions import (
    ClientDecodeError,
    TelegramBadRequest,
    TelegramConflictError,
    TelegramForbiddenError,
    TelegramMigrateToChat,
    TelegramNetworkError,
    TelegramRetryAfter,
    TelegramServerError,
    TelegramUnauthorizedError,
)
from aiogram.types import (
    BotCommand,
    BufferedInputFile,
    CallbackQuery,
    ForceReply,
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    InputMediaDocument,
    InputMediaPhoto,
    KeyboardButton,
    Message,
    ReplyKeyboardMarkup,
    ReplyParameters,
)

from sandbox.faults import Fault
from sandbox.simulator import Simulator
from sandbox.telegram.limits import RateLimits
from sandbox.telegram.users import ChatUser

PHONE = "+8613800001234"


def keyboard(*labels: str, data: str = "x") -> InlineKeyboardMarkup:
    return InlineKeyboardMarkup(
        inline_keyboard=[[InlineKeyboardButton(text=one, callback_data=f"{data}:{one}") for one in labels]]
    )


@pytest.fixture
async def li(town: Simulator) -> ChatUser:
    user = town.chat.get_user("李明", PHONE)
    await user.start()
    return user


async def test_a_bot_learns_who_it_is_and_names_its_commands(bot: Bot, town: Simulator) -> None:
    assert (await bot.get_me()).id == 123456789
    await bot.set_my_commands([BotCommand(command="todo", description="我的待办")])
    assert town.chat.commands[0]["command"] == "todo"
    assert (await bot.get_my_commands())[0].description == "我的待办"
    assert town.list_violations() == []


async def test_a_card_is_sent_pressed_answered_and_edited(bot: Bot, town: Simulator, li: ChatUser) -> None:
    router = Router()

    @router.callback_query(F.data == "x:签收")
    async def signed(query: CallbackQuery) -> None:
        await query.message.edit_text("已签收", reply_markup=None)
        await query.answer("签收成功")

    dispatcher = Dispatcher()
    dispatcher.include_router(router)
    polling = asyncio.create_task(dispatcher.start_polling(bot, handle_signals=False, polling_timeout=2))
    await bot.send_message(
        li.user_id, "【新工单】<b>T1</b> &lt;急&gt;", parse_mode="HTML", reply_markup=keyboard("签收", "查看详情")
    )
    card = await li.expect("【新工单】T1 <急>")
    assert card.buttons == ["签收", "查看详情"]
    assert card.entities == [{"type": "bold", "offset": 5, "length": 2}]
    assert await li.press("签收") == "签收成功"
    assert await li.expect("已签收", edit=True) is card
    assert card.buttons == [] and card.edited
    await town.settle()
    assert li.list_unexpected() == [] and town.list_violations() == []
    await dispatcher.stop_polling()
    await polling


async def test_people_send_words_replies_photos_papers_and_contacts(bot: Bot, town: Simulator, li: ChatUser) -> None:
    await bot.send_message(li.user_id, "卡片", reply_markup=ForceReply())
    card = await li.expect("卡片")
    await li.reply(card, "签收")
    await li.send_photo(b"\xff\xd8jpeg", caption="现场", reply_to=card)
    await li.send_document("说明.pdf", b"%PDF-1.4", reply_to=card)
    await li.share_contact()
    mine = await li.say("改前")
    await li.edit(mine, "改后")
    await li.send_voice()
    await li.send_sticker()
    await li.send_location(43.9, 125.3)
    await li.send_album([b"1", b"2"], caption="两张")
    updates = await bot.get_updates()
    start, reply, photo, paper, contact, before, after, voice, sticker, place, one, two = updates
    assert start.message.text == "/start" and start.message.entities[0].type == "bot_command"
    assert reply.message.reply_to_message.message_id == card.id and reply.message.text == "签收"
    assert photo.message.caption == "现场"
    assert (await bot.download(photo.message.photo[-1])).read() == b"\xff\xd8jpeg"
    assert (await bot.download(paper.message.document)).read() == b"%PDF-1.4"
    assert contact.message.contact.user_id == li.user_id and contact.message.contact.phone_number == PHONE[1:]
    assert before.message.text == "改前" and after.edited_message.text == "改后"
    assert voice.message.voice and sticker.message.sticker and place.message.location
    assert one.message.media_group_id == two.message.media_group_id is not None
    assert await bot.get_updates(offset=updates[-1].update_id + 1) == []


async def test_files_and_albums_from_the_bot_arrive(bot: Bot, town: Simulator, li: ChatUser) -> None:
    big = b"x" * 3_000_000
    sent = await bot.send_document(
        li.user_id, BufferedInputFile(big, "通报.docx"), caption="通报", reply_markup=keyboard("好")
    )
    assert sent.document.file_size == 3_000_000
    await bot.send_photo(li.user_id, BufferedInputFile(b"png", "a.png"))
    again = await bot.send_document(li.user_id, sent.document.file_id)
    assert again.document.file_id == sent.document.file_id
    album = [
        InputMediaPhoto(media=BufferedInputFile(b"1", "1.jpg"), caption="两张"),
        InputMediaPhoto(media=BufferedInputFile(b"2", "2.jpg")),
    ]
    assert len(await bot.send_media_group(li.user_id, album)) == 2
    await li.expect("通报")
    assert town.list_violations() == []
    with pytest.raises(TelegramBadRequest):
        await bot.send_media_group(
            li.user_id, [InputMediaDocument(media="nothing"), InputMediaDocument(media="nothing")]
        )


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
    ("好", keyboard("签", data="a" * 60), None),
    ("好", keyboard("签", data="a" * 61), "BUTTON_DATA_INVALID"),
    ("好", InlineKeyboardMarkup(inline_keyboard=[[InlineKeyboardButton(text="签", callback_data="字" * 22)]]), "BUTTON_DATA_INVALID"),
    ("好", InlineKeyboardMarkup(inline_keyboard=[[InlineKeyboardButton(text="签")]]), "Text buttons are unallowed"),
    ("好", InlineKeyboardMarkup(inline_keyboard=[[InlineKeyboardButton(text="签", url="http://127.0.0.1/x")]]), "Wrong HTTP URL"),
    ("好", ReplyKeyboardMarkup(keyboard=[[KeyboardButton(text="发送手机号", request_contact=True)]]), None),
]  # fmt: skip


@pytest.mark.parametrize(("text", "markup", "error"), LIMITS, ids=range(len(LIMITS)))
async def test_FT26_the_documented_limits_hold(bot: Bot, town: Simulator, li: ChatUser, text, markup, error) -> None:
    if error is None:
        await bot.send_message(li.user_id, text, parse_mode="HTML", reply_markup=markup)
        assert town.list_violations() == []
        return
    with pytest.raises(TelegramBadRequest, match=error):
        await bot.send_message(li.user_id, text, parse_mode="HTML", reply_markup=markup)
    assert len(town.list_violations()) == 1


async def test_FT26_captions_and_toasts_have_limits(bot: Bot, town: Simulator, li: ChatUser) -> None:
    with pytest.raises(TelegramBadRequest, match="caption is too long"):
        await bot.send_photo(li.user_id, BufferedInputFile(b"1", "1.jpg"), caption="字" * 1025)
    card = town.chat.send_as_bot(li.chat, text="卡", markup=keyboard("签").model_dump(exclude_none=True))
    pressing = asyncio.create_task(li.press(card, "签"))
    await asyncio.sleep(0)
    query = (await bot.get_updates())[-1].callback_query
    with pytest.raises(TelegramBadRequest, match="MESSAGE_TOO_LONG"):
        await bot.answer_callback_query(query.id, "字" * 201)
    await bot.answer_callback_query(query.id, "字" * 200, show_alert=True)
    assert await pressing == "字" * 200
    with pytest.raises(TelegramBadRequest, match="query is too old"):
        await bot.answer_callback_query(query.id)
    assert [one.where for one in town.chat.violations] == ["sendPhoto", "answerCallbackQuery", "answerCallbackQuery"]


async def test_FT12_a_late_answer_is_too_old_without_blame(bot: Bot, town: Simulator, li: ChatUser) -> None:
    card = town.chat.send_as_bot(li.chat, text="卡", markup=keyboard("签").model_dump(exclude_none=True))
    town.chat.press_as_person(card, li.account, "x:签")
    town.chat.expire_presses()
    query = (await bot.get_updates())[-1].callback_query
    with pytest.raises(TelegramBadRequest, match="query is too old"):
        await bot.answer_callback_query(query.id)
    assert town.list_violations() == [] and len(town.chat.refused) == 1


async def test_FT22_edits_that_cannot_be_are_refused_without_blame(bot: Bot, town: Simulator, li: ChatUser) -> None:
    sent = await bot.send_message(li.user_id, "卡", reply_markup=keyboard("签"))
    with pytest.raises(TelegramBadRequest, match="message is not modified"):
        await bot.edit_message_text("卡", chat_id=li.user_id, message_id=sent.message_id, reply_markup=keyboard("签"))
    await bot.edit_message_reply_markup(chat_id=li.user_id, message_id=sent.message_id)
    assert li.get_last_message().buttons == []
    await bot.delete_message(li.user_id, sent.message_id)
    with pytest.raises(TelegramBadRequest, match="message to edit not found"):
        await bot.edit_message_text("新", chat_id=li.user_id, message_id=sent.message_id)
    with pytest.raises(TelegramBadRequest, match="message to be replied not found"):
        await bot.send_message(li.user_id, "答", reply_parameters=ReplyParameters(message_id=sent.message_id))
    assert town.list_violations() == []


async def test_FT20_a_bot_is_told_when_it_is_not_wanted(bot: Bot, town: Simulator, li: ChatUser) -> None:
    stranger = town.chat.get_user("未开始", "+8613800009999")
    with pytest.raises(TelegramForbiddenError, match="can't initiate conversation"):
        await bot.send_message(stranger.user_id, "好")
    with pytest.raises(TelegramBadRequest, match="chat not found"):
        await bot.send_message(42, "好")
    li.block()
    with pytest.raises(TelegramForbiddenError, match="bot was blocked by the user"):
        await bot.send_message(li.user_id, "好")
    li.unblock()
    await bot.send_message(li.user_id, "好")
    assert [one.my_chat_member.new_chat_member.status for one in await bot.get_updates() if one.my_chat_member] == [
        "kicked",
        "member",
    ]
    li.account.deactivated = True
    with pytest.raises(TelegramForbiddenError, match="deactivated"):
        await bot.send_message(li.user_id, "好")


async def test_FT21_a_group_becomes_a_supergroup(bot: Bot, town: Simulator, li: ChatUser) -> None:
    group = town.chat.create_group("工单群", [li])
    await bot.send_message(group.chat.id, "派单", reply_markup=keyboard("签"))
    moved = group.migrate()
    with pytest.raises(TelegramMigrateToChat) as caught:
        await bot.send_message(group.chat.id, "派单")
    assert caught.value.migrate_to_chat_id == moved.chat.id
    await bot.send_message(moved.chat.id, "派单")
    await moved.get_participant(li).expect("派单")
    await moved.get_participant(li).say("收到")
    last = (await bot.get_updates())[-1].message
    assert last.chat.type == "supergroup" and last.from_user.id == li.user_id


async def test_FT19_the_pace_is_limited_per_chat_group_and_overall(bot: Bot, town: Simulator, li: ChatUser) -> None:
    for _ in range(5):
        await bot.send_message(li.user_id, "快")
    with pytest.raises(TelegramRetryAfter) as caught:
        await bot.send_message(li.user_id, "快")
    assert caught.value.retry_after >= 1 and len(town.chat.violations) == 1
    tick = [0.0]
    limits = RateLimits(lambda: tick[0])
    for number in range(30):
        limits.acquire(number, group=False)
    with pytest.raises(Exception, match="retry after 1"):
        limits.acquire(99, group=False)
    for number in range(20):
        tick[0] = 10 + number * 1.5
        limits.acquire(-5, group=True)
    tick[0] = 50
    with pytest.raises(Exception, match="retry after 20"):
        limits.acquire(-5, group=True)
    town.chat.limits.enabled = False
    for _ in range(10):
        await bot.send_message(li.user_id, "快")


async def test_FT17_one_chat_can_be_slowed_down(bot: Bot, town: Simulator, li: ChatUser) -> None:
    town.chat.limits.slow_down(li.user_id, 3)
    with pytest.raises(TelegramRetryAfter) as caught:
        await bot.send_message(li.user_id, "快")
    assert caught.value.retry_after == 3 and town.list_violations() == []
    town.chat.limits.slow_down(li.user_id, 0)
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
async def test_FT23_FT24_the_server_can_fail_in_many_ways(
    bot: Bot, town: Simulator, li: ChatUser, fault, error, arrived
) -> None:
    town.chat.faults.plan_next(fault, where="sendMessage")
    await bot.get_me()
    with pytest.raises(error):
        await bot.send_message(li.user_id, "好")
    assert li.list_unexpected() == ["好"] * arrived
    await bot.send_message(li.user_id, "再")
    assert town.list_violations() == []


async def test_FT30_the_older_of_two_pollers_is_sent_away(bot: Bot, town: Simulator) -> None:
    first = asyncio.create_task(bot.get_updates(timeout=20))
    await asyncio.sleep(0.1)
    second = asyncio.create_task(bot.get_updates(timeout=20))
    with pytest.raises(TelegramConflictError, match="terminated by other getUpdates"):
        await first
    await town.chat.get_user("李明", PHONE).say("在吗")
    assert (await second)[0].message.text == "在吗"


async def test_a_webhook_gets_updates_in_order_until_it_takes_them(
    bot: Bot, town: Simulator, office, li: ChatUser
) -> None:
    office.update_status = [500, 200, 200, 502, 200]
    await bot.set_webhook(f"{office.url}/hooks/telegram", secret_token="geheim_1")
    with pytest.raises(TelegramConflictError, match="webhook is active"):
        await bot.get_updates()
    await li.say("一")
    await li.say("二")
    await town.settle()
    assert [one["message"]["text"] for one in office.updates] == ["/start", "一", "二"]
    assert set(office.secrets) == {"geheim_1"}
    info = await bot.get_webhook_info()
    assert info.pending_update_count == 0 and "502" in info.last_error_message
    town.chat.updates.copies = 5
    await li.say("三")
    await town.settle()
    assert [one["message"]["text"] for one in office.updates][3:] == ["三"] * 5
    office.on_update = _answer
    town.chat.updates.copies = 1
    await li.say("四")
    await li.expect("四!")
    await bot.delete_webhook()
    assert await bot.get_updates() == []


async def _answer(body: dict) -> dict:
    return {"method": "sendMessage", "chat_id": body["message"]["chat"]["id"], "text": body["message"]["text"] + "!"}


async def test_strangers_and_unknown_methods_are_refused(base: str, bot: Bot, town: Simulator) -> None:
    with pytest.raises(TelegramUnauthorizedError):
        await Bot("1:wrong", session=bot.session).get_me()
    assert town.list_violations() == []


async def test_FT27_hostile_text_is_shown_literally(bot: Bot, town: Simulator, li: ChatUser) -> None:
    hostile = "_*[]()~`>#+-=|{}.! \u202e\u200b😀 \x00 & <b>"
    await bot.send_message(li.user_id, hostile)
    assert "& <b>" in li.get_last_message().text and "\x00" not in li.get_last_message().text
    with pytest.raises(TelegramBadRequest, match="is reserved"):
        await bot.send_message(li.user_id, "1.2", parse_mode="MarkdownV2")
    await bot.send_message(li.user_id, r"*粗* 1\.2 [链](https://x.cn)", parse_mode="MarkdownV2")
    assert li.get_last_message().text == "粗 1.2 链"
    assert [one["type"] for one in li.get_last_message().entities] == ["bold", "text_link"]


async def test_a_message_nobody_expected_is_left_over(bot: Bot, town: Simulator, li: ChatUser) -> None:
    await bot.send_message(li.user_id, "意外")
    assert li.list_unexpected() == ["意外"] and len(town.chat.list_unexpected()) == 1
    with pytest.raises(AssertionError, match="never saw '别的'"):
        await li.expect("别的", timeout=0.05)
    assert isinstance(await bot.send_message(li.user_id, "x"), Message)
