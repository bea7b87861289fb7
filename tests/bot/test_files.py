"""Photos and documents sent in chat: whatever is confirmed is on the ticket, at every moment of its life (XM6)."""

from collections.abc import Awaitable, Callable

import pytest

from backend.domain.acts import Actor
from backend.domain.ticket_enums import Role
from sandbox.telegram.model import Message
from sandbox.telegram.users import ONE_PIXEL_JPEG, ChatUser
from tests.bot.world import DISPATCHER, World

REPLY = "答复 路灯已经更换，今晚起恢复照明。"
Life = Callable[[ChatUser, Message], Awaitable[object]]

#: what has been done when the photo comes, by replying to the card
MOMENTS: dict[str, tuple[str, ...]] = {
    "signed": (), "replied": (REPLY,), "extension_review": ("延期 2 等待配件，已电话告知",),
    "progress": ("进展 已派人到现场",), "closed": (REPLY, "办结 诉求人无异议"),
}  # fmt: skip


@pytest.mark.parametrize("moment", MOMENTS)
async def test_a_photo_sent_at_any_moment_is_on_the_ticket_once_it_is_confirmed_XM6(world: World, moment: str) -> None:
    user, card = await world.sign_by_button()
    for words in MOMENTS[moment]:
        await user.reply(card, words)
        await world.settle()
    before = await world.list_verbs()
    await user.send_photo(reply_to=card)
    await user.expect("已收到材料 1 份，附在 T1")
    await world.settle()
    assert (await world.list_verbs()) == [*before, "attach"]
    (file, assignment) = (await world.load()).ticket.files[0]
    assert assignment == (await world.load_assignment()).id
    shown = await world.services.queries.load_history((await world.load()).ticket.id, None)
    assert shown.lines[-1].arguments["files"] == [file]


@pytest.mark.parametrize("words", [REPLY, "进展 已派人到现场", "延期 2 等待配件，已电话告知"])
async def test_a_photo_with_words_goes_with_the_act_they_become_XM6(world: World, words: str) -> None:
    user, card = await world.sign_by_button()
    await user.send_photo(caption=words, reply_to=card)
    await world.settle()
    history = await world.services.queries.load_history((await world.load()).ticket.id, None)
    (file, _) = (await world.load()).ticket.files[0]
    assert history.lines[-1].verb != "attach" and history.lines[-1].arguments["files"] == [file]


async def test_a_photo_sent_between_reply_and_closing_can_be_opened_afterwards_XM6(world: World) -> None:
    user, card = await world.sign_by_button()
    await user.reply(card, REPLY)
    await user.expect("答复已提交")
    await user.send_photo(reply_to=card)
    await user.expect("已收到材料 1 份")
    await user.reply(card, "办结 诉求人无异议")
    await world.settle()
    assert await world.state() == "closed"
    press = await user.press_data(card, await world.encode_press("view_files"))
    assert press.toast == "材料已发出。"
    await user.expect("photo.jpg")


async def test_what_is_not_attached_is_not_confirmed_XM6(world: World) -> None:
    user, card = await world.sign_by_button()
    await world.act("reassign", DISPATCHER, unit="U02")
    await user.send_photo(reply_to=card)
    await world.settle()
    assert not any("已收到" in text for text in user.list_unexpected())
    assert (await world.load()).ticket.files == ()


async def test_an_album_is_attached_whole_and_confirmed_once_XM6(world: World) -> None:
    user, card = await world.sign_by_button()
    await user.send_album([ONE_PIXEL_JPEG] * 3, reply_to=card)
    await world.settle()
    assert len((await world.load()).ticket.files) == 3
    await user.expect("已收到材料")
    assert not any("已收到" in text for text in user.list_unexpected())


async def test_files_attached_before_are_the_statement_of_a_return(world: World) -> None:
    user, card = await world.sign_by_button()
    await user.send_document(reply_to=card)
    await user.expect("已收到材料 1 份")
    await user.reply(card, "退单 不属于本单位职责，已盖公章")
    await world.settle()
    assert await world.state() == "return_review"
    assert (await world.load_request()).facts["files"] == [file for file, _ in (await world.load()).ticket.files]


@pytest.mark.parametrize("tickets", [1, 3])
async def test_a_loose_photo_is_kept_until_its_ticket_is_chosen_XM6_XM9(world: World, tickets: int) -> None:
    user = await world.bind("H1")
    for number in range(1, tickets + 1):
        await world.dispatch_ticket(f"T{number}")
    await user.send_album([ONE_PIXEL_JPEG] * 2)
    question = await user.expect("？")
    await world.settle()
    assert "已收到材料 2 份，附在 T1" in (await user.press(question, "附上" if tickets == 1 else "T1") or "")
    await world.settle()
    assert len((await world.load("T1")).ticket.files) == 2 and not question.buttons


async def test_other_units_files_stay_theirs(world: World) -> None:
    user, card = await world.sign_by_button()
    await user.send_document(reply_to=card)
    await user.expect("已收到材料 1 份")
    await world.act("reassign", DISPATCHER, unit="U02")
    other = await world.bind("H9")
    press = await other.press_data(await world.send_card(other, "H9"), await world.encode_press("view_files"))
    assert press.toast == "没有随附的材料。"


async def test_what_a_requester_sent_is_opened_from_the_card_masked_and_on_record_XM25(world: World) -> None:
    user, other = await world.bind("H1"), await world.bind("H9")
    office = Actor("D1", Role.DISPATCHER, "M01")
    stored = await world.services.files.store("张三13800001234拍摄.jpg", ONE_PIXEL_JPEG, office)
    await world.dispatch_ticket(files=((stored.id, 0),))
    card = await world.send_card(user, "H1")
    assert "查看材料" in card.buttons
    assert await user.press(card, "查看材料") == "材料已发出。"
    await world.settle()
    sent = next(m for m in user.messages if m.from_bot and m.kind == "photo")
    assert "13800001234" not in sent.text
    assert "file_opened" in await world.list_audit_events()
    await other.press_data(await world.send_card(other, "H9"), await world.encode_press("view_files"))
    assert (await world.list_audit_events()).count("file_opened") == 1
