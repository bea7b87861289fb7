"""The watch: after each beat the first living process tells what is amiss and feeds the dead-man's switch (FS6, XR8)."""

from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import structlog

from backend.office.clock import Clock
from backend.operations.alarm_table import ALARMS
from backend.operations.alarms import AlarmTeller
from backend.operations.beats import Beats
from backend.operations.health import RED_PREFIX, STOPPING, Health, HealthReport
from backend.ports.operations import Beat, HealthStore, Waiting

log = structlog.get_logger("operations")
HEARTBEAT_SECONDS = 60.0  # between two signals to the dead-man's switch; a change of colour is told at once
MAX_NAMED = 5  # altered tickets named in one alarm
GRACE_BEATS = 2  # beats after a start or an outage in which the others may beat before they count as silent
#: Told and healed here; whoever finds another cause tells and heals it themself.
WATCHED = frozenset((
    "urgent_waiting", "work_left", "message_waiting", "inbox_waiting", "role_missing", "worker_stuck", "database_away", "held",
    "chain_broken", "calendar_short",
))  # fmt: skip
#: Findings that say that due work was left: the clock, or the worker of a message, does not go on.
WORK_FINDINGS = frozenset(("due_missed", "sign_overdue", "close_overdue", "lease_over"))
#: Tells the dead-man's switch whether all is well.
Pulse = Callable[[bool], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Signal:
    """A cause that stands, and for how long."""

    cause: str
    standing: timedelta = timedelta()
    facts: dict[str, Any] = field(default_factory=dict)

    @property
    def key(self) -> tuple[str, str]:
        """As alarms are told apart."""
        return self.cause, str(self.facts.get("subject", ""))


class InstallationWatch:
    """Listens to this process's beats. One process at a time watches: the first of those that live."""

    def __init__(
        self, beats: Beats, health: Health, store: HealthStore, alarms: AlarmTeller, channels: Sequence[str],
        clock: Clock, name_role: Callable[[str], str], pulse: Pulse | None = None,
    ) -> None:  # fmt: skip
        self._beats = beats
        self._health = health
        self._store = store
        self._alarms = alarms
        self._channels = channels
        self._clock = clock
        self._name_role = name_role
        self._pulse = pulse
        self._is_first = False
        self._away_since: float | None = None
        self._judge_from: float | None = None
        self._pulse_at: float | None = None
        self._was_green = True

    async def look(self, beats: Sequence[Beat] | None) -> None:
        """Look at the installation once. None: the database did not take our beat."""
        if beats is None:
            self._judge_from = None
            await self._look_without_database()
            return
        self._away_since = None
        await self._alarms.refresh()
        if ("database_away", "") in self._alarms.list_standing():
            await self._alarms.heal("database_away")
        living = [beat.process for beat in beats if beat.is_alive(self._beats.rhythm.silence)]
        self._is_first = living[:1] == [self._beats.own.process]
        now = self._clock.monotonic()
        if self._judge_from is None:
            self._judge_from = now + GRACE_BEATS * self._beats.rhythm.every.total_seconds()
        if not self._is_first or now < self._judge_from:
            return
        report = await self._health.judge(beats)
        waiting = await self._store.read_waiting(self._channels, self._clock.now())
        await self._tell([
            *self._list_silences(report), *self._list_waiting(waiting), *self._list_left(report), *_list_findings(report),
        ])  # fmt: skip
        await self._send_pulse(not report.red)

    async def _look_without_database(self) -> None:
        now = self._clock.monotonic()
        self._away_since = now if self._away_since is None else self._away_since
        if STOPPING.intersection(self._health.list_local()):  # told by who watches the storage
            self._away_since = None
            await self._send_pulse(False)
        elif self._is_first:
            await self._tell([Signal("database_away", timedelta(seconds=now - self._away_since))], heal=False)
            await self._send_pulse(False)

    async def _tell(self, signals: Sequence[Signal], *, heal: bool = True) -> None:
        for signal in signals:
            rule = ALARMS[signal.cause]
            if signal.standing >= rule.after:
                by_call = rule.call is not None and signal.standing >= rule.call
                await self._alarms.tell_standing(signal.cause, signal.standing, signal.facts, by_call=by_call)
        standing = {signal.key for signal in signals}
        for cause, subject in self._alarms.list_standing() if heal else ():
            if cause in WATCHED and (cause, subject) not in standing:
                await self._alarms.heal(cause, subject)

    # -- what is amiss

    def _list_silences(self, report: HealthReport) -> Iterator[Signal]:
        for one in report.missing:
            facts = {"subject": one.name, "role": self._name_role(one.name), "host": one.host}
            yield Signal("role_missing", one.span, facts)
        for one in report.stuck:
            yield Signal("worker_stuck", one.span, {"subject": one.name, "host": one.host})

    def _list_waiting(self, waiting: Waiting) -> Iterator[Signal]:
        now = self._clock.now()
        for cause, heads in (("urgent_waiting", waiting.urgent), ("message_waiting", waiting.messages)):
            for channel, at in heads.items():
                yield Signal(cause, now - at, {"subject": channel, "channel": channel})
        if waiting.inbox is not None:
            yield Signal("inbox_waiting", self._clock.real_now() - waiting.inbox)

    def _list_left(self, report: HealthReport) -> Iterator[Signal]:
        """What was due and nobody did; late messages have alarms of their own."""
        left = [finding for finding in report.findings if finding.kind in WORK_FINDINGS]
        if left:
            since = min(finding.found_at or self._clock.now() for finding in left)
            yield Signal("work_left", self._clock.now() - since, {"count": len(left)})

    # -- the dead-man's switch

    async def _send_pulse(self, green: bool) -> None:
        if self._pulse is None:
            return
        now = self._clock.monotonic()
        every = HEARTBEAT_SECONDS - self._beats.rhythm.every.total_seconds() / 2  # the beat nearest to the minute
        due = self._pulse_at is None or now - self._pulse_at >= every
        if due or green is not self._was_green:
            self._pulse_at, self._was_green = now, green
            await self._pulse(green)


def _list_findings(report: HealthReport) -> Iterator[Signal]:
    if "held" in report.obstacles:
        yield Signal("held")
    altered = [finding.subject for finding in report.findings if finding.kind.startswith(RED_PREFIX)]
    if altered:
        yield Signal("chain_broken", facts={"where": ", ".join(altered[:MAX_NAMED])})
    for finding in report.findings:
        if finding.kind == "calendar_short":
            yield Signal("calendar_short", facts={"subject": finding.subject})
        elif finding.kind in ("clock_back", "clock_skew"):
            span = str(timedelta(seconds=round(abs(float(finding.facts["seconds"])))))
            yield Signal(finding.kind, facts={"subject": finding.subject, "span": span})
