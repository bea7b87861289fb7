"""A dispatch becomes one card in every handler's chat, kept up to date; a message that no longer matters is not sent."""

from datetime import timedelta

from backend.domain.ticket_enums import Grade
from tests.delivery.world import DISPATCHER, HANDLER, REVIEWER, SUPERVISOR, World


async def test_a_dispatch_becomes_a_card_with_deadlines_and_buttons_and_nothing_about_the_requester(
    world: World,
) -> None:
    await world.dispatch_ticket()
    assert await world.worker.run_once() == 2
    cards = world.channel.sent
    assert sorted(c.address for c in cards) == ["chat-H1", "chat-H2"]
    assert cards[0].buttons == ["签收", "查看详情"]
    assert "【新工单】T1" in cards[0].text and "类别：求助" in cards[0].text and "周三" in cards[0].text
    assert "13800001234" not in cards[0].text and "王小明" not in cards[0].text and "欧阳" not in cards[0].text
    assert await world.worker.run_once() == 0
    states = await world.list_states()
    assert states["ticket_dispatched", "H1"] == ["sent"] and states["ticket_dispatched", "H2"] == ["sent"]


async def test_an_urgent_card_says_how_long_is_left_and_offers_the_duty_officer(world: World) -> None:
    await world.dispatch_ticket(grade=Grade.URGENT)
    await world.worker.run_once()
    card = world.channel.sent[0]
    assert "【紧急工单】T1" in card.text and "剩余 2小时" in card.text
    assert card.buttons == ["签收", "查看详情", "转值班人员"]


async def test_the_card_of_a_confidential_ticket_has_neither_place_nor_text(world: World) -> None:
    await world.create_ticket()
    await world.act("flag", DISPATCHER, confidential=True, reason="当事人要求")
    await world.act("dispatch", DISPATCHER, unit="U01")
    await world.worker.run_once()
    assert "人民大街" not in world.channel.sent[0].text and "路灯" not in world.channel.sent[0].text


async def test_a_card_shows_the_door_of_a_place_to_the_unit_that_goes_there_alone_XM13(world: World) -> None:
    await world.dispatch_ticket(place="春城小区3号楼501室")
    await world.worker.run_once()
    assert "春城小区3号楼501室" in world.channel.sent[0].text
    snap, people = await world.load(), (await world.office.snapshot()).by_code
    for person, place in ((DISPATCHER, "3号楼501室"), (SUPERVISOR, "3号楼*室")):
        card = await world.renderer.render_full_card(snap, people[person.code])
        assert place in str(card.text)


async def test_a_long_hostile_text_makes_a_card_of_at_most_900_characters(world: World) -> None:
    await world.dispatch_ticket(text="<b>&\x0b" + "路灯不亮，" * 4000)
    await world.worker.run_once()
    assert len(world.channel.sent[0].text) <= 900 and "<b>&" in world.channel.sent[0].text


async def test_a_card_that_comes_too_late_is_not_sent_FW18(world: World) -> None:
    await world.dispatch_ticket()
    await world.act("sign", HANDLER)
    await world.worker.run_once()
    assert world.channel.sent == []
    assert (await world.list_states())["ticket_dispatched", "H1"] == ["skipped"]


async def test_a_reminder_whose_deadline_was_moved_out_meanwhile_is_not_sent_FS13(world: World) -> None:
    await world.dispatch_ticket()
    await world.act("sign", HANDLER)
    await world.worker.run_once()
    snap = await world.load()
    assert snap.lead is not None
    due = snap.lead.close_due_at
    duty = next(d for d in snap.duties if d.kind == "close")
    informed = {"at": world.at.isoformat(), "way": "phone"}
    await world.act("extend", HANDLER, new_due_at=(due + timedelta(days=2)).isoformat(), reason="等材料",
                    requester_informed=informed)  # fmt: skip
    await world.act("decide_extension", REVIEWER, accept=True)
    await world.add_message(
        "close_reminder", "H1", ticket_version=3, urgent=False, facts={"due": due.isoformat(), "duty": duty.id}
    )
    await world.worker.run_once()
    assert not any("请抓紧办理；确需延期" in s.text for s in world.channel.list_sent("chat-H1"))
    assert (await world.list_states())["close_reminder", "H1"] == ["skipped"]


async def test_after_signing_every_handlers_card_shows_it_and_the_next_buttons(world: World) -> None:
    await world.dispatch_ticket()
    await world.worker.run_once()
    await world.act("sign", HANDLER)
    assert await world.worker.run_once() == 2
    edits = world.channel.edits
    assert {e.address for e in edits} == {"chat-H1", "chat-H2"}
    assert "已签收：H1某（" in edits[0].text
    assert edits[0].buttons == ["联系诉求人", "填写答复", "申请退单", "申请延期", "查看详情"]
    await world.act("reply", HANDLER, text="已修复", way="phone")
    await world.worker.run_once()
    assert "办结" in world.channel.edits[-1].buttons and "已答复：H1某" in world.channel.edits[-1].text
    await world.act("close", HANDLER, feedback="满意", no_objection=True)
    await world.worker.run_once()
    assert world.channel.edits[-1].buttons == [] and "已办结（" in world.channel.edits[-1].text
    assert "按时" in world.channel.edits[-1].text
    assert any("已办结：T1" in s.text for s in world.channel.list_sent("chat-H1"))


