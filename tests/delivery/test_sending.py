"""A dispatch becomes a card in every handler's chat, once, and a letter that no longer matters is not sent."""

from datetime import timedelta

from backend.domain.records import Message
from backend.domain.ticket import Grade
from backend.ports.moves import TicketRef
from tests.delivery.world import DISPATCHER, HANDLER, REVIEWER, SUPERVISOR, House


async def test_a_dispatch_becomes_a_card_with_deadlines_and_buttons_and_no_person_in_it(house: House) -> None:
    await house.dispatched()
    assert await house.courier.run_once() == 2
    cards = house.channel.sent
    assert sorted(c.base_url for c in cards) == ["chat-H1", "chat-H2"]
    assert cards[0].buttons == ["签收", "查看详情"]
    assert "【新工单】T1" in cards[0].text and "类别：求助" in cards[0].text and "周三" in cards[0].text
    assert "13800001234" not in cards[0].text and "王小明" not in cards[0].text and "欧阳" not in cards[0].text
    assert await house.courier.run_once() == 0
    states = await house.states()
    assert states["M1", "H1"] == ["sent"] and states["M1", "H2"] == ["sent"]


async def test_an_urgent_card_says_how_long_is_left_and_offers_the_duty_officer(house: House) -> None:
    await house.dispatched(grade=Grade.URGENT)
    await house.courier.run_once()
    card = house.channel.sent[0]
    assert "【紧急工单】T1" in card.text and "剩余 2小时" in card.text
    assert card.buttons == ["签收", "查看详情", "转值班人员"]


async def test_in_strict_privacy_and_for_a_confidential_ticket_the_card_has_neither_place_nor_text(
    house: House,
) -> None:
    await house.ticket()
    await house.act("flag", DISPATCHER, confidential=True, reason="当事人要求")
    await house.act("dispatch", DISPATCHER, unit="U01")
    await house.courier.run_once()
    assert "人民大街" not in house.channel.sent[0].text and "路灯" not in house.channel.sent[0].text


async def test_a_long_hostile_text_makes_a_card_of_at_most_900_characters(house: House) -> None:
    await house.dispatched(text="<b>&\x0b" + "路灯不亮，" * 4000)
    await house.courier.run_once()
    assert len(house.channel.sent[0].text) <= 900 and "<b>&" in house.channel.sent[0].text


async def test_a_card_that_comes_too_late_is_not_sent_FW18(house: House) -> None:
    await house.dispatched()
    await house.act("sign", HANDLER)
    await house.courier.run_once()
    assert house.channel.sent == []
    assert (await house.states())["M1", "H1"] == ["skipped"]


async def test_a_reminder_whose_deadline_was_moved_out_meanwhile_is_not_sent_FS13(house: House) -> None:
    await house.dispatched()
    await house.act("sign", HANDLER)
    await house.courier.run_once()
    snap = await house.desk.moves.load(TicketRef(no="T1"))
    assert snap is not None and snap.lead is not None
    due = snap.lead.close_due_at
    await house.desk.ensure_ids()
    duty = next(d for d in snap.duties if d.kind == "close")
    now = house.at
    reminder = Message(house.desk.new_id(), "M4", "telegram", "H1", snap.ticket.id, snap.lead.id, 3, False, now, now,
                      {"due": due.isoformat(), "duty": duty.id})  # fmt: skip
    informed = {"at": now.isoformat(), "way": "phone"}
    await house.act("extend", HANDLER, new_due_at=(due + timedelta(days=2)).isoformat(), reason="等材料",
                    requester_informed=informed)  # fmt: skip
    await house.act("decide_extension", REVIEWER, accept=True)
    await house.messages.add([reminder])
    await house.courier.run_once()
    assert not any("请抓紧办理；确需延期" in s.text for s in house.channel.to("chat-H1"))
    assert (await house.states())["M4", "H1"] == ["skipped"]


