"""The office as it stands at this moment: who is there, which rules hold, what time it is; read again when it changes."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from backend.domain import deadlines, reminders, rosters
from backend.domain.calendar import Calendar
from backend.domain.limits import Limit
from backend.domain.office_hours import OfficeHours, next_open
from backend.domain.records import Person
from backend.domain.refusals import Refused
from backend.domain.settings import Settings
from backend.domain.ticket import Category, Grade, Obligation, Role, UnitKind
from backend.domain.visit_days import next_visit
from backend.ports.config import Config, ConfigStore

PROMPT = timedelta(minutes=30)  # a planned letter that is later than this is planned again
DAYS_OF_PEACE = 3  # looks for an hour outside somebody's quiet hours; then he is rung all the same
EVERY = 1.0  # seconds between looks at the epoch by a process that was not told


class Clock:
    """What time it is for the house. The sandbox gives one that can be moved."""

    def __init__(
        self, now: Callable[[], datetime], zone: ZoneInfo, ahead: Callable[[], timedelta] = lambda: timedelta(0)
    ) -> None:
        """`ahead` is how far a rehearsal's clock is ahead of the wall's."""
        self._now = now
        self.ahead = ahead
        self.zone = zone

    def now(self) -> datetime:
        """This moment, aware, in the house's own zone."""
        return self._now().astimezone(self.zone)


