"""The institution works from its chats: decisions on cards, orders, lists and charts; and units answer back."""

from datetime import timedelta

import pytest

from storage import tables as t
from tests.stories.office import Office

SQLITE = pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
BUSY = pytest.mark.parametrize("sample_tickets", [True], indirect=True)  # the office has other tickets as well


async def sign_ticket(office: Office, no: str) -> None:
    """A ticket that its handler has signed; whoever is called confirms."""
    office.confirm_calls()
    await office.sign_ticket(no, by="H101")


async def miss_deadline(office: Office, no: str) -> None:
    """A ticket that was signed, and should have been closed a minute ago."""
    await sign_ticket(office, no)
    await office.advance_to(await office.due(no, "close") + timedelta(minutes=1))


async def test_a_claim_is_decided_in_the_chat_by_class_and_reason_and_an_appeal_by_somebody_else_Q38(
    office: Office,
) -> None:
    reviewer, liaison, admin = await office.bind("SH01"), await office.bind("L101"), await office.bind("GL01")
    await sign_ticket(office, "JS0001")
    await office.act("JS0001", "close", "H101", text="已修复，请查看。", feedback="仍不满意")
    await office.act("JS0001", "visit", "agent", kind="manual", answer="unsatisfied", note="要求赔偿十万元")
    statement = await office.upload_statement()
    await office.act("JS0001", "claim_unreasonable", "unit:U01", reason="索赔没有依据", files=[statement])
    await office.settle()
    task = await reviewer.expect("待审核不合理诉求认定：JS0001")
    assert task.buttons == ["同意", "不同意", "查看材料"]
    await reviewer.press(task, "查看材料")
    await reviewer.expect("情况说明.pdf")
    assert await reviewer.press(task, "同意") == "请按提示回复消息。"
    classes = await reviewer.expect("请选择认定类别")
    assert classes.buttons == [
        "不属于受理范围", "已进入诉讼、仲裁、信访等程序", "违反法律法规政策", "涉及秘密或违背公序良俗",
        "反映情况不实", "超出合理范围", "经听证认定不合理", "恶意反映",
    ]  # fmt: skip
    await reviewer.reply(task, "不同意：证据不足")
    await reviewer.expect("已记录不同意")
    await office.settle()
    assert not task.buttons and "证据不足" in task.text
    await liaison.expect("不予认定")
    await reviewer.press(classes, "超出合理范围")  # too late: it has been decided
    assert await office.state("JS0001") == "finalized"
    await office.act("JS0001", "appeal", "unit:U01", reason="有会议纪要")
    await office.settle()
    again = await admin.expect("待审核不合理诉求申诉：JS0001")  # the only other person who may decide
    await reviewer.say("/ticket JS0001")
    full_card = await reviewer.expect("【工单】JS0001")
    assert "提出和审核不能是同一人" in str(await reviewer.press(full_card, "同意"))  # before class and reason (XM21)
    await admin.press(again, "同意")
    await admin.expect("请选择认定类别")
    await admin.say("6. 超出合理范围。")  # typed, it is the press of that very question (XM9)
    await admin.expect("写明认定理由")
    await admin.say("索赔超出法定标准")
    await admin.expect("已认定为不合理诉求（超出合理范围）")
    await liaison.expect("认定为不合理诉求，不计入不满意工单")
    await office.settle()
    assert "同意" not in full_card.buttons and again.buttons == []


@SQLITE
async def test_a_red_card_is_objected_to_and_taken_back_by_a_reviewer_Q33(office: Office) -> None:
    handler, reviewer = await office.bind("H101"), await office.bind("SH01")
    await miss_deadline(office, "JS0001")
    card = await handler.expect("【红牌警告】JS0001")
    assert card.buttons == ["填写答复", "说明情况", "提出异议"]
    await handler.press(card, "提出异议")
    asked = await handler.expect("写明对红牌的异议和依据")
    await handler.reply(asked, "答复时系统停机，有截图")
    await handler.expect("异议已提交：JS0001")
    assert "已经提交过" in str(await handler.press(card, "提出异议"))  # told at once, not after another reason (XM21)
    task = await reviewer.expect("待审核红牌异议：JS0001，市住房和城乡建设局，理由：答复时系统停机，有截图")
    await reviewer.reply(task, "同意，情况属实")
    await reviewer.expect("已同意")
    await handler.expect("异议成立，红牌已撤销")
    await office.settle()
    assert (await office.lead("JS0001"))["red_card"] is False
    assert "red" not in await office.flags("JS0001") and task.buttons == []
    await office.advance("18h")  # calls that fall due in the evening are made in the morning


