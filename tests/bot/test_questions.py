"""What an act lacks is asked for, one question at a time, and nothing moves before it is answered."""

from datetime import datetime

import pytest

from tests.bot.world import World


async def test_what_an_act_lacks_is_asked_for_and_nothing_moves_M9b(world: World) -> None:
    user = await world.bind("H1")
    await world.dispatch_ticket()
    card = await world.send_card(user, "H1")
    await user.reply(card, "退单 不属于本单位")  # not signed yet
    await user.expect("不能进行此项操作")
    await user.press(card, "签收")
    await user.reply(card, "退单")
    await user.expect("请补充：退单原因、情况说明（照片或PDF）、公章")
    await user.reply(card, "延期")
    await user.expect("写明：延期")
    await user.reply(card, "答复")
    await user.expect("写明：答复")
    assert await world.list_verbs() == ["create", "dispatch", "sign"]


async def test_closing_without_a_reply_asks_for_it_first(world: World) -> None:
    user, card = await world.sign_by_button()
    await user.reply(card, "办结 诉求人满意")
    question = await user.expect("办结前请先填写答复")
    assert await world.state() == "signed"
    await user.reply(question, "路灯已经更换，经现场确认恢复照明。")
    await user.expect("已办结")
    assert await world.state() == "closed"
    assert (await world.load_assignment()).feedback == "诉求人满意"


async def test_a_command_leaves_the_open_question_so_that_idle_words_never_become_a_reply(world: World) -> None:
    user, card = await world.sign_by_button()
    await user.reply(card, "办结 诉求人满意")
    question = await user.expect("办结前请先填写答复")
    await user.say("/todo")
    await user.expect("我的待办")
    await user.say("你好")
    await world.settle()
    assert await world.state() == "signed"
    await user.reply(question, "路灯已经更换，经现场确认恢复照明。")
    await user.expect("已办结")


async def test_in_the_beijing_profile_the_cause_and_no_objection_are_asked_for_A32_A33_XM27(world: World) -> None:
    await world.set_setting("profile", "beijing_mutual_aid")
    user, card = await world.sign_by_button()
    await user.reply(card, "答复 已经联系并办理完毕。")
    await user.expect("答复已提交")
    await user.reply(card, "办结 职工认可")
    question = await user.expect("写明查明的原因")
    await user.reply(question, "材料未及时转交")
    how = await user.expect("请选择办结类型")
    assert "查明的原因：材料未及时转交" in how.text and await world.state() == "replied"
    assert await user.press(how, "已解决，诉求人无异议") == "已办结。"
    closed = await world.load_assignment()
    assert (await world.state(), closed.feedback, closed.cause) == ("closed", "职工认可", "材料未及时转交")


async def test_a_matter_that_cannot_be_solved_now_is_closed_in_chat_with_its_explanation_XM8_T21(world: World) -> None:
    user, card = await world.sign_by_button()
    await user.reply(card, "答复 受规划限制，暂不能加装路灯。")
    await user.expect("答复已提交")
    await user.reply(card, "办结 表示理解 原因：道路未移交")
    how = await user.expect("请选择办结类型")
    await user.press(how, "暂不能解决，已作解释")
    question = await user.expect("写明向诉求人作出的解释")
    await user.reply(question, "规划调整后办理，2027-03-01复查")
    await user.expect("等待督办人员审核")
    request = await world.load_request()
    assert (request.kind, request.facts["revisit_on"]) == ("explained_close", "2027-03-01")
    assert (await world.load_assignment()).cause == "道路未移交"


@pytest.mark.parametrize(
    ("words", "closes"),
    [
        ("满意，无异议", True),
        ("没有异议", True),
        ("是否无异议尚不清楚", False),
        ("并非没有异议", False),
        ("诉求人认可", True),
        ("不太满意", False),
        ("满意，但要求赔偿", False),
        ("已收到答复", False),
    ],
)
async def test_only_words_without_doubt_save_the_question_about_objections_XM8(
    world: World, words: str, closes: bool
) -> None:
    user, card = await world.sign_by_button()
    await user.reply(card, "答复 路灯已经更换，今晚起恢复照明。")
    await user.expect("答复已提交")
    await user.reply(card, f"办结 {words}")
    if not closes:
        await user.expect("请选择办结类型")
    await world.settle()
    assert await world.state() == ("closed" if closes else "replied")


async def test_a_requester_who_objects_keeps_the_ticket_open_XM8(world: World) -> None:
    user, card = await world.sign_by_button()
    await user.reply(card, "答复 路灯已经更换，今晚起恢复照明。")
    await user.reply(card, "办结 还不满意")
    how = await user.expect("请选择办结类型")
    assert await user.press(how, "诉求人有异议，继续办理") == "已返回，工单继续办理。"
    assert await world.state() == "replied"


async def test_an_extension_asks_whether_the_requester_knows(world: World) -> None:
    user, card = await world.sign_by_button()
    await user.reply(card, "延期 3 等待检测结果")
    question = await user.expect("是否已将延期原因告知诉求人")
    assert await world.state() == "signed"
    assert await user.press(question, "已电话告知") == "延期申请已提交。"
    assert await world.state() == "extension_review"
    new_due_at = datetime.fromisoformat((await world.load_request()).facts["new_due_at"])
    assert new_due_at > (await world.load_assignment()).close_due_at


