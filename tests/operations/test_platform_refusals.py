"""Administrators are told of what the platform of record refuses: each ticket and reason once, many in one message."""

from datetime import UTC, datetime, timedelta
from typing import Any

from backend.domain.texts import Texts
from backend.platform.refusals import RefusalNews
from backend.ports.platform import Writeback, WritebackState
from backend.ports.ticket_queries import Page

NOW = datetime(2026, 11, 10, 9, 0, tzinfo=UTC)


class Platform:
    """What the platform has refused, what is kept of it, and what was told."""

    def __init__(self) -> None:
        self.refused: list[Writeback] = []
        self.kept: dict[str, str] = {}
        self.told: list[dict[str, Any]] = []

    def refuse(self, number: int, why: str = "字段缺失") -> None:
        self.refused.append(
            Writeback(
                len(self.refused) + 1, f"JS{number}", 2, "dispatch", "pending_dispatch", "dispatched", "D1", "U01", "api", NOW,
                {}, WritebackState.REFUSED, 1, NOW, None, None, None, why, None,
            )
        )  # fmt: skip

    async def list_writebacks(self, *, state: WritebackState, limit: int) -> Page[Writeback]:
        assert state is WritebackState.REFUSED
        return Page(tuple(reversed(self.refused))[:limit])

    async def get(self, name: str) -> str | None:
        return self.kept.get(name)

    async def put(self, name: str, value: str) -> None:
        self.kept[name] = value

    def open(self) -> RefusalNews:
        """A process that looks at it, begun anew."""
        return RefusalNews(self, self, lambda cause, **facts: self.told.append({"cause": cause, **facts}))  # type: ignore[arg-type]


async def test_a_refusal_is_told_once_with_its_ticket_and_reason_and_not_again_after_a_restart_XM29() -> None:
    platform = Platform()
    platform.refuse(1)
    for minutes in (0, 1, 30, 600):
        await platform.open().run_once(NOW + timedelta(minutes=minutes))
    [told] = platform.told
    assert (told["cause"], told["count"], told["tickets"], told["why"]) == ("platform_refused", 1, "JS1", "字段缺失")
    platform.refuse(1)  # the same again
    await platform.open().run_once(NOW + timedelta(days=1))
    assert len(platform.told) == 1
    platform.refuse(1, "单位未登记")
    await platform.open().run_once(NOW + timedelta(days=2))
    assert [one["why"] for one in platform.told] == ["字段缺失", "单位未登记"]


async def test_many_refusals_are_one_message_in_ten_minutes_and_none_is_left_out_XM29() -> None:
    platform = Platform()
    news = platform.open()
    for number in range(40):
        platform.refuse(number)
        await news.run_once(NOW + timedelta(minutes=number))
    await news.run_once(NOW + timedelta(hours=2))
    assert [one["count"] for one in platform.told] == [1, 10, 10, 10, 9]
    last = Texts("zh_CN").render("alarm.what.platform_refused", **platform.told[-1])
    assert "没有接受 9 项操作：JS39、JS38、JS37 等，另有 6 件工单" in last and "平台答复：字段缺失。" in last
    assert len({one["subject"] for one in platform.told}) == 5, "each is told by itself"


async def test_what_was_settled_and_is_refused_again_is_news_XM29() -> None:
    platform = Platform()
    platform.refuse(1)
    await platform.open().run_once(NOW)
    platform.refused.clear()
    await platform.open().run_once(NOW + timedelta(hours=1))
    platform.refuse(1)
    await platform.open().run_once(NOW + timedelta(hours=2))
    assert len(platform.told) == 2
