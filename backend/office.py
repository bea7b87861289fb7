"""The office as it stands at this moment: who is there, which rules hold, what time it is; read again when it changes."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from backend.domain import deadlines, reminders
from backend.domain.calendar import Calendar
from backend.domain.limits import Limit
from backend.domain.office_hours import next_open
from backend.domain.records import Person, Unit
from backend.domain.refusals import Refused
from backend.domain.settings import Settings
from backend.domain.ticket import Category, Grade, Obligation, Role, UnitKind
from backend.ports.config import Config, ConfigStore

PROMPT = timedelta(minutes=30)  # a planned letter that is later than this is planned again
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
        return Standing(
            config, Settings(overrides, zone), Calendar.packaged(config.days), by_unit,
            {p.code: p for p in config.people}, management,
        )  # fmt: skip

    def people(self, unit: str, *roles: Role) -> Sequence[Person]:
        """Active people of a unit in these roles, in the order of the roles and then of rank."""
        here = self.by_unit.get(unit, ())
        return [p for role in roles for p in here if p.role is role]

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
        return self.settings.periods("visit.window").enters(ready)

    def next_open(self, at: datetime, unit: str | None) -> datetime:
        """The first office moment at or after `at`."""
        return next_open(at, self.calendar, self.settings.office_hours(unit))

    def may_hand_over(self, now: datetime, grade: Grade, unit: str | None) -> datetime:
        """When the card of a new ticket may leave: at once by day, a working one or not; a general one that comes in
        quiet hours (`notify.quiet`) waits for the next office hour."""
        quiet = grade is Grade.GENERAL and reminders.in_quiet(now, self.settings, unit)
        return self.may_tell(now, now, grade, unit) if quiet else now

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


class OfficeNow:
    """The World of one act: the standing, and one moment."""

    __slots__ = ("_ids", "_now", "standing")

    def __init__(self, standing: Standing, now: datetime, ids: Callable[[], int]) -> None:
        self.standing = standing
        self._now = now
        self._ids = ids

    @property
    def now(self) -> datetime:
        """The moment of the act."""
        return self._now

    @property
    def rules(self) -> Settings:
        """The settings in force."""
        return self.standing.settings

    def due(
        self, kind: Obligation, grade: Grade, category: Category | None, start: datetime, unit: str | None
    ) -> datetime:
        """When a duty is due."""
        return self.standing.due(kind, grade, category, start, unit)

    def later(self, limit: str, start: datetime, unit: str | None) -> datetime:
        """The end of a limit that begins at `start`."""
        return self.standing.later(limit, start, unit)

    def first_look(self, kind: Obligation, grade: Grade, start: datetime, due: datetime, unit: str | None) -> datetime:
        """When the clock must first look at a duty."""
        return self.standing.first_look(kind, grade, start, due, unit)

    def visit_start(self, closed_at: datetime) -> datetime:
        """When a closed ticket's return visit may begin."""
        return self.standing.visit_start(closed_at)

    def next_open(self, at: datetime, unit: str | None) -> datetime:
        """The first office moment at or after `at`."""
        return self.standing.next_open(at, unit)

    def may_hand_over(self, grade: Grade, unit: str | None) -> datetime:
        """When the card of a new ticket may leave."""
        return self.standing.may_hand_over(self._now, grade, unit)

    def may_tell(self, planned: datetime, grade: Grade, unit: str | None) -> datetime:
        """When a letter planned for that instant may leave."""
        return self.standing.may_tell(planned, self._now, grade, unit)

    def given_back(self, due: datetime, limit: datetime, decided: datetime, grade: Grade, unit: str | None) -> datetime:
        """A closing deadline with the time a review took beyond its limit added (T10)."""
        standing = self.standing
        return deadlines.pushed_back(due, limit, decided, grade, standing.settings, standing.calendar, unit)

    def unit(self, code: str) -> Unit | None:
        """A unit by its code."""
        return self.standing.config.units.get(code)

    def people(self, unit: str, *roles: Role) -> Sequence[Person]:
        """Active people of a unit in these roles."""
        return self.standing.people(unit, *roles)

    def person(self, code: str) -> Person | None:
        """An active person by his code."""
        return self.standing.by_code.get(code)

    def management_of(self, region: str) -> str | None:
        """The institution of a region."""
        return self.standing.management_of(region)

    def new_id(self) -> int:
        """A number for a new row."""
        return self._ids()


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
        if current is not None and not fresh and loop.time() - self._looked < EVERY:
            return current
        async with self._lock:
            self._looked = loop.time()
            if self._standing is None or await self.store.epoch() != self._standing.config.epoch:
                config = await self.store.load(self.clock.now())
                self._standing = Standing.of(config, self._profile, self.clock.zone)
            return self._standing

    def forget(self) -> None:
        """Read again at the next question; call it after changing the configuration in this process."""
        self._looked = -EVERY
        self._standing = None
