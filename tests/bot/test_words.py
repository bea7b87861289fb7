"""Chinese words work as commands, and a ticket's number may stand before or after the keyword (XM9, XM22)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.domain.reply_parser import parse_command, parse_reply, parse_sole_number, split_number
from tests.bot.world import World

NUMBERS = st.from_regex(r"[A-Z]{1,4}[0-9]{2,12}(-[0-9]{1,3})?", fullmatch=True)
ACTS = st.sampled_from(["答复", "办结", "进展", "退单", "延期 3"])


@given(NUMBERS, ACTS, st.text("灯路已修好配件等待中", min_size=4))
def test_a_number_is_found_before_and_after_the_keyword_XM22(number: str, act: str, text: str) -> None:
    keyword, _, days = act.partition(" ")
    wanted = parse_reply(f"{act} {text}")
    for said in (f"{number} {act} {text}", f"{number}：{act}：{text}", f"{keyword} {number} {days} {text}"):
        found = split_number(said)
        assert found is not None and found[0] == number and parse_reply(found[1]) == wanted, said


@given(NUMBERS, st.sampled_from(["{}", " {} ", "{}。", "【{}】"]))
def test_nothing_but_a_number_is_a_ticket_to_be_shown_XM22(number: str, said: str) -> None:
    assert parse_sole_number(said.format(number)) == number
    assert not any(parse_sole_number(other) for other in (f"{number} 已修好", "3", "ok", ""))


@given(ACTS, st.text("灯路已修好配件等待中", min_size=4))
def test_text_without_a_number_is_left_as_it_is_XM22(act: str, text: str) -> None:
    assert split_number(f"{act} {text}") is None and split_number(text) is None


@pytest.mark.parametrize(("text", "command"), [
    ("待办", ("todo", "")), ("我的待办。", ("todo", "")), ("查看 JS0001", ("ticket", "JS0001")), ("查看JS0001", ("ticket", "JS0001")),
    ("查看工单", ("ticket", "")), ("状态", ("status", "")), ("排名 2026-10", ("rank", "2026-10")), ("单位 住建", ("unit", "住建")),
    ("超期 3 天未办", None), ("查看现场后答复", None), ("状态良好", None), ("你好", None), ("", None),
])  # fmt: skip
def test_words_that_are_commands_XM9(text: str, command: tuple[str, str] | None) -> None:
    assert parse_command(text) == command


@pytest.mark.parametrize("said", ["T2 进展 已派人到现场", "进展 T2 已派人到现场", "T2：进展：已派人到现场"])
async def test_of_several_tickets_the_one_named_is_meant_XM22(world: World, said: str) -> None:
    user = await world.bind("H1")
    for number in ("T1", "T2"):
        await world.dispatch_ticket(number)
    await user.say(said)
    await user.expect("进展已反馈")
    assert (await world.list_verbs("T2"))[-1] == "report_progress" and "report_progress" not in await world.list_verbs(
        "T1"
    )
    other = await world.bind("H9")
    await other.say("T2 进展 已派人到现场")
    await other.expect("没有找到该工单")


@pytest.mark.parametrize("number", ["t2", "Ｔ２", "ｔ２", "\u200eT2\u200f", "\ufeffＴ\u200b2"])
async def test_a_number_is_understood_however_it_is_typed_XM22(world: World, number: str) -> None:
    user, supervisor = await world.bind("H1"), await world.bind("S1")
    for no in ("T1", "T2"):
        await world.dispatch_ticket(no)
    await user.say(f"{number} 进展 已派人到现场")
    await user.expect("进展已反馈")
    assert (await world.list_verbs("T2"))[-1] == "report_progress"
    for said in (number, f"查看{number}", f"／ticket\u3000{number}"):
        await user.say(said)
        await user.expect("T2")
    await supervisor.say(f"/supervise {number}\u3000超期未办")
    assert "已发起督办" in (await supervisor.press(await supervisor.expect("将对 T2"), "确认") or "")
    assert (await world.list_verbs("T2"))[-1] == "supervise" and "supervise" not in await world.list_verbs("T1")


async def test_a_number_alone_shows_its_ticket_to_those_who_may_see_it_XM22(world: World) -> None:
    user, reviewer, other = await world.bind("H1"), await world.bind("R1"), await world.bind("H9")
    for number in ("T1", "T2"):
        await world.dispatch_ticket(number)
    await user.say("T2")
    await user.expect("【新工单】T2")
    await reviewer.say("T2。")
    await reviewer.expect("【工单】T2")
    for number in ("T2", "T99"):  # hidden or unknown: the same answer
        await other.say(number)
        await other.expect("没有找到该工单")


@pytest.mark.parametrize("said", ["查看工单", "/ticket", "待办"])
async def test_without_a_number_ones_own_tickets_are_offered_XM22(world: World, said: str) -> None:
    user, reviewer = await world.bind("H1"), await world.bind("R1")
    await world.dispatch_ticket(title="人民大街路灯不亮")
    await user.say(said)
    assert (await user.expect("T1（人民大街路灯不亮）")).buttons == ["T1"]
    await user.press("T1")
    await user.expect("【新工单】T1")
    if said != "待办":
        await reviewer.say(said)
        await reviewer.press(await reviewer.expect("要查看的工单"), "T1")
        await reviewer.expect("【工单】T1")


async def test_a_word_that_may_be_the_answer_to_a_question_is_taken_as_one_XM9(world: World) -> None:
    user = await world.bind("S1")
    await world.dispatch_ticket()
    card = await user.press_data(await world.send_card(user, "S1"), await world.encode_press("supervise"))
    assert card.toast == "请按提示回复消息。"
    await user.expect("写明督办事由")
    await user.say("超期")
    await user.expect("已发起督办")


async def test_a_seal_of_receipt_for_a_ticket_that_is_not_there_says_so_XM22(world: World) -> None:
    user, _ = await world.sign_by_button()
    await user.say("签收 yl5")
    await user.expect("没有找到该工单")