@dataclass(frozen=True, eq=False)
class Standing:
    """The rules and people as of one epoch; immutable, shared by all acts until the next change."""

    config: Config
    settings: Settings
    calendar: Calendar
    by_unit: dict[str, tuple[Person, ...]]
    by_code: dict[str, Person]
    management: dict[str, str]  # region → code of its management institution
    shifts: dict[str, tuple[rosters.Shift, ...]]  # by unit

    @staticmethod
    def of(config: Config, profile: str, zone: ZoneInfo) -> "Standing":
        """The standing of a configuration; `profile` holds unless the settings name one."""
        overrides = {"profile": profile, **config.settings}
        for unit, own in config.unit_settings.items():
            overrides |= {f"{key}@{unit}": value for key, value in own.items()}
        by_unit: dict[str, tuple[Person, ...]] = {}
        for person in config.people:
            by_unit[person.unit] = (*by_unit.get(person.unit, ()), person)
        managers = [u for u in config.units.values() if u.kind is UnitKind.MANAGEMENT and u.active]
        management = {u.region: u.code for u in reversed(managers)}
        if managers:
            management.setdefault("", managers[0].code)
        shifts: dict[str, tuple[rosters.Shift, ...]] = {}
        for shift in config.shifts:
            shifts[shift.unit] = (*shifts.get(shift.unit, ()), shift)
        return Standing(
            config, Settings(overrides, zone), Calendar.packaged(config.days), by_unit,
            {p.code: p for p in config.people}, management, shifts,
        )  # fmt: skip

    def people(self, unit: str, *roles: Role) -> Sequence[Person]:
        """Active people of a unit in these roles, in the order of the roles and then of rank."""
        here = self.by_unit.get(unit, ())
        return [p for role in roles for p in here if p.role is role]

    def present(self, people: Sequence[Person], at: datetime) -> list[Person]:
        """These people, those who are away replaced by who stands in for them (代班); nobody twice."""
        if not self.config.stand_ins:
            return list(people)
        codes = [rosters.in_place(p.code, self.config.stand_ins, at) for p in people]
        return [self.by_code[c] for c in dict.fromkeys(codes) if c in self.by_code]

    def on_duty(self, unit: str, at: datetime) -> list[Person]:
        """Who of a unit is on duty by its roster, the deputies last; empty where no shift covers the moment."""
        first, deputies = rosters.on_duty(self.shifts.get(unit, ()), at)
        return self.present([self.by_code[c] for c in (*first, *deputies) if c in self.by_code], at)

    def to_tell(self, people: Sequence[Person], at: datetime, *, urgent: bool) -> list[Person]:
        """Whom a letter to these people reaches: urgent matters of a unit the person on duty instead of its
        handlers – in quiet hours instead of its liaisons too – as far as its roster covers the moment (Q25).
        """
        here = self.present(people, at)
        if not urgent or not self.shifts:
            return here
        told: list[Person] = []
        for person in here:
            duty = self._first_on_duty(person.unit, at)
            quiet = person.role is Role.LIAISON and reminders.in_quiet(at, self.settings, person.unit)
            told += duty if duty and (person.role is Role.HANDLER or quiet) else [person]
        return [p for i, p in enumerate(told) if p not in told[:i]]

    def _first_on_duty(self, unit: str, at: datetime) -> list[Person]:
        first, _ = rosters.on_duty(self.shifts.get(unit, ()), at)
        return self.present([self.by_code[c] for c in first if c in self.by_code], at)

    def contacts(self, unit: str, at: datetime, *, urgent: bool) -> list[Person]:
        """In which order a unit's people are tried: who is on duty when it is urgent, then by `escalation.order`."""
        handlers = self.present(self.people(unit, Role.HANDLER), at)
        others = {r: self.present(self.people(unit, r), at) for r in (Role.LIAISON, Role.LEADER)}
        order = rosters.escalation(handlers, others, self.settings.listing("escalation.order", unit))
        first = self.on_duty(unit, at) if urgent else []
        return [*first, *(p for p in order if p not in first)]

    def peace(self, person: str, at: datetime) -> datetime:
        """When a general letter may reach this person, by his own quiet hours (/quiet); `at` without any."""
        written = self.config.quiet.get(person)
        if written is None:
            return at
        return OfficeHours.parse(written, self.settings.zone, overnight=True).leaves(at)

    def may_ring(self, person: str, at: datetime, grade: Grade, unit: str | None) -> datetime:
        """When a person may be rung about a matter of his unit: urgent at once; general in its hours and outside its
        quiet hours and his own, unless those leave no such hour for days (FW32).
        """
        settings, calendar = self.settings, self.calendar
        first = when = reminders.next_allowed(at, grade, settings, calendar, unit, ring=True)
        for _ in range(DAYS_OF_PEACE if grade is not Grade.URGENT else 0):
            calm = self.peace(person, when)
            if calm <= when:
                return when
            when = reminders.next_allowed(calm, grade, settings, calendar, unit, ring=True)
        return first

    def management_of(self, region: str) -> str | None:
        """The institution of a region; where it has none, the first of all (one institution is the common case)."""
        return self.management.get(region) or self.management.get("")

    def due(
        self, kind: Obligation, grade: Grade, category: Category | None, start: datetime, unit: str | None
    ) -> datetime:
        """When a duty is due (domain/deadlines)."""
        return deadlines.deadline(kind, grade, category, start, self.settings, self.calendar, unit)

    def later(self, limit: str, start: datetime, unit: str | None) -> datetime:
        """The end of a limit that begins at `start`."""
        hours = self.settings.office_hours(unit)
        mode = deadlines.Mode(self.settings.choice("workday.mode"))
        return deadlines.due(Limit.parse(limit), start, self.calendar, hours, mode)

    def first_look(self, kind: Obligation, grade: Grade, start: datetime, due: datetime, unit: str | None) -> datetime:
        """When the clock must first look at a duty: its first rung, or its due time."""
        return min([due, *(s.at for s in self.rungs(kind, grade, start, due, unit)[:1])])

    def rungs(
        self, kind: Obligation, grade: Grade, start: datetime, due: datetime, unit: str | None
    ) -> Sequence[reminders.Step]:
        """The reminders and notices of a duty, in time order (announcing and escalating is the courier's affair)."""
        whole = start.replace(microsecond=0), due.replace(microsecond=0)  # to the second: many share a ladder
        steps = _ladder(kind, grade, *whole, self.settings, self.calendar, unit)
        return [s for s in steps if s.group in (reminders.Group.REMIND, reminders.Group.NOTICE)]

    def visit_start(self, closed_at: datetime) -> datetime:
        """When a closed ticket's return visit may begin: `visit.start_after_close` later, inside `visit.window`."""
        ready = self.later(self.settings.text("visit.start_after_close"), closed_at, None)
        return self.may_visit(ready)

    def may_visit(self, at: datetime) -> datetime:
        """The first instant from then on when a caller may be rung: in `visit.window`, off `visit.blocked_days` (FW32)."""
        window, blocked = self.settings.periods("visit.window"), self.settings.listing("visit.blocked_days")
        return next_visit(at, window, blocked, self.calendar)

    def next_open(self, at: datetime, unit: str | None) -> datetime:
        """The first office moment at or after `at`."""
        return next_open(at, self.calendar, self.settings.office_hours(unit))

    def may_hand_over(self, now: datetime, grade: Grade, unit: str | None, due: datetime | None = None) -> datetime:
        """When the card of a new ticket may leave (§6.3): an urgent one at once, a general one in the unit's office
        hours, else at its next office hour; at once, too, when waiting would let its due time pass."""
        allowed = self.may_tell(now, now, grade, unit)
        return now if due is not None and allowed >= due else allowed

    def may_tell(
        self, planned: datetime, now: datetime, grade: Grade, unit: str | None, *, ring: bool = False
    ) -> datetime:
        """When a letter planned for that instant may leave: at once when it was planned for a moment at which the
        unit may be disturbed (the closing instant is one) and that has only just come, else at the next such moment.
        """
        at = max(now, planned)
        try:
            allowed = reminders.next_allowed(planned, grade, self.settings, self.calendar, unit, ring=ring)
            if allowed <= now <= planned + PROMPT:
                return now
            return reminders.next_allowed(at, grade, self.settings, self.calendar, unit, ring=ring)
        except Refused:  # quiet hours that leave no office hour at all must not hold back a card
            return at