@SQLITE
async def test_an_explanation_a_message_and_a_request_for_coordination_reach_the_institution_B21(
    office: Office,
) -> None:
    handler, supervisor = await office.bind("H101"), await office.bind("DB01")
    dispatcher = await office.bind("PD01")
    await miss_deadline(office, "JS0001")
    await handler.press(await handler.expect("【红牌警告】JS0001"), "说明情况")
    await handler.say("等待配件，周五完成")
    await handler.expect("情况说明已提交")
    explained = await supervisor.expect("承办单位说明情况：JS0001，市住房和城乡建设局。说明：等待配件，周五完成")
    await supervisor.press(explained, "打开工单")
    full_card = await supervisor.expect("【工单】JS0001")
    assert full_card.buttons == ["督办", "电话通知"]
    await supervisor.press(full_card, "督办")
    await supervisor.reply(await supervisor.expect("写明督办事由"), "超期未办，诉求人多次来电")
    await supervisor.expect("已发起督办：JS0001（路灯不亮），反馈截止")
    order = await handler.expect("【督办】JS0001")
    await office.settle()
    assert "督办" in full_card.text and "认可进展" in full_card.buttons
    await handler.press(order, "联系督办人员")
    asked = await handler.expect("督办人员：石峰")
    await handler.reply(asked, "配件今日到货，联系人王某 13900000001")
    await handler.expect("已转给督办人员")
    note = await supervisor.expect("就工单 JS0001（路灯不亮） 留言")
    assert "13900000001" not in note.text and "王某" not in note.text
    await handler.press(order, "反馈进展")
    await handler.say("进展 配件已到，正在更换")
    report = await supervisor.expect("已反馈督办进展：JS0001")
    await supervisor.press(report, "继续反馈")
    await supervisor.say("请说明完成时间")
    await supervisor.expect("已要求继续反馈")
    await handler.expect("督办事由：请说明完成时间")
    await supervisor.press(report, "认可进展")
    assert "supervised" not in await office.flags("JS0001")
    statement = await office.upload_statement()
    await office.act("JS0001", "return", "unit:U01", reason="职责交叉", files=[statement], signed_by="seal")
    await office.act("JS0001", "decide_return", "reviewer", accept=False, reason="属于你单位")
    await office.settle()
    refused = await handler.expect("退单未通过：JS0001")
    await handler.press(refused, "申请协调")
    await handler.say("路灯产权在城管局")
    await handler.expect("协调申请已提交")
    await dispatcher.expect("承办单位申请协调：JS0001，市住房和城乡建设局。事由：路灯产权在城管局。")
    assert "hard_case" in await office.flags("JS0001")
    await office.advance("18h")


@SQLITE
async def test_a_reviewer_sends_an_empty_reply_back_from_the_chat_T22(office: Office) -> None:
    reviewer, handler = await office.bind("SH01"), await office.bind("H101")
    await sign_ticket(office, "JS0001")
    await office.act("JS0001", "close", "H101", text="已阅", feedback="好")
    await reviewer.say("/ticket JS0001")
    full_card = await reviewer.expect("【工单】JS0001")
    assert full_card.buttons == ["退回补正"] and "最近：李建国" in full_card.text
    await reviewer.press(full_card, "退回补正")
    await reviewer.say("答复没有说明办理结果")  # it begins with a keyword of handlers and is a reason all the same
    await reviewer.expect("已退回补正：JS0001")
    await handler.expect("答复需要补充：答复没有说明办理结果")
    await office.settle()
    assert full_card.buttons == [] and await office.state("JS0001") == "signed"