async def test_after_signing_everybodys_card_shows_it_and_carries_the_next_buttons(house: House) -> None:
    await house.dispatched()
    await house.courier.run_once()
    await house.act("sign", HANDLER)
    assert await house.courier.run_once() == 2
    shown = house.channel.edits
    assert {e.base_url for e in shown} == {"chat-H1", "chat-H2"}
    assert "已签收：H1某（" in shown[0].text
    assert shown[0].buttons == ["联系诉求人", "填写答复", "申请退单", "申请延期", "查看详情"]
    await house.act("reply", HANDLER, text="已修复", way="phone")
    await house.courier.run_once()
    assert "办结" in house.channel.edits[-1].buttons and "已答复：H1某" in house.channel.edits[-1].text
    await house.act("close", HANDLER, feedback="满意", no_objection=True)
    await house.courier.run_once()
    assert house.channel.edits[-1].buttons == [] and "已办结（" in house.channel.edits[-1].text
    assert "按时" in house.channel.edits[-1].text
    assert any("已办结：T1" in s.text for s in house.channel.to("chat-H1"))


async def test_a_reassigned_card_loses_its_buttons_FT14(house: House) -> None:
    await house.dispatched()
    await house.courier.run_once()
    await house.act("reassign", DISPATCHER, unit="U02", reason="职责")
    await house.courier.run_once()
    last = [e for e in house.channel.edits if e.base_url == "chat-H1"][-1]
    assert last.buttons == [] and "已改派" in last.text
    assert "【新工单】T1" in house.channel.to("chat-H9")[0].text
    assert any("已改派，您无需继续办理" in s.text for s in house.channel.to("chat-H1"))


async def test_a_reviewers_card_carries_the_request_and_loses_its_buttons_when_decided(house: House) -> None:
    await house.dispatched()
    await house.act("sign", HANDLER)
    await house.act("return", HANDLER, reason="不属于本单位，联系人张三丰13912345678", files=["f1"], signed_by="seal")
    await house.courier.run_once()
    card = house.channel.to("chat-R1")[0]
    assert card.buttons == ["同意", "不同意", "查看材料"]
    assert "待审核退单：T1，住建局" in card.text and "13912345678" not in card.text
    snap = await house.moves.load(TicketRef(no="T1"))
    assert snap is not None
    assert card.data["同意"] == f"1.y.{snap.requests[0].id}.0"
    assert any("退单申请已提交：T1" in s.text and "在签收时限内" in s.text for s in house.channel.to("chat-H1"))
    await house.act("decide_return", REVIEWER, accept=False, reason="属于贵单位")
    await house.courier.run_once()
    edit = [e for e in house.channel.edits if e.base_url == "chat-R1"][-1]
    assert edit.buttons == [] and "审核结果：不同意（R1某" in edit.text and "属于贵单位" in edit.text
    assert any("退单未通过：T1" in s.text for s in house.channel.to("chat-H1"))


async def test_every_letter_the_desk_writes_can_be_read(house: House) -> None:
    await house.dispatched()
    await house.courier.run_once()
    await house.act("sign", HANDLER)
    await house.act("supervise", SUPERVISOR, reason="群众催办")
    await house.courier.run_once()
    assert "反馈进展" in house.channel.to("chat-H1")[-1].buttons
    assert house.channel.edits[-1].buttons[0] == "反馈进展" and "【督办中】" in house.channel.edits[-1].text
    await house.act("report_progress", HANDLER, text="正在抢修")
    informed = {"at": house.at.isoformat(), "way": "phone"}
    due = (house.at + timedelta(days=8)).isoformat()
    await house.act("extend", HANDLER, new_due_at=due, reason="等检测", requester_informed=informed)
    await house.courier.run_once()
    assert "正在抢修" in house.channel.to("chat-S1")[-1].text
    assert house.channel.to("chat-R1")[-1].buttons == ["同意", "不同意"]
    await house.act("decide_extension", REVIEWER, accept=False, reason="理由不足")
    await house.act("close", HANDLER, text="已答复", feedback="无", close_type="explained_unresolvable",
                    explanation="政策所限")  # fmt: skip
    await house.courier.run_once()
    assert any("待审核办结（解释类）" in s.text for s in house.channel.to("chat-S1"))
    await house.act("decide_close", SUPERVISOR, accept=False, reason="解释不充分")
    await house.courier.run_once()
    assert any("解释类办结未通过" in s.text for s in house.channel.to("chat-H1"))
    await house.act("cancel", DISPATCHER, reason="诉求人撤回")
    await house.courier.run_once()
    assert any("已撤回，您无需" in s.text for s in house.channel.to("chat-H1"))
    assert all(s in ("sent", "skipped", "pending") for ss in (await house.states()).values() for s in ss)