async def test_words_that_say_that_the_requester_knows_save_the_question(world: World) -> None:
    user, card = await world.sign_by_button()
    await user.reply(card, "延期 3 等待检测结果，已电话告知诉求人")
    await world.settle()
    assert await world.state() == "extension_review"
    facts = (await world.load_request()).facts
    assert (facts["reason"], facts["requester_informed"]["way"]) == ("等待检测结果", "phone")


async def test_where_words_do_not_say_how_the_requester_was_told_only_that_is_asked(world: World) -> None:
    user, card = await world.sign_by_button()
    await user.reply(card, "延期 3 等待检测结果，已告知诉求人")
    how = await user.expect("请选择以何种方式告知诉求人")
    assert await user.press(how, "已当面告知") == "延期申请已提交。"
    assert (await world.load_request()).facts["requester_informed"]["way"] == "visit"


async def test_a_question_answered_without_its_keyword_is_still_understood(world: World) -> None:
    user, _ = await world.sign_by_button()
    card = await world.send_card(user, "H1")
    await user.press(card, "申请延期")
    question = await user.expect("写明：延期")
    await user.reply(question, "2 等待材料，已电话告知")
    await world.settle()
    assert await world.state() == "extension_review"


@pytest.mark.parametrize("pressed", ["older", "newer"])
async def test_a_confirmation_submits_what_it_stands_under_or_says_that_it_is_outdated_XM7(
    world: World, pressed: str
) -> None:
    user, card = await world.sign_by_button()
    await user.reply(card, "延期 5 等待检测结果")
    older = await user.expect("延期 5 个工作日")
    await user.reply(card, "延期 2 等待配件到货")
    newer = await user.expect("延期 2 个工作日")
    if pressed == "older":
        assert "已被新的内容取代" in (await user.press(older, "已电话告知") or "")
        await world.settle()
        assert await world.state() == "signed" and not older.buttons
    assert await user.press(newer, "已电话告知") == "延期申请已提交。"
    assert (await world.load_request()).facts["reason"] == "等待配件到货"


async def test_a_seal_pressed_under_a_dropped_return_signs_no_later_one_XM7(world: World) -> None:
    user, card = await world.sign_by_button()
    await user.send_document(caption="退单 不属于本单位职责", reply_to=card)
    older = await user.expect("请补充：公章")
    outsider = await user.press_data(await world.send_card(user, "H1"), await world.encode_press("go_back"))
    assert outsider.toast == "已返回，工单继续办理。"
    await user.send_document(caption="退单 属于城管局", reply_to=card)
    newer = await user.expect("请补充：公章")
    assert "已被新的内容取代" in (await user.press(older, "公章") or "")
    assert await world.state() == "signed"
    assert await user.press(newer, "公章") == "退单申请已提交。"
    assert (await world.load_request()).facts["reason"] == "属于城管局"


@pytest.mark.parametrize("end", ["rewrite", "press"])
async def test_curt_words_are_advised_on_before_they_are_kept_A20_XM32(world: World, end: str) -> None:
    user, card = await world.sign_by_button()
    await user.reply(card, "答复 没办法，就这样")
    advice = await user.expect("语气较生硬")
    assert await world.list_verbs() == ["create", "dispatch", "sign"]
    if end == "rewrite":
        await user.reply(advice, "路灯已经更换，今晚起恢复照明。")
        await user.expect("答复已提交")
    else:
        assert await user.press(advice, "仍然提交") == "答复已提交。"
    assert (await world.load_assignment()).reply_text == {
        "rewrite": "路灯已经更换，今晚起恢复照明。", "press": "没办法，就这样"
    }[end]  # fmt: skip


async def test_length_is_checked_before_it_is_asked_whether_the_requester_knows_XM21(world: World) -> None:
    user, card = await world.sign_by_button()
    await user.reply(card, "延期 30 等待检测结果")
    await user.expect("延期超过允许的最长期限")
    await world.settle()
    assert not any("是否已将" in text for text in user.list_unexpected())
    await user.reply(card, "延期 2 等待检测结果")
    await user.press(await user.expect("是否已将延期原因告知"), "已电话告知")
    await world.settle()
    assert await world.state() == "extension_review"
    assert not any("是否已将" in text for text in user.list_unexpected())


@pytest.mark.parametrize("refused", ["past_due", "too_many_extensions"])
async def test_an_extension_that_is_refused_anyway_is_not_asked_for_XM21(world: World, refused: str) -> None:
    user, _ = await world.sign_by_button()
    card = await world.send_card(user, "H1")
    if refused == "past_due":
        world.pass_time(days=60)
    else:
        await world.set_setting("extension.max", "0")
    said = {"past_due": "已过办结时限", "too_many_extensions": "不能再申请延期"}[refused]
    assert said in (await user.press(card, "申请延期") or "")
    await user.reply(card, "延期 2 等待检测结果")
    await user.expect(said)
    await world.settle()
    assert not any("是否已将" in text or "写明：延期" in text for text in user.list_unexpected())
