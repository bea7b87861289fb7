"""The watch over the place where data are kept: what it tells, heals, shares and lifts, and what its checks cost (XR4)."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from backend.office.clock import Clock
from backend.operations.storage_check import StorageCheck
from backend.operations.storage_watch import PATROL_COST, PATROL_SECONDS, StorageWatch
from backend.ports.availability import Unavailable
from backend.ports.operations import Damage
from storage.engine.condition import Condition

ZONE = ZoneInfo("Asia/Shanghai")


@dataclass
class Shared:
    """The row that machines share; `is_away` makes it unreachable."""

    row: tuple[Damage, bool] | None = None
    is_away: bool = False

    async def read(self) -> tuple[Damage, bool] | None:
        if self.is_away:
            raise ConnectionError
        return self.row

    async def tell(self, damage: Damage) -> Damage:
        if await self.read() is None or (self.row and self.row[1]):
            self.row = Damage(damage.code, damage.where, (self.row[0].number if self.row else 0) + 1), False
        assert self.row is not None
        return self.row[0]

    async def lift(self) -> None:
        if await self.read() is not None and self.row:
            self.row = self.row[0], True


@dataclass
class Machine:
    """A process with its folder of marks, its disk and its checks."""

    state: Path | None = None
    shared: Shared | None = None
    guards: bool = True
    free: float = 0.5
    found: Sequence[str] = ()
    took: float = 0.0  # seconds of a check
    now: datetime = datetime(2026, 11, 9, 12, 0, tzinfo=ZONE)
    seconds: float = 0.0
    has_room: bool = True
    log: list[Any] = field(default_factory=list)

    def __post_init__(self) -> None:
        clock = Clock(lambda: self.now, ZONE, lambda: 0.0, lambda: self.seconds)
        self.condition = Condition(self.state)
        self.watch = StorageWatch(
            self.condition, self, self.shared, self, clock, measure=lambda: self.free, probe=self.probe, guards=self.guards,
            serving_again=self.resume,
        )  # fmt: skip
        self.check = StorageCheck(self.condition, self, self.shared)

    async def tell(self, cause: str, **facts: Any) -> None:
        if ("tell", cause) not in self.log:
            self.log.append(("tell", cause))

    async def heal(self, cause: str, subject: str = "") -> None:
        self.log.append(("heal", cause))

    async def refresh(self) -> None: ...

    def resume(self) -> None:
        self.log.append("resume")

    async def probe(self) -> None:
        if not self.has_room:
            raise Unavailable("disk_full")
        self.condition.is_full = False

    async def check_some(self, seconds: float, *, deep: bool = False, strict: bool = False) -> Sequence[str]:
        self.log.append("strict" if strict else "deep" if deep else "quick")
        self.seconds += self.took
        return self.found

    async def check_all(self) -> Sequence[str]:
        self.log.append("all")
        return self.found


async def test_damage_is_told_once_and_after_a_clean_check_healed_and_who_waited_goes_on_FD16(tmp_path: Path) -> None:
    machine = Machine(tmp_path)
    machine.condition.report(Damage("SQLITE_CORRUPT"))
    await machine.watch.look()
    await machine.watch.look()
    assert machine.log == [("tell", "read_only")] and machine.watch.list_red() == ["read_only"]
    machine.found = ["page 7"]
    assert await machine.check.run() == ["page 7"] and machine.condition.damage
    machine.found = ()
    assert await machine.check.run() == [] and machine.condition.damage is None
    await machine.watch.look()
    assert machine.log[-2:] == [("heal", "read_only"), "resume"] and machine.watch.list_conditions() == []


async def test_damage_survives_restarts_and_is_known_to_the_processes_beside_XR4(tmp_path: Path) -> None:
    first, beside = Machine(tmp_path), Machine(tmp_path, guards=False)
    first.condition.report(Damage("XX001", "block 3"))
    assert beside.condition.damage == Damage("XX001", "block 3")
    assert Machine(tmp_path).condition.damage == Damage("XX001", "block 3")
    await beside.watch.look()
    assert not beside.log, "the clock's process tells"
    (tmp_path / "read_only.json").write_text("{")
    assert Machine(tmp_path).condition.damage, "a mark that nobody can read is a mark"
    await first.check.run()
    assert beside.condition.damage is None


async def test_a_mark_that_cannot_be_written_holds_while_the_process_lives_FD5(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    machine = Machine(tmp_path / "file" / "state")
    machine.condition.report(Damage("check"))
    assert machine.condition.damage == Damage("check")
    (tmp_path / "file").unlink()
    await machine.watch.look()
    assert Machine(tmp_path / "file" / "state").condition.damage == Damage("check"), "it is tried again"


@pytest.mark.parametrize("lifts_at_home", [True, False])
async def test_machines_tell_each_other_of_damage_and_of_its_end_XR4(tmp_path: Path, lifts_at_home: bool) -> None:
    row = Shared()
    here, there = Machine(tmp_path / "here", row, guards=False), Machine(tmp_path / "there", row)
    here.condition.report(Damage("XX001"))
    for machine in (here, there):
        await machine.watch.look()
        assert machine.condition.damage == Damage("XX001", number=1)
    assert there.log == [("tell", "read_only")] and not here.log
    await (here if lifts_at_home else there).check.run()
    for machine in (here, there):
        await machine.watch.look()
        assert machine.condition.damage is None
    assert there.log[1:] == (["all"] if not lifts_at_home else []) + [("heal", "read_only"), "resume"]
    there.condition.report(Damage("XX002"))
    for machine in (there, here):
        await machine.watch.look()
        assert machine.condition.damage == Damage("XX002", number=2)


async def test_who_cannot_tell_the_other_machines_tells_administrators_themself_XR4(tmp_path: Path) -> None:
    machine = Machine(tmp_path, Shared(is_away=True), guards=False)
    machine.condition.report(Damage("XX001"))
    await machine.watch.look()
    assert machine.log == [("tell", "read_only")]


async def test_an_older_database_put_back_does_not_end_it_XR4(tmp_path: Path) -> None:
    row = Shared((Damage("XX001", number=4), True))
    machine = Machine(tmp_path, row)
    machine.condition.report(Damage("XX001"))
    await machine.watch.look()
    assert machine.condition.damage == Damage("XX001", number=5)
    for older in (None, (Damage("XX001", number=4), True)):
        row.row = older
        await machine.watch.look()
        assert machine.condition.damage is not None


@pytest.mark.parametrize(
    "free, code, red",
    [(0.101, None, False), (0.099, "disk_low", False), (0.031, "disk_low", False), (0.029, "disk_nearly_full", True), (0, "disk_nearly_full", True)],
)  # fmt: skip
async def test_little_room_is_told_at_ten_per_cent_and_red_at_three_FD5(
    free: float, code: str | None, red: bool
) -> None:
    machine = Machine(free=free)
    await machine.watch.look()
    assert machine.watch.list_conditions() == ([code] if code else [])
    assert machine.watch.list_red() == ([code] if red else [])
    assert machine.log == ([("tell", code)] if code else [])
    machine.free = 0.5
    await machine.watch.look()
    assert machine.log[1:] == ([("heal", code)] if code else [])


async def test_a_full_disk_is_probed_and_work_goes_on_when_there_is_room_FD5() -> None:
    machine = Machine(has_room=False, free=0.0)
    machine.condition.is_full = True
    await machine.watch.look()
    await machine.watch.look()
    assert machine.watch.list_red() == ["disk_full"] and machine.log == [("tell", "disk_full")]
    machine.has_room, machine.free = True, 0.2
    await machine.watch.look()
    assert machine.log[1:] == [("heal", "disk_full"), "resume"] and not machine.watch.list_conditions()


async def test_the_patrol_costs_one_per_cent_of_a_core_and_a_small_file_is_checked_within_a_minute_G30() -> None:
    small, large = Machine(took=0.1), Machine(took=5.0)
    for machine, pause in ((small, PATROL_SECONDS), (large, PATROL_COST * 5.0)):
        await machine.watch.patrol()
        assert machine.log == ["deep"], "indexes too"
        machine.seconds = pause - 0.1
        await machine.watch.patrol()
        assert len(machine.log) == 1
        machine.seconds = pause + 0.1
        await machine.watch.patrol()
        assert len(machine.log) == 2
    assert small.log[1] == "deep" and large.log[1] == "quick"
    assert small.seconds < 60


async def test_what_cannot_be_decoded_begins_a_check_at_once_XR4() -> None:
    machine = Machine()
    await machine.watch.patrol()
    machine.condition.is_suspect = True
    machine.found = ["row 3"]
    await machine.watch.patrol()
    assert machine.condition.damage == Damage("check", "row 3")
    await machine.watch.patrol()
    assert machine.log.count("deep") == 2, "what is known to be damaged is left alone"


async def test_all_is_checked_once_a_night_XR4() -> None:
    machine = Machine()
    for _ in range(60):
        await machine.watch.check_nightly()
        machine.now += timedelta(hours=1)
    assert machine.log == ["all"] * 2
    machine.found = ["index"]
    machine.now += timedelta(hours=3)
    await machine.watch.check_nightly()
    assert machine.condition.damage


async def test_the_first_check_is_bounded_and_what_began_damaged_is_prepared_when_mended_XR4() -> None:
    machine = Machine(found=["page 2"])
    await machine.watch.check_at_start()
    assert machine.log == ["strict", ("tell", "read_only")]

    async def prepare() -> None:
        machine.log.append("prepare")

    machine.watch.call_when_mended(prepare)
    for _ in range(2):
        machine.log.clear()
        machine.condition.lift()
        await machine.watch.look()
        machine.condition.report(Damage("again"))
        await machine.watch.look()
        assert machine.log.pop(0) == ("heal", "read_only")
    assert machine.log == ["resume", ("tell", "read_only")], "prepared once"