@lru_cache(maxsize=4096)
def _ladder(
    kind: Obligation, grade: Grade, start: datetime, due: datetime,
    settings: Settings, calendar: Calendar, unit: str | None,
) -> tuple[reminders.Step, ...]:  # fmt: skip
    try:
        return tuple(reminders.ladder(kind, grade, start, due, calendar, settings.office_hours(unit), settings))
    except Refused:  # past the calendar's end there is no rung to place; the due time itself is known
        return ()


class Office:
    """Keeps the standing fresh. `standing()` is cheap; a change made elsewhere is seen within a second."""

    def __init__(self, store: ConfigStore, clock: Clock, profile: str) -> None:
        self.store = store
        self.clock = clock
        self._profile = profile
        self._standing: Standing | None = None
        self._looked = -EVERY
        self._lock = asyncio.Lock()

    async def standing(self, *, fresh: bool = False) -> Standing:
        """The rules and people in force; `fresh` looks at the epoch even if it was looked at just now."""
        loop = asyncio.get_running_loop()
        current = self._standing
        if current is not None and not fresh and loop.time() - self._looked < EVERY and not self._outlived(current):
            return current
        async with self._lock:
            self._looked = loop.time()
            current = self._standing  # whoever forgets it while we wait has the next question read it again
            if current is None or self._outlived(current) or await self.store.epoch() != current.config.epoch:
                config = await self.store.load(self.clock.now())
                current = self._standing = Standing.of(config, self._profile, self.clock.zone)
            return current

    def _outlived(self, standing: Standing) -> bool:
        return standing.config.until is not None and self.clock.now() >= standing.config.until

    def forget(self) -> None:
        """Read again at the next question; call it after changing the configuration in this process."""
        self._looked = -EVERY
        self._standing = None
