"""Every night one process backs up and proves it; what fails is told, and nothing old is dropped for it (XR3)."""

import asyncio
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from backend.app.build import open_application
from backend.app.build_backups import build_backups
from backend.app.config import Config
from backend.domain.refusals import Refused
from backend.operations.daily_backups import KEPT, DailyBackups, find_time
from storage.operations.backup_files import NAMED
from tests.time_and_chance import ZONE, build_clock


class FakeBackups:
    """Backups that are files with nothing in them. `failing`: what `make` or `verify` meets."""

    def __init__(self) -> None:
        self.failing: dict[str, Exception] = {}
        self.verified: list[str] = []

    async def make(self, file: Path) -> None:
        if error := self.failing.get("make"):
            raise error
        file.touch()

    async def verify(self, file: Path) -> None:
        if error := self.failing.get("verify"):
            raise error
        self.verified.append(file.name)

    def list_daily(self, folder: Path) -> list[Path]:
        return sorted(folder.glob(NAMED))


class FakeLease:
    """A lease that one owner has."""

    def __init__(self) -> None:
        self.owner: str | None = None

    async def acquire_lease(self, _name: str, owner: str, _span: timedelta) -> bool:
        self.owner = self.owner or owner
        return self.owner == owner

    async def release_lease(self, _name: str, owner: str) -> None:
        assert self.owner == owner
        self.owner = None


class FakeAlarms:
    """Alarms that remember what stands."""

    def __init__(self) -> None:
        self.standing: dict[str, Any] = {}

    async def tell(self, cause: str, **facts: Any) -> None:
        self.standing[cause] = facts

    async def heal(self, cause: str, subject: str = "") -> None:
        self.standing.pop(cause, None)


class Night:
    """An installation in time: `look` lets the worker of a process run and waits for what it began."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.at = datetime(2026, 11, 9, 14, 0, tzinfo=ZONE)
        self.backups, self.lease, self.alarms = FakeBackups(), FakeLease(), FakeAlarms()
        clock = build_clock(lambda: self.at, lambda: self.at.timestamp())  # noqa: PLW0108 - it is moved
        self.processes = [
            DailyBackups(self.backups, folder, self.lease, owner, clock, self.alarms)  # type: ignore[arg-type]
            for owner in ("one", "two")
        ]

    async def look(self, **later: float) -> int:
        """Let time pass, and every process look; return how many backups there are."""
        self.at += timedelta(**later)
        for process in self.processes:
            assert await process.run_once() == 0
            if process._running is not None:
                await process._running
        return len(self.backups.list_daily(self.folder))


@pytest.fixture
def night(tmp_path: Path) -> Night:
    return Night(tmp_path)


async def test_one_backup_a_night_whichever_process_makes_it_XR3(night: Night) -> None:
    assert await night.look() == 1  # the first at once
    assert await night.look(hours=10) == 1
    assert await night.look(hours=2, minutes=29) == 1
    assert await night.look(minutes=2) == 2  # 02:31
    assert await night.look(hours=20) == 2
    assert await night.look(days=3) == 3  # what was missed is made up for once
    assert len(night.backups.verified) == 3 and night.alarms.standing == {} and night.lease.owner is None


async def test_the_newest_35_are_kept_and_foreign_files_stay_XR3(night: Night) -> None:
    foreign = night.folder / "jiesu-before-the-move.backup"
    foreign.touch()
    for _ in range(KEPT + 5):
        await night.look(days=1)
    kept = night.backups.list_daily(night.folder)
    assert len(kept) == KEPT and find_time(kept) == night.at
    assert foreign.exists() and find_time([foreign]) is None


async def test_a_failing_backup_is_tried_again_and_told_once_the_last_is_too_old_XR3(night: Night) -> None:
    await night.look()
    night.backups.failing["make"] = OSError("disk full")
    assert await night.look(hours=13) == 1 and night.alarms.standing == {}
    assert await night.look(hours=14) == 1 and set(night.alarms.standing) == {"backup_old"}
    night.backups.failing.clear()
    assert await night.look(minutes=29) == 1
    assert await night.look(minutes=2) == 2 and night.alarms.standing == {}


async def test_a_backup_that_cannot_be_restored_is_told_and_nothing_is_dropped_for_it_XR3(night: Night) -> None:
    for _ in range(KEPT):
        await night.look(days=1)
    night.backups.failing["verify"] = Refused("backup_differs", what="journal")
    assert await night.look(days=1) == KEPT + 1
    assert night.alarms.standing == {"backup_unreadable": {"code": "backup_differs"}}
    night.backups.failing.clear()
    assert await night.look(days=1) == KEPT and night.alarms.standing == {}


async def test_while_another_process_backs_up_for_too_long_somebody_is_told_XR3(night: Night) -> None:
    await night.look()
    night.lease.owner = "a third"
    assert await night.look(hours=27) == 1 and set(night.alarms.standing) == {"backup_old"}


async def test_a_running_installation_backs_up_by_itself_XR3(database_url: str, tmp_path: Path) -> None:
    folder = tmp_path / "backups"
    config = Config(data=tmp_path / "var", database_url=database_url, port=0, sandbox=True, backup_to=folder)
    async with open_application(config):
        async with asyncio.timeout(60):
            while not (found := list(folder.glob(NAMED))):
                await asyncio.sleep(0.05)
    manifest = await build_backups(config).verify(found[0])
    assert manifest.contents.incarnation and manifest.contents.rows["key_values"] > 0