@BUSY
@SQLITE
async def test_the_lists_of_the_office_open_what_they_name_and_charts_follow(office: Office) -> None:
    supervisor, handler = await office.bind("DB01"), await office.bind("H101")
    await miss_deadline(office, "JS0001")
    await office.dispatch_ticket("JS0002", "U02")
    await supervisor.say("/status")
    status = await supervisor.expect("今日情况")
    await supervisor.say("/help")
    await supervisor.expect("/supervise 编号 事由")  # messages of a chat come in order: the picture is there by now
    assert [m.kind for m in supervisor.messages if m.from_bot and m.kind == "photo"] == ["photo"]
    for part in ("新收 1 件，派发 1 件", "新发红牌 1 件", "市住房和城乡建设局　1 件，超期 1 件"):
        assert part in status.text
    await supervisor.say("/overdue")
    late = await supervisor.expect("超期工单（13 件）")
    assert "市住房和城乡建设局（1 件）\n　JS0001　办结应于" in late.text
    await supervisor.press(late, "JS0001")
    whole, rung = await supervisor.expect("【工单】JS0001"), len(office.simulator.phones.calls_made)
    assert await supervisor.press(whole, "电话通知") == "请在下方消息中确认。"
    asked = await supervisor.expect("将为 JS0001（路灯不亮） 电话通知承办单位")
    await supervisor.press(asked, "取消")
    await office.settle()
    assert len(office.simulator.phones.calls_made) == rung
    await supervisor.press(late, "督办")
    await supervisor.say("超期未办")
    await supervisor.expect("已发起督办：JS0001")
    await supervisor.say("/unit 住建局")
    unit = await supervisor.expect("市住房和城乡建设局")
    assert "经办人员 李建国（已绑定）、经办人员 王丽（未绑定）" in unit.text and "JS0001" in unit.text
    assert "及时签收率" in unit.text
    await supervisor.say("/unit 市")
    await supervisor.expect("有多家单位符合“市”")
    await supervisor.say("/call JS0001")
    asked = await supervisor.expect("将为 JS0001（路灯不亮） 电话通知承办单位 市住房和城乡建设局 李建国")
    assert "正在电话通知 市住房和城乡建设局 李建国：JS0001" in (await supervisor.press(asked, "确认") or "")
    for command in ("/status", "/report 2026-11", "/supervise JS0001 催办", "/call JS0001"):
        await handler.say(command)
        await handler.expect("没有权限")
    await handler.say("/unit 市城市管理局")
    await handler.expect("没有找到名称含")
    for incomplete in ("/unit", "/supervise JS0001", "/call", "/report 十月", "/rank 十月"):
        await supervisor.say(incomplete)
        await supervisor.expect("例如：")
    await office.advance("18h")


@SQLITE
async def test_scores_are_shown_to_their_own_unit_and_the_office_and_never_in_a_group_Q52(office: Office) -> None:
    clerk, handler = await office.bind("FF01"), await office.bind("H101")
    await sign_ticket(office, "JS0001")
    await office.sign_ticket("JS0002", "U02")
    await clerk.say("/rank 2026-11")
    ranking = await clerk.expect("2026-11 得分（试算")
    assert "市住房和城乡建设局　" in ranking.text and "市城市管理局　" in ranking.text and "未计分：" in ranking.text
    await handler.say("/rank 2026-11")
    own = await handler.expect("市住房和城乡建设局 2026-11 得分")
    assert "城市管理局" not in own.text
    await handler.say("/rank 2026Q4")
    assert "城市管理局" not in (await handler.expect("2026Q4 排名尚未通报")).text
    group = office.simulator.chat.create_group("热线工作群", [clerk, handler])
    clerk_in_group = group.get_participant(clerk)
    await clerk_in_group.say("/rank 2026-11")
    await clerk_in_group.expect("单独对话")
    await clerk.expect("2026-11 得分（试算")
    assert not any("得分（试算" in message.text for message in clerk_in_group.messages)


