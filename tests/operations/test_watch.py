"""The watch tells what is amiss within a minute, once for the whole installation, and feeds the dead-man's switch (XR8)."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest

from backend.operations.beats import Beats, Rhythm, Self
from backend.operations.health import Health
from backend.operations.watch import InstallationWatch
from backend.ports.integrity import Finding
from backend.ports.operations import Beat, Waiting
from tests.operations.world import EmptyBook, Told
from tests.time_and_chance import build_clock

NOW = datetime(2026, 11, 10, 1, 30, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


@dataclass
class Fakes:
    """What the watch reads: beats, obstacles, queues and findings."""

    beats: Sequence[Beat] = ()
    obstacles: Sequence[str] = ()
    waiting: Waiting = field(default_factory=Waiting)
    findings: Sequence[Finding] = ()

    async def list_beats(self) -> Sequence[Beat]:
        return self.beats

    async def list_obstacles(self) -> Sequence[str]:
        return self.obstacles

    async def read_waiting(self, channels: Sequence[str], now: datetime) -> Waiting:
        return self.waiting

    async def list_findings(self) -> Sequence[Finding]:
        return self.findings


class Watched:
    """The watch of process `b` beside `a` and `c`; `at` is everybody's clock."""

    def __init__(self) -> None:
        self.fakes = Fakes()
        self.told = Told(EmptyBook())
        self.pulses: list[bool] = []
        self.seconds = 0.0
        self.clock = build_clock(lambda: NOW, NOW.timestamp, lambda: self.seconds)
        beats = Beats(self.fakes, self.clock, Self("b", "h", ("worker",), "1"), {}, (), Rhythm())  # type: ignore[arg-type]
        health = Health(self.fakes, self.fakes, self.fakes.list_findings, Rhythm())  # type: ignore[arg-type]

        async def pulse(green: bool) -> None:
            self.pulses.append(green)

        self.watch = InstallationWatch(
            beats, health, self.fakes, self.told.alarms, ["chat"], self.clock, lambda role: role, pulse  # type: ignore[arg-type]
        )  # fmt: skip

    async def look(self, seconds: int = 10, *, away: bool = False, **ages: int) -> list[str]:
        """Beat for so many seconds while the processes' beats are so old; return the causes that stand."""
        for _ in range(seconds // 10):
            self.seconds += 10
            beats = [
                Beat(name, "h-" + name, ("web" if name == "a" else "worker",), "1", {"delivery": 0.0}, {}, 1,
                     timedelta(seconds=age))
                for name, age in sorted({"b": 0, **ages}.items())
            ]  # fmt: skip
            await self.watch.look(None if away else beats)
        return [
            f"{cause}:{subject}" if subject else cause for cause, subject in sorted(self.told.alarms.list_standing())
        ]


@pytest.fixture
async def watched() -> Watched:
    watched = Watched()
    assert await watched.look(60) == []
    return watched


async def test_a_role_or_a_worker_that_is_silent_is_told_and_healed_FS6(watched: Watched) -> None:
    assert await watched.look(a=40) == []
    assert await watched.look(a=50) == ["role_missing:web"]
    assert "web" in watched.told.chat.texts_of("a1")[0] and watched.told.rung
    assert await watched.look() == [] and "已恢复" in watched.told.chat.texts_of("a1")[0]


async def test_only_the_first_of_those_that_live_watches_XR8(watched: Watched) -> None:
    watched.fakes.obstacles = ["held"]
    assert await watched.look(60, a=5) == [] and len(watched.pulses) == 1  # `a` does it
    assert await watched.look(10, a=50) == ["held", "role_missing:web"]


async def test_after_a_start_or_an_outage_the_others_may_beat_first_XR8() -> None:
    watched = Watched()
    assert await watched.look(20, a=3000) == []
    assert await watched.look(60, away=True) == []
    assert await watched.look(20, away=True) == ["database_away"]
    assert await watched.look(20, a=100) == []
    assert await watched.look(10, a=100) == ["role_missing:web"]


async def test_a_database_that_is_away_is_told_by_one_process_after_a_minute_and_healed_XR8(watched: Watched) -> None:
    await watched.look(10, a=5)
    assert await watched.look(300, away=True) == []  # `a` lived and tells it
    await watched.look(20)
    assert await watched.look(50, away=True) == []
    assert await watched.look(30, away=True) == ["database_away"]
    assert watched.pulses[-1] is False
    assert await watched.look(30) == [] and watched.pulses[-1] is True


WAITING = [  # since when the oldest waits → told, rung
    (Waiting(urgent={"chat": NOW - MINUTE}), "", False),
    (Waiting(urgent={"chat": NOW - 2 * MINUTE}), "urgent_waiting:chat", True),
    (Waiting(messages={"chat": NOW - 9 * MINUTE}), "", False),
    (Waiting(messages={"chat": NOW - 10 * MINUTE}), "message_waiting:chat", False),
    (Waiting(messages={"chat": NOW - 30 * MINUTE}), "message_waiting:chat", True),
    (Waiting(inbox=NOW - 4 * MINUTE), "", False),
    (Waiting(inbox=NOW - 5 * MINUTE), "inbox_waiting", False),
    (Waiting(inbox=NOW - 30 * MINUTE), "inbox_waiting", True),
]  # fmt: skip


@pytest.mark.parametrize(("waiting", "cause", "rings"), WAITING)
async def test_what_waits_too_long_is_told_by_the_table_FS6(
    watched: Watched, waiting: Waiting, cause: str, rings: bool
) -> None:
    watched.fakes.waiting = waiting
    assert await watched.look() == ([cause] if cause else [])
    assert bool(watched.told.rung) is rings
    watched.fakes.waiting = Waiting()
    assert await watched.look() == []


@pytest.mark.parametrize(("finding", "cause", "red"), [
    (Finding("chain_ticket", "T1", {}), "chain_broken", True), (Finding("message_late", "7", {}), "", True),
    (Finding("calendar_short", "2026-12-31", {}), "calendar_short:2026-12-31", False),
    (Finding("unit_unstaffed", "U01", {}), "", False), (Finding("due_missed", "7", {}), "work_left", True),
])  # fmt: skip
async def test_findings_that_say_that_something_does_not_run_are_red_XR8(
    watched: Watched, finding: Finding, cause: str, red: bool
) -> None:
    watched.fakes.findings = [finding]
    assert await watched.look() == ([cause] if cause else [])
    assert watched.pulses[-1] is not red


async def test_the_switch_hears_each_minute_and_at_once_when_the_colour_changes_XR8(watched: Watched) -> None:
    before = len(watched.pulses)
    await watched.look(600)
    assert len(watched.pulses) - before == 10 and all(watched.pulses)
    watched.fakes.obstacles = ["held"]
    await watched.look(20)
    assert watched.pulses[-2:] == [True, False]
    watched.fakes.obstacles = []
    await watched.look(10)
    assert watched.pulses[-2:] == [False, True]


async def test_work_that_was_due_and_nobody_did_is_told_once_by_telephone_after_half_an_hour_and_healed_FS6(
    watched: Watched,
) -> None:
    watched.fakes.findings = [
        Finding("due_missed", "1", {}, NOW - MINUTE), Finding("lease_over", "2", {}, NOW), Finding("card_stale", "3", {}, NOW),
    ]  # fmt: skip
    assert await watched.look(20) == ["work_left"]
    assert "有 2 项工作到时没有自动办理" in watched.told.chat.texts_of("a1")[0] and not watched.told.rung
    watched.fakes.findings = [Finding("due_missed", "1", {}, NOW - 30 * MINUTE)]
    assert await watched.look(20) == ["work_left"] and watched.told.rung
    watched.fakes.findings = []
    assert await watched.look() == [] and "已恢复" in watched.told.chat.texts_of("a1")[0]
