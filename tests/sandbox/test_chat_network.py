"""aiogram, unmodified, talks to the simulated Bot API: messages, presses, files, groups, updates."""

import asyncio

import pytest
from aiogram import Bot, Dispatcher, F, Router
from aiogram.exceptions import TelegramBadRequest, TelegramConflictError, TelegramMigrateToChat
from aiogram.types import (
    BotCommand,
    BufferedInputFile,
    CallbackQuery,
    ForceReply,
    InputMediaDocument,
    InputMediaPhoto,
)  # fmt: skip

from sandbox.simulator import Simulator
from sandbox.telegram.users import ChatUser
from tests.sandbox.conftest import LI, FakeOffice
from tests.sandbox.keyboard import build_keyboard


async def test_a_bot_learns_who_it_is_and_sets_its_commands(bot: Bot, simulator: Simulator) -> None:
    assert (await bot.get_me()).id == 123456789
    await bot.set_my_commands([BotCommand(command="todo", description="我的待办")])
    assert simulator.chat.commands[0]["command"] == "todo"
    assert (await bot.get_my_commands())[0].description == "我的待办"
    assert simulator.list_violations() == []


async def test_a_card_is_sent_pressed_answered_and_edited(bot: Bot, simulator: Simulator, li: ChatUser) -> None:
    router = Router()

    @router.callback_query(F.data == "x:签收")
    async def signed(query: CallbackQuery) -> None:
        await query.message.edit_text("已签收", reply_markup=None)
        await query.answer("签收成功")

    dispatcher = Dispatcher()
    dispatcher.include_router(router)
    polling = asyncio.create_task(dispatcher.start_polling(bot, handle_signals=False, polling_timeout=2))
    await bot.send_message(
        li.user_id, "【新工单】<b>T1</b> &lt;急&gt;", parse_mode="HTML", reply_markup=build_keyboard("签收", "查看详情")
    )
    card = await li.expect("【新工单】T1 <急>")
    assert card.buttons == ["签收", "查看详情"]
    assert card.entities == [{"type": "bold", "offset": 5, "length": 2}]
    assert await li.press("签收") == "签收成功"
    assert await li.expect("已签收", edit=True) is card
    assert card.buttons == [] and card.edited
    await simulator.settle()
    assert li.list_unexpected() == [] and simulator.list_violations() == []
    await dispatcher.stop_polling()
    await polling


async def test_people_send_texts_replies_photos_documents_and_contacts(
    bot: Bot, simulator: Simulator, li: ChatUser
) -> None:
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
    start, reply, photo, document, contact, before, after, voice, sticker, location, first, second = updates
    assert start.message.text == "/start" and start.message.entities[0].type == "bot_command"
    assert reply.message.reply_to_message.message_id == card.id and reply.message.text == "签收"
    assert photo.message.caption == "现场"
    assert (await bot.download(photo.message.photo[-1])).read() == b"\xff\xd8jpeg"
    assert (await bot.download(document.message.document)).read() == b"%PDF-1.4"
    assert contact.message.contact.user_id == li.user_id and contact.message.contact.phone_number == LI[1:]
    assert before.message.text == "改前" and after.edited_message.text == "改后"
    assert voice.message.voice and sticker.message.sticker and location.message.location
    assert first.message.media_group_id == second.message.media_group_id is not None
    assert await bot.get_updates(offset=updates[-1].update_id + 1) == []