@SQLITE
async def test_a_report_comes_as_a_picture_and_documents_and_is_audited_B11(office: Office) -> None:
    clerk = await office.bind("FF01")
    await sign_ticket(office, "JS0001")
    await clerk.say("/report 2026-11")
    await clerk.expect("正在生成 2026-11 通报")
    await clerk.expect("2026-11 通报已生成，共 3 份文件", timeout=40)
    kinds = [m.kind for m in clerk.messages if m.from_bot and m.kind in ("photo", "document")]
    assert kinds == ["photo", "document", "document", "document"]
    assert await office.count_rows(t.audit_log, t.audit_log.c.event == "report_sent") == 1


@SQLITE
async def test_a_group_gives_nobody_rights_FT34(office: Office) -> None:
    supervisor, handler = await office.bind("DB01"), await office.bind("H101")
    await sign_ticket(office, "JS0001")
    group = office.simulator.chat.create_group("热线工作群", [supervisor, handler])
    await group.get_participant(handler).say("/supervise JS0001 催办")
    await group.get_participant(handler).expect("没有权限")
    await group.get_participant(supervisor).say("/supervise JS0001 催办")
    asked = await group.get_participant(supervisor).expect("将对 JS0001")
    toast = await group.get_participant(supervisor).press(asked, "确认")
    assert toast is not None and toast.startswith("已发起督办：JS0001")
    order = await handler.expect("【督办】JS0001")
    assert order.buttons == ["反馈进展", "联系督办人员"]


@SQLITE
async def test_a_list_is_worked_through_one_by_one_and_a_digest_can_be_snoozed_FS17(office: Office) -> None:
    handler = await office.bind("H101")
    office.confirm_calls()
    for number in range(1, 8):
        await office.dispatch_ticket(f"JS000{number}")
    await handler.say("/todo")
    listed = await handler.expect("我的待办（7 件）")
    assert len(listed.buttons) == 7
    await office.advance("30h")
    digest = await handler.expect("今日待办")
    await handler.press(digest, "逐件处理")
    position = await handler.expect("第 1 件，共 7 件")
    await handler.press(position, "下一件")
    await handler.expect("第 2 件，共 7 件")
    assert position.buttons == []
    assert "再提醒您" in (await handler.press(digest, "稍后提醒") or "")
    assert "再提醒您" in (await handler.press(digest, "稍后提醒") or "")
    snoozed = t.outbox.c.facts.like("%snoozed%")
    assert await office.count_rows(t.outbox, snoozed) == 1  # pressed twice, reminded once
    await office.advance("18h")
    assert await office.count_rows(t.outbox, snoozed, t.outbox.c.state == "sent") == 1


@SQLITE
async def test_a_photo_that_names_no_ticket_is_attached_only_if_there_is_one_ticket_and_the_sender_says_yes_FT28(
    office: Office,
) -> None:
    handler = await office.bind("H101")
    await handler.send_photo()
    await handler.expect("没有在办工单")
    await sign_ticket(office, "JS0001")
    await handler.send_photo()
    asked = await handler.expect("是否附在工单 JS0001")
    await handler.press(asked, "取消")
    await handler.send_document()
    asked = await handler.expect("是否附在工单 JS0001")
    await handler.press(asked, "附上")
    assert asked.buttons == []
    await handler.send_voice()
    await handler.expect("语音暂不能受理")
    await sign_ticket(office, "JS0002")
    await handler.send_photo()
    asked = await handler.expect("您有 2 件在办工单")
    assert {"JS0001", "JS0002"} <= set(asked.buttons)


@SQLITE
async def test_a_persons_own_quiet_hours_hold_back_what_is_not_urgent(office: Office) -> None:
    handler = await office.bind("H101")
    await handler.say("/quiet")
    await handler.expect("您的免打扰时段：20:00-08:00")
    await handler.say("/quiet 9点到10点")
    await handler.expect("时间写法不正确")
    await handler.say("/quiet 9：00-11：00")
    await handler.expect("免打扰时段已设为 09:00-11:00")
    await office.dispatch_ticket("JS0001")
    await handler.say("/quiet off")
    await handler.expect("已取消个人免打扰时段")
