"""Beats of all processes: one row each, dated by the database; what a clean stop leaves and what a death leaves (XR8)."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest

from backend.domain.records import Message
from backend.operations.beats import Beats, Rhythm, Self
from backend.operations.health import Health, find_missing_roles
from backend.ports.operations import Beat
from storage.delivery.leases import void_leases
from storage.delivery.outbox import SqlOutboxStore
from storage.engine.database import Database
from storage.engine.ids import IdSupply
from storage.engine.lease_clock import LeaseClock
from storage.operations.beats import SqlBeatStore
from storage.operations.health import SqlHealthStore
from tests.time_and_chance import build_clock

NOW = datetime(2026, 11, 10, 1, 30, tzinfo=UTC)
SILENCE = timedelta(seconds=45)


class Installation:
    """Processes that beat by hand; `at` is the database's clock of leases and everybody's monotonic one, in seconds."""

    def __init__(self, db: Database) -> None:
        self.at = 1_000.0
        db.lease_clock = LeaseClock(lambda: self.at)
        self.store = SqlBeatStore(db)
        self.work: dict[str, dict[str, float]] = {}
        self.processes: dict[str, Beats] = {}

    async def start(self, name: str, *roles: str, **finished: float) -> Beats:
        self.work[name] = finished
        own, clock = Self(name, "host-" + name, roles, "0017"), build_clock(lambda: NOW, monotonic=lambda: self.at)
        self.processes[name] = beats = Beats(self.store, clock, own, self.work[name], (), Rhythm())
        await beats.beat()
        return beats

    async def pass_time(self, seconds: int, *living: str) -> None:
        """Let ten seconds pass again and again; these processes beat."""
        for _ in range(seconds // 10):
            self.at += 10
            for name in living:
                await self.processes[name].beat()

    async def missing(self) -> list[str]:
        return [one.name for one in find_missing_roles(await self.store.list_beats(), SILENCE)]


@pytest.fixture
def installation(database: Database) -> Installation:
    return Installation(database)


async def test_a_process_has_one_row_which_says_what_it_last_finished_XR8(installation: Installation) -> None:
    await installation.start("a", "web", "worker", delivery=990.0, calls=400.0)
    await installation.pass_time(30, "a")
    (beat,) = await installation.store.list_beats()
    assert (beat.process, beat.host, beat.roles, beat.code, beat.number) == (
        "a",
        "host-a",
        ("web", "worker"),
        "0017",
        4,
    )
    assert beat.workers == {"delivery": 40.0, "calls": 630.0} and beat.age == timedelta()
    installation.at += 7
    assert [one.age for one in await installation.store.list_beats()] == [timedelta(seconds=7)]


@pytest.mark.parametrize("when", [0, 1, 9])
async def test_a_role_without_a_beat_is_missing_within_a_minute_of_its_death_XR8(
    installation: Installation, when: int
) -> None:
    await installation.start("a", "web", "clock")
    await installation.start("b", "worker")
    await installation.pass_time(20, "a", "b")
    installation.at += when  # killed at some moment between two beats
    assert await installation.missing() == []
    await installation.pass_time(30 - when // 5 * 10, "a")
    assert await installation.missing() == []  # a restart takes as long
    await installation.pass_time(20, "a")
    assert await installation.missing() == ["worker"]
    await installation.start("c", "worker")
    assert await installation.missing() == []


STOPS = [  # roles of each process; who stops in turn; roles missing a minute later
    pytest.param({"a": "web", "b": "worker", "c": "worker"}, "b", [], id="another has the role"),
    pytest.param({"a": "web", "b": "worker"}, "b", ["worker"], id="nobody else has it: told though it was clean"),
    pytest.param({"a": "web", "b": "worker clock"}, "b", ["clock", "worker"], id="two roles"),
    pytest.param({"a": "web clock", "b": "worker clock"}, "b", ["worker"], id="one of two"),
    pytest.param({"a": "web", "b": "worker"}, "ba", [], id="all: the installation is closed"),
    pytest.param({"a": "web", "b": "worker", "c": "bot"}, "abc", [], id="all, one after another"),
]  # fmt: skip


@pytest.mark.parametrize(("roles", "stopping", "missing"), STOPS)
async def test_a_clean_stop_is_forgotten_unless_it_leaves_a_role_without_a_process_XR8(
    installation: Installation, roles: dict[str, str], stopping: str, missing: Sequence[str]
) -> None:
    for name, own in roles.items():
        await installation.start(name, *own.split())
    for name in stopping:
        await installation.processes[name].stop()
    living = [name for name in roles if name not in stopping]
    await installation.pass_time(20, *living)
    assert await installation.missing() == []  # started again meanwhile nobody is told
    await installation.pass_time(40, *living)
    assert await installation.missing() == missing
    assert len([b for b in await installation.store.list_beats() if b.is_alive(SILENCE)]) == len(living)
    if not living:  # whatever is started next is all there is
        await installation.start("z", "web")
        await installation.pass_time(60, "z")
        assert await installation.missing() == []


async def test_what_has_been_silent_for_a_day_is_forgotten_XR8(installation: Installation) -> None:
    await installation.start("a", "web")
    await installation.start("b", "worker")
    installation.at += 23 * 3600
    await installation.processes["a"].beat()
    assert await installation.missing() == ["worker"]
    installation.at += 3700
    await installation.processes["a"].beat()
    assert [one.process for one in await installation.store.list_beats()] == ["a"]


async def test_a_worker_of_a_living_process_that_finishes_nothing_is_stuck_FS6(
    installation: Installation, database: Database
) -> None:
    async def none() -> Sequence[object]:
        return []

    health = Health(installation.store, SqlHealthStore(database), none, Rhythm())  # type: ignore[arg-type]
    await installation.start("a", "clock", deadlines=1_000.0, visits=1_000.0)
    await installation.start("b", "worker", delivery=1_000.0)
    for _ in range(4):
        installation.work["a"]["visits"] = installation.work["b"]["delivery"] = installation.at
        await installation.pass_time(10, "a", "b")
    assert (await health.inspect()).red == []
    installation.work["b"]["delivery"] = installation.at
    await installation.pass_time(10, "a", "b")
    report = await health.inspect()
    assert report.red == ["worker_stuck:deadlines"]
    assert report.workers == {"deadlines": "stuck", "delivery": "running", "visits": "running"}


async def test_workers_are_not_stuck_because_their_process_was_paused_or_the_database_away_XR8(
    installation: Installation,
) -> None:
    beats = await installation.start("a", "worker", delivery=1_000.0)
    installation.at += 120  # stopped by a debugger, a snapshot of the machine, SIGSTOP
    await beats.beat()
    (beat,) = await installation.store.list_beats()
    assert beat.workers == {"delivery": 0.0}
    await installation.pass_time(50, "a")
    (beat,) = await installation.store.list_beats()
    assert beat.workers == {"delivery": 50.0}  # but from then on it counts


async def test_a_beat_tells_since_when_the_oldest_due_message_of_each_channel_waits_XR8(database: Database) -> None:
    outbox, store = SqlOutboxStore(database, IdSupply(database)), SqlBeatStore(database)
    waits = [(1, "telegram", False, -30), (2, "telegram", True, -10), (3, "phone", True, 5), (4, "sms", False, 0)]
    await outbox.add([
        Message(n, "ticket_dispatched", channel, "P1", 1, 2, 1, urgent, NOW + timedelta(minutes=minutes), NOW)
        for n, channel, urgent, minutes in waits
    ])  # fmt: skip
    (beat,) = await store.beat(Beat("a", "h", ("worker",), "0017", number=1), ["telegram", "phone", "sms"], NOW)
    assert beat.lane_head == {"telegram": NOW - timedelta(minutes=30), "sms": NOW}
    waiting = await SqlHealthStore(database).read_waiting(["telegram", "phone", "sms"], NOW)
    assert waiting.urgent == {"telegram": NOW - timedelta(minutes=10)} and waiting.messages == beat.lane_head


async def test_beats_of_a_former_process_of_an_sqlite_file_are_void_XR1(
    installation: Installation, database: Database
) -> None:
    await installation.start("a", "web", "clock")
    await void_leases(database)
    assert len(await installation.store.list_beats()) == (0 if database.dialect == "sqlite" else 1)


def test_the_rhythm_is_ten_seconds_or_a_third_of_a_short_lease_XR8() -> None:
    for lease, every in ((45, 10), (30, 10), (15, 5), (3, 1)):
        assert Rhythm.of_lease(timedelta(seconds=lease)).every == timedelta(seconds=every)
    rhythm = Rhythm()
    assert rhythm.silence + rhythm.every < timedelta(seconds=60)  # seen within a minute
