"""Health of the whole installation, from what all processes say, and of the door of one (operations §8, FS6, XR8)."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

import structlog

from backend.operations.beats import Rhythm
from backend.ports.availability import Unavailable
from backend.ports.integrity import Finding
from backend.ports.operations import Beat, BeatStore, HealthStore

log = structlog.get_logger("operations")
DATABASE_SECONDS = 5.0  # longest wait for the database to answer
#: Findings that say that something does not run; the others are about single tickets, people or dates.
RED_FINDINGS = frozenset(("message_late", "due_missed", "sign_overdue", "close_overdue", "inbox_late", "lease_over"))
RED_PREFIX = "chain_"
STOPPING = frozenset(("read_only", "disk_full"))  # obstacles for which nothing can be written


@dataclass(frozen=True, slots=True)
class Silence:
    """A role that no process runs, or a worker that finishes nothing, and for how long."""

    name: str
    span: timedelta
    host: str = ""


@dataclass(frozen=True, slots=True)
class HealthReport:
    """`red` says in codes why it is red; it is green without any."""

    database: str = "ok"  # ok | away
    roles: Mapping[str, str] = field(default_factory=dict)  # running | missing
    workers: Mapping[str, str] = field(default_factory=dict)  # running | stuck
    obstacles: Sequence[str] = ()
    findings: Sequence[Finding] = ()
    missing: Sequence[Silence] = ()
    stuck: Sequence[Silence] = ()

    @property
    def kinds(self) -> Sequence[str]:
        """The kinds of open findings."""
        return sorted({finding.kind for finding in self.findings})

    @property
    def red(self) -> Sequence[str]:
        """Why it is red: `database_away`, `role_missing:ROLE`, `worker_stuck:WORKER`, an obstacle, a kind of finding."""
        return [
            *(["database_away"] if self.database != "ok" else []),
            *(f"role_missing:{one.name}" for one in self.missing),
            *(f"worker_stuck:{one.name}" for one in self.stuck),
            *self.obstacles,
            *(kind for kind in self.kinds if kind in RED_FINDINGS or kind.startswith(RED_PREFIX)),
        ]


class Health:
    """Any process with a database can tell the health of all. `idle`: how long a worker without work may sleep."""

    def __init__(
        self, beats: BeatStore, store: HealthStore, list_findings: Callable[[], Awaitable[Sequence[Finding]]],
        rhythm: Rhythm, idle: timedelta = timedelta(), list_local: Callable[[], Sequence[str]] = tuple,
    ) -> None:  # fmt: skip
        """`list_local` lists obstacles that this process knows without the database, such as `read_only` (XR4)."""
        self._beats = beats
        self._store = store
        self._list_findings = list_findings
        self._silence = rhythm.silence
        self._stuck_after = rhythm.silence + idle
        self.list_local = list_local

    async def inspect(self) -> HealthReport:
        """Inspect the whole installation."""
        try:
            async with asyncio.timeout(DATABASE_SECONDS):
                return await self.judge(await self._beats.list_beats())
        except Exception as error:  # any failure means the same: not ready
            if not isinstance(error, Unavailable):
                log.warning("database_unavailable", kind=type(error).__name__)
            return HealthReport("away", obstacles=self.list_local())

    async def inspect_door(self) -> HealthReport:
        """Inspect this process alone: whether it can serve what comes in; dead workers do not close the web."""
        try:
            async with asyncio.timeout(DATABASE_SECONDS):
                await self._store.list_obstacles()
        except Exception as error:
            if not isinstance(error, Unavailable):
                log.warning("database_unavailable", kind=type(error).__name__)
            return HealthReport("away")
        return HealthReport()

    async def judge(self, beats: Sequence[Beat]) -> HealthReport:
        """Judge these beats, and what else stands in the database; raises what the database raises."""
        obstacles, findings = await self._store.list_obstacles(), await self._list_findings()
        missing, stuck = find_missing_roles(beats, self._silence), self._find_stuck(beats)
        if STOPPING.intersection(local := self.list_local()):  # nobody can beat: silence says nothing
            missing, stuck = [], []
        roles = {role for beat in beats for role in beat.roles}
        workers = {name for beat in beats if beat.is_alive(self._silence) for name in beat.workers}
        return HealthReport(
            roles=_describe(roles, missing, "missing"), workers=_describe(workers, stuck, "stuck"),
            obstacles=[*local, *obstacles], findings=findings, missing=missing, stuck=stuck,
        )  # fmt: skip

    def _find_stuck(self, beats: Sequence[Beat]) -> list[Silence]:
        """Find workers of living processes that have finished nothing for too long."""
        spans = [
            Silence(name, timedelta(seconds=seconds) + beat.age, beat.host)
            for beat in beats if beat.is_alive(self._silence) for name, seconds in beat.workers.items()
        ]  # fmt: skip
        return _keep_longest(one for one in spans if one.span >= self._stuck_after)


def find_missing_roles(beats: Sequence[Beat], silence: timedelta) -> list[Silence]:
    """Find the roles of the last day that no living process has. Whoever stopped cleanly for good is not among them."""
    living = {role for beat in beats if beat.is_alive(silence) for role in beat.roles}
    youngest: dict[str, Beat] = {}
    for beat in sorted(beats, key=lambda one: one.age):
        for role in beat.roles:
            youngest.setdefault(role, beat)
    return [
        Silence(role, beat.age, beat.host)
        for role, beat in sorted(youngest.items())
        if role not in living and beat.age >= silence
    ]


def _keep_longest(silences: Iterable[Silence]) -> list[Silence]:
    longest = {one.name: one for one in sorted(silences, key=lambda one: one.span)}
    return [longest[name] for name in sorted(longest)]


def _describe(names: set[str], silent: Sequence[Silence], word: str) -> dict[str, str]:
    bad = {one.name for one in silent}
    return {name: word if name in bad else "running" for name in sorted(names)}
