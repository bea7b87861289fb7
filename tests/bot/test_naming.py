"""Whatever the bot says about a ticket names it by number and title (XM11); toasts keep to what the network counts."""

import pytest

from backend.domain.acts import Actor
from backend.domain.records import Message
from backend.domain.refusals import Refused
from backend.domain.ticket_enums import Role
from backend.office.people import PersonForm
from bot.wording import Wording
from notify.plain_text import utf16_len
from tests.bot.world import World

NAMED = "T1（人民大街路灯不亮）"
HANDLER = Actor("H2", Role.HANDLER, "U01")
#: what is replied to the card of a signed ticket, and a part of the answer
SAID = (
    ("答复 路灯已经更换，今晚起恢复照明。", "答复已提交"), ("进展 已派人到现场", "进展已反馈"),
    ("延期 2 等待配件", "是否已将延期原因告知"), ("延期 30 等待配件", "每次最多 7 个工作日"), ("延期 300 等待配件", "每次最多 7 个工作日"), ("退单 不属于本单位", "请补充"),
    ("办结 认可", "办结前请先填写答复"), ("答复 没办法", "温馨提示"), ("答复", "写明：答复"),
)  # fmt: skip


@pytest.mark.parametrize(("words", "answer"), SAID)
async def test_every_answer_names_its_ticket_by_number_and_title_XM11(world: World, words: str, answer: str) -> None:
    user = await world.bind("H1")
    await world.dispatch_ticket(title="人民大街路灯不亮")
    await world.act("sign", HANDLER)
    await user.reply(await world.send_card(user, "H1"), words)
    assert NAMED in (await user.expect(answer)).text


async def test_a_refusal_names_its_ticket_and_says_what_to_do_XM11(world: World) -> None:
    user = await world.bind("H1")
    await world.dispatch_ticket(title="人民大街路灯不亮")
    await user.reply(await world.send_card(user, "H1"), "答复 路灯已经更换，今晚起恢复照明。")
    refused = await user.expect("不能进行此项操作")
    assert NAMED in refused.text and "刷新" not in refused.text and "待办" in refused.text


async def test_a_confidential_tickets_title_stays_out_of_the_chat_XM11(world: World) -> None:
    user = await world.bind("H1")
    await world.dispatch_ticket(title="举报某人", flags=frozenset({"confidential"}))
    await user.reply(await world.send_card(user, "H1"), "签收")
    answer = await user.expect("已签收")
    assert "T1" in answer.text and "举报某人" not in answer.text


@pytest.mark.parametrize("signed", [False, True])
async def test_a_missed_call_names_its_ticket_and_says_what_to_do_M25_XM11(world: World, signed: bool) -> None:
    await world.bind("H1")
    assignment = await world.dispatch_ticket(title="人民大街路灯不亮")
    if signed:
        await world.act("sign", HANDLER)
    ticket = (await world.load()).ticket
    facts = {"n": 1, "at": world.at.isoformat(), "duty_phone": "0431-88881234"}
    message = Message(1, "call_missed", "telegram", "H1", ticket.id, assignment, 2, False, world.at, world.at, facts)
    rendered = await world.services.cards.render(message)
    assert rendered is not None
    text = rendered.card.text
    next_step = "办理并反馈" if signed else "签收"
    assert text.startswith(f"就一般工单 {NAMED}给您打的电话未接通（第1次，")
    assert text.endswith(f"请尽快{next_step}，值班电话 0431-88881234。")


@pytest.mark.parametrize(
    ("script", "begins", "says"),
    [
        ("supervise", "【紧急】督办电话未接通：", "请立即办理并反馈进展"),
        ("danger", "【紧急】紧急提醒电话未接通：", "可能危及人身安全的话。请立即查看工单"),
        ("notice", "就一般工单 ", "请尽快办理并反馈"),
    ],
)
@pytest.mark.parametrize("late", [False, True])
async def test_a_missed_call_about_what_cannot_wait_is_told_as_urgent_M25(
    world: World, script: str, begins: str, says: str, late: bool
) -> None:
    await world.bind("H1")
    assignment = await world.dispatch_ticket(title="人民大街路灯不亮")
    await world.act("sign", HANDLER)
    world.pass_time(days=30 if late else 0)
    facts = {"n": 2, "at": world.at.isoformat(), "script": script}
    ticket = (await world.load()).ticket
    message = Message(1, "call_missed", "telegram", "H1", ticket.id, assignment, 2, False, world.at, world.at, facts)
    rendered = await world.services.cards.render(message)
    assert rendered is not None
    text = rendered.card.text
    assert text.startswith(begins) and NAMED in text and says in text and "（第2次，" in text
    assert ("已超过办结时限" in text) is (late and script == "supervise")


@pytest.mark.parametrize(
    ("refused", "says"),
    [
        (Refused("already_there", unit="U01"), "（住建局）"),
        (Refused("overtaken", by="operator"), "由本机管理员"),
        (Refused("overtaken", by="H1"), "由李明"),
        (Refused("overtaken", by="system"), "由系统"),
    ],
)
async def test_people_and_units_are_named_and_not_coded(world: World, refused: Refused, says: str) -> None:
    assert says in await Wording(world.services).format_refusal(refused)


async def test_a_toast_is_cut_by_what_the_network_counts_FT26(world: World) -> None:
    user = await world.bind("H1")
    await world.people.save_people([PersonForm("😀" * 110, "U01", Role.HANDLER, "H2", "+8613800001002")], "admin")
    await world.dispatch_ticket()
    card = await world.send_card(user, "H1")
    await world.act("sign", HANDLER)
    toast = await user.press(card, "签收")
    assert toast is not None and toast.startswith("该工单已由 😀") and 198 < utf16_len(toast) <= 200