@pytest.mark.violates
async def test_files_and_albums_from_the_bot_arrive(bot: Bot, simulator: Simulator, li: ChatUser) -> None:
    big = b"x" * 3_000_000
    sent = await bot.send_document(
        li.user_id, BufferedInputFile(big, "通报.docx"), caption="通报", reply_markup=build_keyboard("好")
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
    assert simulator.list_violations() == []
    with pytest.raises(TelegramBadRequest):
        await bot.send_media_group(
            li.user_id, [InputMediaDocument(media="nothing"), InputMediaDocument(media="nothing")]
        )


async def test_a_group_becomes_a_supergroup_FT21(bot: Bot, simulator: Simulator, li: ChatUser) -> None:
    group = simulator.chat.create_group("工单群", [li])
    await bot.send_message(group.chat.id, "派单", reply_markup=build_keyboard("签"))
    moved = group.migrate()
    with pytest.raises(TelegramMigrateToChat) as caught:
        await bot.send_message(group.chat.id, "派单")
    assert caught.value.migrate_to_chat_id == moved.chat.id
    await bot.send_message(moved.chat.id, "派单")
    await moved.get_participant(li).expect("派单")
    await moved.get_participant(li).say("收到")
    last = (await bot.get_updates())[-1].message
    assert last.chat.type == "supergroup" and last.from_user.id == li.user_id


async def test_the_older_of_two_pollers_is_sent_away_FT30(bot: Bot, simulator: Simulator) -> None:
    first = asyncio.create_task(bot.get_updates(timeout=20))
    await asyncio.sleep(0.1)
    second = asyncio.create_task(bot.get_updates(timeout=20))
    with pytest.raises(TelegramConflictError, match="terminated by other getUpdates"):
        await first
    await simulator.chat.get_user("李明", LI).say("在吗")
    assert (await second)[0].message.text == "在吗"


async def test_a_webhook_gets_updates_in_order_until_it_takes_them(
    bot: Bot, simulator: Simulator, office: FakeOffice, li: ChatUser
) -> None:
    office.update_statuses = [500, 200, 200, 502, 200]
    await bot.set_webhook(f"{office.url}/hooks/telegram", secret_token="geheim_1")
    with pytest.raises(TelegramConflictError, match="webhook is active"):
        await bot.get_updates()
    await li.say("一")
    await li.say("二")
    await simulator.settle()
    assert [update["message"]["text"] for update in office.updates] == ["/start", "一", "二"]
    assert set(office.update_secrets) == {"geheim_1"}
    info = await bot.get_webhook_info()
    assert info.pending_update_count == 0 and "502" in info.last_error_message
    simulator.chat.updates.copies = 5
    await li.say("三")
    await simulator.settle()
    assert [update["message"]["text"] for update in office.updates][3:] == ["三"] * 5
    office.on_update = echo
    simulator.chat.updates.copies = 1
    await li.say("四")
    await li.expect("四!")
    await bot.delete_webhook()
    assert await bot.get_updates() == []


def echo(update: dict) -> dict:
    """Answer a webhook with a method, as the Bot API allows."""
    message = update["message"]
    return {"method": "sendMessage", "chat_id": message["chat"]["id"], "text": message["text"] + "!"}


@pytest.mark.violates
async def test_hostile_text_is_shown_literally_FT27(bot: Bot, simulator: Simulator, li: ChatUser) -> None:
    hostile = "_*[]()~`>#+-=|{}.! \u202e\u200b😀 \x00 & <b>"
    await bot.send_message(li.user_id, hostile)
    assert "& <b>" in li.get_last_message().text and "\x00" not in li.get_last_message().text
    with pytest.raises(TelegramBadRequest, match="is reserved"):
        await bot.send_message(li.user_id, "1.2", parse_mode="MarkdownV2")
    await bot.send_message(li.user_id, r"*粗* 1\.2 [链](https://x.cn)", parse_mode="MarkdownV2")
    assert li.get_last_message().text == "粗 1.2 链"
    assert [entity["type"] for entity in li.get_last_message().entities] == ["bold", "text_link"]


async def test_a_message_nobody_expected_is_listed(bot: Bot, simulator: Simulator, li: ChatUser) -> None:
    await bot.send_message(li.user_id, "意外")
    assert li.list_unexpected() == ["意外"] and len(simulator.chat.list_unexpected()) == 1
    with pytest.raises(AssertionError, match="never saw '别的'"):
        await li.expect("别的", timeout=0.05)
    await bot.send_message(li.user_id, "别的")
    await li.expect("别的")
    assert li.list_unexpected() == ["意外"]
