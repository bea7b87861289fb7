"""The watch over the office's clock: it keeps the highest time, notices a step back, and names hosts that disagree."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pytest

from backend.office.clock import Clock
from backend.operations.clock_watch import ClockWatch
from storage.engine.database import Database
from storage.engine.ids import IdSupply
from storage.integrity.checks import SqlIntegrityStore
from storage.operations.clock import SqlClockStore
from tests.time_and_chance import ZONE

NINE = datetime(2026, 11, 10, 9, 0, tzinfo=ZONE)
HOUR = timedelta(hours=1)


@dataclass
class Process:
    """One process: its office time and monotonic second, and who was woken."""

    db: Database
    name: str = "p1"
    at: datetime = NINE
    second: float = 0.0
    skew: timedelta = timedelta()
    woken: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        ids = IdSupply(self.db)
        self.findings, self.store = SqlIntegrityStore(self.db, ids), SqlClockStore(self.db, ids)
        clock = Clock(lambda: self.at, ZONE, lambda: pytest.fail("no host's clock"), lambda: self.second)
        self.watch = ClockWatch(
            self.store, self.findings, clock, self.name, f"host-{self.name}", lambda: self.woken.append(self.name)
        )

    async def run(self, passed: timedelta, *, monotonic: timedelta | None = None) -> int:
        """Let time pass for the office, and as much or otherwise for the process; run once."""
        self.at += passed
        self.second += (passed if monotonic is None else monotonic).total_seconds()
        return await self.watch.run_once()

    async def list_findings(self) -> list[tuple[str, str]]:
        return [(f.kind, f.subject) for f in await self.findings.list_open()]


async def test_the_highest_time_is_kept_each_minute_and_a_step_back_is_dealt_with_once_XR1_FS3(
    database: Database,
) -> None:
    one, two = Process(database), Process(database, "p2")
    for seconds in (0, 20, 20, 19):
        assert await one.run(timedelta(seconds=seconds)) == 0
    assert await one.store.load_high() == NINE, "a minute has not passed"
    await one.run(timedelta(seconds=2))
    assert await one.store.load_high() == NINE + timedelta(seconds=61)
    await two.run(timedelta(seconds=61))
    assert await one.run(-timedelta(seconds=4), monotonic=timedelta(seconds=2)) == 0, "it trembled"
    done = [await process.run(-HOUR, monotonic=timedelta(seconds=2)) for process in (one, two, one, two)][:2]
    assert done == [1, 0] and one.woken == ["p1"] * 2 and two.woken[0] == "p2"
    assert [kind for kind, _ in await one.list_findings()] == ["clock_back"] * len(await one.list_findings())


async def test_a_process_started_after_the_step_notices_it_too_FS3(database: Database) -> None:
    await Process(database).run(timedelta())
    later = Process(database, at=NINE - HOUR)
    assert await later.run(timedelta()) == 1 and later.woken == ["p1"]
    assert await Process(database, at=NINE - HOUR).run(timedelta()) == 0


async def test_the_finding_goes_when_its_time_has_come_again_XR1(database: Database) -> None:
    process = Process(database)
    await process.run(timedelta())
    await process.run(-HOUR, monotonic=timedelta(seconds=1))
    await process.run(timedelta(minutes=58))
    assert [kind for kind, _ in await process.list_findings()] == ["clock_back"]
    await process.run(timedelta(minutes=3))
    assert await process.list_findings() == []


@pytest.mark.parametrize(("seconds", "is_told"), [(0, False), (1.9, False), (-1.9, False), (2.1, True), (-300, True)])
async def test_a_host_more_than_two_seconds_off_is_named_until_it_is_right_FD22(
    database: Database, seconds: float, is_told: bool
) -> None:
    process = Process(database)
    for _ in range(3):
        await process.watch._compare(timedelta(seconds=seconds))
    assert await process.list_findings() == [("clock_skew", "host-p1")] * is_told
    await process.watch._compare(timedelta(seconds=0.1))
    assert await process.list_findings() == []
