"""The caption of a button, typed, is its press: at the question that shows it, and at no other (XM9)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.domain.captions import find_caption, read_captions
from sandbox.telegram.model import Message
from sandbox.telegram.users import ChatUser
from tests.bot.world import World

CAPTIONS = {"确认": "1", "取消": "2", "已解决，诉求人无异议": "3", "Confirm it": "4", "交办 第2供电所": "5"}
BEFORE = st.sampled_from(["", "✅", "👍 ", "1. ", "（2）", "③", "1️⃣ ", "１、", "- "])
AFTER = st.sampled_from(["", "。", "！", " ", "\u3000", "\n", "~", "👌"])


@given(st.sampled_from(sorted(CAPTIONS)), BEFORE, AFTER, st.sampled_from([str, str.upper, str.lower, str.title]))
def test_a_caption_is_known_in_any_width_case_and_spacing_after_a_sign_or_number_XM9(
    caption: str, before: str, after: str, cased: type[str]
) -> None:
    captions = read_captions(CAPTIONS.items())
    wide = "".join(chr(ord(sign) + 0xFEE0) if "!" <= sign <= "~" else sign for sign in caption)
    for written in (caption, wide, " ".join(caption), caption.replace("，", "")):
        assert find_caption(f"{before}{cased(written)}{after}", captions) == CAPTIONS[caption]


@given(st.text(max_size=8), st.sampled_from(sorted(CAPTIONS)))
def test_a_text_that_says_more_than_a_caption_is_none_XM9(more: str, caption: str) -> None:
    captions = read_captions(CAPTIONS.items())
    for text in (f"{caption}，路灯{more}", f"不{caption}", f"请{more}{caption}", "", "3", "✅"):
        assert find_caption(text, captions) is None


def test_a_caption_that_stands_on_two_buttons_presses_neither_XM9() -> None:
    assert read_captions([("督办", "1"), ("督办", "2"), ("T1", "3"), ("T1", "3"), ("👍", "4")]) == {"t1": "3"}


async def _ask_contact(world: World) -> tuple[ChatUser, Message]:
    """A person who was asked whether they reached the requester; their chat and the question."""
    user, _ = await world.sign_by_button()
    await user.press(await world.send_card(user, "H1"), "联系诉求人")
    return user, await user.expect("诉求人")


@pytest.mark.parametrize(
    ("typed", "way"), [("已电话联系上", "phone"), ("2、已 当 面 联系上！", "visit"), ("❌未联系上。", None)]
)
async def test_a_way_of_contact_is_typed_XM9(world: World, typed: str, way: str | None) -> None:
    user, asked = await _ask_contact(world)
    await user.say(typed)
    await user.expect("已记录")
    last = (await world.load()).last_entry
    assert last is not None and (last.verb, last.arguments.get("way")) == ("contact", way)
    assert asked.buttons == []  # as after a press
    await user.say(typed)  # it was answered: the words are words again
    await world.settle()
    assert (await world.list_verbs()).count("contact") == 1


@pytest.mark.parametrize(("typed", "answer", "verb"), [
    ("确认", "已发起督办", "supervise"), ("【确认】", "已发起督办", "supervise"), ("取消", "未作任何操作", "dispatch"),
])  # fmt: skip
async def test_an_order_is_confirmed_or_dropped_by_its_word_XM9_XM23(
    world: World, typed: str, answer: str, verb: str
) -> None:
    user = await world.bind("S1")
    await world.dispatch_ticket()
    await user.say("/supervise T1 超期未办")
    await user.expect("是否确认")
    await user.say("好的")  # no caption: the question stays
    await user.expect("没有识别到要办的事项")
    await user.say(typed)
    await user.expect(answer)
    assert (await world.list_verbs())[-1] == verb
    await user.say(typed)
    await user.expect("没有识别到要办的事项")


async def test_what_a_press_shows_as_a_toast_is_said_when_typed_XM9(world: World) -> None:
    user, card = await world.sign_by_button()
    await user.reply(card, "延期 3 等待检测结果")
    await user.expect("是否已将延期原因告知诉求人")
    await user.say("已当面告知")
    await user.expect("延期申请已提交")
    assert (await world.load_request()).facts["requester_informed"]["way"] == "visit"


async def test_a_kind_of_closing_is_typed_and_the_feedback_stays_what_it_was_XM8_XM9(world: World) -> None:
    user, card = await world.sign_by_button()
    await user.reply(card, "答复 已经联系并办理完毕，路灯恢复照明。")
    await user.expect("答复已提交")
    await user.reply(card, "办结 来电人表示知道了 原因：线路老化")
    await user.expect("请选择办结类型")
    await user.say("已解决 诉求人无异议")
    await user.expect("已办结。")
    assert (await world.state(), (await world.load_assignment()).feedback) == ("closed", "来电人表示知道了")


async def test_advice_is_followed_or_not_by_its_words_and_other_words_are_the_new_reply_XM9_XM32(world: World) -> None:
    user, card = await world.sign_by_button()
    for typed, answer in (("重新填写", "已返回"), ("仍然提交", "答复已提交")):
        await user.reply(card, "答复 已处理")
        await world.settle()
        await user.say(typed)
        await user.expect(answer)
    assert (await world.load_assignment()).reply_text == "已处理"


async def test_a_caption_is_a_free_answer_where_another_question_was_asked_since_XM9(world: World) -> None:
    user, _ = await _ask_contact(world)
    await user.press(await world.send_card(user, "H1"), "填写答复")
    await user.expect("写明：答复")
    await user.say("已电话联系上")  # too short, but a reply
    await user.expect("答复")
    await user.say("仍然提交")
    await user.expect("答复已提交")
    assert (await world.load_assignment()).reply_text == "已电话联系上"
    assert "contact" not in await world.list_verbs()


async def test_a_command_leaves_the_captions_and_a_reply_to_their_message_still_presses_XM9(world: World) -> None:
    user = await world.bind("S1")
    await world.dispatch_ticket()
    await user.say("/supervise T1 超期未办")
    asked = await user.expect("是否确认")
    await user.say("/help")
    await user.expect("/todo")
    await user.say("确认")
    await user.expect("没有识别到要办的事项")
    assert (await world.list_verbs())[-1] == "dispatch"
    await user.reply(asked, "确认")
    await user.expect("已发起督办")


async def test_the_latest_question_is_the_one_a_typed_word_answers_XM7_XM9(world: World) -> None:
    user = await world.bind("S1")
    for number in ("T1", "T2"):
        await world.dispatch_ticket(number)
        await user.say(f"/supervise {number} 超期未办")
        await user.expect(f"将对 {number}")
    await user.say("确认")
    await user.expect("已发起督办")
    assert (await world.list_verbs("T2"))[-1] == "supervise" and "supervise" not in await world.list_verbs("T1")


async def test_an_outdated_draft_is_refused_to_a_typed_word_as_to_a_press_XM7_XM9(world: World) -> None:
    user = await world.bind("S1")
    await world.dispatch_ticket()
    await user.say("/supervise T1 超期未办")
    asked = await user.expect("是否确认")
    await world.plant("DELETE FROM drafts")
    await user.say("确认")
    await user.expect("已经提交，或已被新的内容取代")
    await world.settle()
    assert asked.buttons == [] and (await world.list_verbs())[-1] == "dispatch"


async def test_of_several_tickets_one_is_chosen_by_typing_its_number_XM9_XM22(world: World) -> None:
    user = await world.bind("H1")
    for number in ("T1", "T2"):
        await world.dispatch_ticket(number)
    await user.say("进展 已派人到现场")
    await user.expect("是哪一件")
    await user.say("ｔ２")
    await user.expect("进展已反馈")
    assert (await world.list_verbs("T2"))[-1] == "report_progress"
    await user.say("T2")  # answered: the number shows its ticket again
    await user.expect("【新工单】T2")


@pytest.mark.parametrize(
    ("button", "answer"), [("联系诉求人", "请自行"), ("查看详情", "签收截止"), ("填写答复", "写明：答复")]
)
async def test_a_card_s_button_is_typed_as_a_reply_to_the_card_XM9(world: World, button: str, answer: str) -> None:
    user, _ = await world.sign_by_button()
    await user.reply(await world.send_card(user, "H1"), button)
    await user.expect(answer)


async def test_words_with_a_file_and_words_of_the_unbound_are_no_press_XM9_FT34(world: World) -> None:
    user, asked = await _ask_contact(world)
    await user.send_photo(caption="已电话联系上")
    await world.settle()
    assert "contact" not in await world.list_verbs()
    await world.people.drop_binding("H1", "telegram", "blocked")
    await user.reply(asked, "已电话联系上")
    await user.expect("绑定")
    assert "contact" not in await world.list_verbs()
