"""What the office asks the bot: lists lead somewhere, orders are confirmed once, places have ties and changes (XM23)."""

from collections.abc import Mapping
from typing import Any

import pytest

from backend.domain.refusals import Refused
from backend.domain.scoring.period import find_period_before
from tests.bot.world import World


class Scores:
    """Scores of units by month."""

    def __init__(self, months: Mapping[str, Mapping[str, str | None]]) -> None:
        self.months = months

    async def get_scores(self, *, month: str, scheme: Any, unit: Any, actor: Any) -> Mapping[str, Any]:
        if month not in self.months:
            raise Refused("bad_month")
        units = self.months[month].items()
        return {"state": "trial", "units": [{"unit": u, "name": u, "total": t, "scheme": "s"} for u, t in units]}


async def test_places_are_shared_by_equals_and_compared_with_the_month_before_XM23(world: World) -> None:
    world.services.scoring = Scores({  # type: ignore[assignment] - what /rank uses of it
        "2026-10": {"A": "90.00", "B": "95.00", "C": "80.00"},
        "2026-11": {"A": "96.00", "B": "95.00", "C": "95.00", "D": "70.00", "E": None},
    })  # fmt: skip
    user = await world.bind("S1")
    await user.say("/rank")
    ranking = await user.expect("2026-11 得分")
    assert ranking.text.split("\n")[1:5] == [
        "1　A　96.00　↑1",
        "并列2　B　95.00　↓1",
        "并列2　C　95.00　↑1",
        "4　D　70.00",
    ]
    await user.say("/rank 2026-10")
    assert "1　B　95.00\n" in (await user.expect("2026-10 得分", timeout=30)).text  # no September; after a chart


@pytest.mark.parametrize(("period", "before"), [
    ("2026-11", "2026-10"), ("2026-01", "2025-12"), ("2026Q4", "2026Q3"), ("2026Q1", "2025Q4"), ("2026", "2025"),
])  # fmt: skip
def test_the_period_before_is_of_the_same_kind(period: str, before: str) -> None:
    assert find_period_before(period) == before


class Reports:
    """Reports that were asked for."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    async def make_month(self, month: str, by: Any) -> list[tuple[str, bytes]]:
        self.asked.append(month)
        return []

    async def render_glance(self, period: str) -> None:
        return None


async def test_a_report_without_a_month_is_last_months_XM23(world: World) -> None:
    reports = world.services.reporting = Reports()  # type: ignore[assignment] - what /report uses of it
    user = await world.bind("S1")
    await user.say("/report")
    await user.expect("2026-10 通报已生成")
    assert reports.asked == ["2026-10"]


@pytest.mark.parametrize("answer", ["确认", "取消"])
async def test_an_order_is_confirmed_once_before_it_is_carried_out_XM23(world: World, answer: str) -> None:
    user = await world.bind("S1")
    await world.dispatch_ticket(title="人民大街路灯不亮")
    await user.say("/supervise T1 超期未办")
    asked = await user.expect("将对 T1（人民大街路灯不亮） 发起督办，事由：超期未办")
    assert "supervise" not in await world.list_verbs()
    toast = await user.press(asked, answer)
    assert toast is not None and toast.startswith("已发起督办" if answer == "确认" else "好的")
    await world.settle()
    assert ("supervise" in await world.list_verbs()) is (answer == "确认") and not asked.buttons


async def test_an_order_about_nothing_is_refused_before_it_is_asked_about_XM23(world: World) -> None:
    user = await world.bind("S1")
    for order in ("/supervise NOPE 超期", "/call NOPE"):
        await user.say(order)
        await user.expect("没有找到该工单")


async def test_what_the_state_of_the_office_counts_can_be_opened_from_it_XM23(world: World) -> None:
    user = await world.bind("S1")
    await world.dispatch_ticket(title="人民大街路灯不亮")
    assert await world.plant("UPDATE outbox SET state = 'failed'") > 0
    world.pass_time(days=30)
    await user.say("/status")
    status = await user.expect("今日情况")
    await user.press(status, "超期工单")
    late = await user.expect("超期工单（1 件）")
    assert "　T1　" in late.text and "人民大街路灯不亮" in late.text and "T1" in late.buttons
    await user.press(status, "未能送达")
    await user.press(await user.expect("未能送达的消息"), "T1")
    await user.expect("【工单】T1")


@pytest.mark.parametrize(("typed", "meant"), [("12月", "2025-12"), ("1月份", "2026-01"), ("2026-10", "2026-10")])
async def test_a_month_without_its_year_is_the_latest_that_has_begun_Q52(world: World, typed: str, meant: str) -> None:
    reports = world.services.reporting = Reports()  # type: ignore[assignment] - what /report uses of it
    user = await world.bind("S1")
    await user.say(f"/report {typed}")
    await user.expect(meant)
    await world.settle()
    assert reports.asked == [meant]
