"""What an act lacks is asked for, one question at a time, and nothing moves before it is answered."""

from datetime import datetime

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


async def test_in_the_beijing_profile_a_unit_confirms_that_there_is_no_objection_A33(world: World) -> None:
    await world.set_setting("profile", "beijing_mutual_aid")
    user, card = await world.sign_by_button()
    await user.reply(card, "答复 已经联系并办理完毕。")
    await user.expect("答复已提交")
    await user.reply(card, "办结 职工认可")
    question = await user.expect("是否已确认无异议")
    assert await world.state() == "replied"
    assert await user.press(question, "已确认无异议") == "已办结。"
    assert await world.state() == "closed" and (await world.load_assignment()).feedback == "职工认可"


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


async def test_a_question_answered_without_its_keyword_is_still_understood(world: World) -> None:
    user, _ = await world.sign_by_button()
    card = await world.send_card(user, "H1")
    await user.press(card, "申请延期")
    question = await user.expect("写明：延期")
    await user.reply(question, "2 等待材料，已告知")
    await world.settle()
    assert await world.state() == "extension_review"
