"""What holds even when things go wrong in between: one effect, one answer in time, one pace, no chat held up."""

import asyncio
from collections.abc import Collection, Sequence
from datetime import timedelta
from typing import Any

from notify.rate_limit import Bucket
from tests.bot.world import World


async def test_the_effect_and_the_done_mark_are_one_transaction_FT10(world: World) -> None:
    user = await world.bound("H1")
    await world.ticket()
    card = await world.card(user, "H1")

    async def dies(ids: Collection[int]) -> None:
        raise SystemError("killed before it could say so")

    await world.quiet()
    real, world.inbox.mark_done = world.inbox.mark_done, dies  # type: ignore[method-assign]
    assert await user.press(card, "签收") == "已签收。"
    await asyncio.sleep(0.05)
    assert (await world.inboxes())[-1] == ("done", 1)
    world.inbox.mark_done = real  # type: ignore[method-assign]


async def test_a_press_is_answered_within_a_second_even_when_the_house_is_slow(world: World) -> None:
    user = await world.bound("H1")
    await world.ticket()
    card = await world.card(user, "H1")
    real = world.desk.moves.load

    async def slow(find: Any) -> Any:
        await asyncio.sleep(1.2)
        return await real(find)

    world.desk.moves.load = slow  # type: ignore[method-assign]
    begun = asyncio.get_running_loop().time()
    assert await user.press(card, "签收") == "正在处理，请稍候。"
    assert asyncio.get_running_loop().time() - begun < 1.0
    await user.expect("已签收。")


class Narrow:
    """One chat may not be written to for a while."""

    def __init__(self) -> None:
        self.shut = ""

    async def try_acquire(self, buckets: Sequence[Bucket]) -> float:
        return 0.5 if self.shut and any(self.shut in b.key for b in buckets) else 0.0


async def test_a_chat_that_must_wait_holds_up_nobody_FT17(world: World) -> None:
    pace = world.house.rate_limiter = Narrow()
    slow, quick = await world.bound("H1"), await world.bound("H2")
    pace.shut = str(slow.user_id)
    await slow.say("/help")
    await asyncio.sleep(0.1)
    await quick.say("/help")
    await quick.expect("我能帮您", timeout=1.0)
    assert not slow.list_unexpected()
    pace.shut = ""
    await slow.expect("我能帮您")


async def test_in_the_beijing_rules_the_worker_must_have_no_objection_A33(world: World) -> None:
    from backend.ports.config import SettingVersion

    user = await world.bound("H1")
    await world.office.store.add_version(
        SettingVersion("profile", None, "beijing_mutual_aid", world.at - timedelta(days=1), "admin", world.at)
    )
    world.office.invalidate()
    await world.ticket()
    card = await world.card(user, "H1")
    await user.press(card, "签收")
    await user.reply(card, "答复 已经联系并办理完毕。")
    await user.expect("答复已提交")
    await user.reply(card, "办结 职工认可")
    asked = await user.expect("是否已确认无异议")
    assert await world.state() == "replied"
    assert await user.press(asked, "已确认无异议") == "已办结。"
    assert await world.state() == "closed" and (await world.assignment()).feedback == "职工认可"


async def test_words_that_say_the_requester_knows_save_a_question(world: World) -> None:
    user = await world.bound("H1")
    await world.ticket()
    card = await world.card(user, "H1")
    await user.press(card, "签收")
    await user.reply(card, "延期 3 等待检测结果，已电话告知诉求人")
    await world.quiet()
    assert await world.state() == "extension_review"


async def test_a_question_answered_without_its_keyword_is_still_understood(world: World) -> None:
    user = await world.bound("H1")
    await world.ticket()
    card = await world.card(user, "H1")
    await user.press(card, "签收")
    card = await world.card(user, "H1")
    await user.press(card, "申请延期")
    ask = await user.expect("写明：延期")
    await user.reply(ask, "2 等待材料，已告知")
    await world.quiet()
    assert await world.state() == "extension_review"


async def test_what_a_reply_lacks_is_asked_and_nothing_moves_M9b(world: World) -> None:
    user = await world.bound("H1")
    await world.ticket()
    card = await world.card(user, "H1")
    await user.reply(card, "退单 不属于本单位")  # not signed yet
    await user.expect("不能进行此项操作")
    await user.press(card, "签收")
    await user.reply(card, "退单")
    await user.expect("请补充：退单原因、情况说明（照片或PDF）、公章")
    await user.reply(card, "延期")
    await user.expect("写明：延期")
    await user.reply(card, "答复")
    await user.expect("写明：答复")
    assert await world.moves_of() == ["create", "dispatch", "sign"]