async def test_a_reassigned_card_loses_its_buttons_FT14(world: World) -> None:
    await world.dispatch_ticket()
    await world.worker.run_once()
    await world.act("reassign", DISPATCHER, unit="U02", reason="职责")
    await world.worker.run_once()
    last = [e for e in world.channel.edits if e.address == "chat-H1"][-1]
    assert last.buttons == [] and "已改派" in last.text
    assert "【新工单】T1" in world.channel.list_sent("chat-H9")[0].text
    assert any("已改派，您无需继续办理" in s.text for s in world.channel.list_sent("chat-H1"))


async def test_a_reviewers_card_shows_the_request_and_loses_its_buttons_when_it_is_decided(world: World) -> None:
    await world.dispatch_ticket()
    await world.act("sign", HANDLER)
    await world.act("return", HANDLER, reason="不属于本单位，联系人张三丰13912345678", files=["f1"], signed_by="seal")
    await world.worker.run_once()
    card = world.channel.list_sent("chat-R1")[0]
    assert card.buttons == ["同意", "不同意", "查看材料"]
    assert "待审核退单：T1，住建局" in card.text and "13912345678" not in card.text
    snap = await world.load()
    assert card.data["同意"] == f"1.y.{snap.requests[0].id}.0"
    assert any("退单申请已提交：T1" in s.text and "在签收时限内" in s.text for s in world.channel.list_sent("chat-H1"))
    await world.act("decide_return", REVIEWER, accept=False, reason="属于贵单位")
    await world.worker.run_once()
    edit = [e for e in world.channel.edits if e.address == "chat-R1"][-1]
    assert edit.buttons == [] and "审核结果：不同意（R1某" in edit.text and "属于贵单位" in edit.text
    assert any("退单未通过：T1" in s.text for s in world.channel.list_sent("chat-H1"))


async def test_what_supervision_extension_and_withdrawal_write_is_readable(world: World) -> None:
    await world.dispatch_ticket()
    await world.worker.run_once()
    await world.act("sign", HANDLER)
    await world.act("supervise", SUPERVISOR, reason="群众催办")
    await world.worker.run_once()
    assert "反馈进展" in world.channel.list_sent("chat-H1")[-1].buttons
    assert world.channel.edits[-1].buttons[0] == "反馈进展" and "【督办中】" in world.channel.edits[-1].text
    await world.act("report_progress", HANDLER, text="正在抢修")
    informed = {"at": world.at.isoformat(), "way": "phone"}
    due = (world.at + timedelta(days=8)).isoformat()
    await world.act("extend", HANDLER, new_due_at=due, reason="等检测", requester_informed=informed)
    await world.worker.run_once()
    assert "正在抢修" in world.channel.list_sent("chat-S1")[-1].text
    assert world.channel.list_sent("chat-R1")[-1].buttons == ["同意", "不同意"]
    await world.act("decide_extension", REVIEWER, accept=False, reason="理由不足")
    await world.act("close", HANDLER, text="已答复", feedback="无", close_type="explained_unresolvable",
                    explanation="政策所限")  # fmt: skip
    await world.worker.run_once()
    assert any("待审核办结（解释类）" in s.text for s in world.channel.list_sent("chat-S1"))
    await world.act("decide_close", SUPERVISOR, accept=False, reason="解释不充分")
    await world.worker.run_once()
    assert any("解释类办结未通过" in s.text for s in world.channel.list_sent("chat-H1"))
    await world.act("cancel", DISPATCHER, reason="诉求人撤回")
    await world.worker.run_once()
    assert any("已撤回，您无需" in s.text for s in world.channel.list_sent("chat-H1"))
    assert all(s in ("sent", "skipped", "pending") for states in (await world.list_states()).values() for s in states)


async def test_many_reminders_of_one_person_become_one_digest_at_its_hour_FS17(world: World) -> None:
    for number in range(8):
        await world.dispatch_ticket(f"T{number}")
    await world.worker.run_once()
    world.channel.sent.clear()
    for number in range(8):
        await world.add_message("sign_reminder", "H1", f"T{number}", urgent=False)
    await world.worker.run_once()
    assert world.channel.sent == []  # it waits for its hour
    world.at = world.at.replace(hour=14, minute=0)
    await world.worker.run_once()
    [digest] = world.channel.sent
    assert digest.text.startswith("H1某，您好。今日待办 8 件：待签收 8 件")
    assert digest.buttons == ["逐件处理", "稍后提醒"]
