"""Cache the office snapshot: people and rules, reloaded when the configuration changes."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from backend.domain import deadlines, duty_roster, reminders
from backend.domain.acts import MEMBER_ROLES
from backend.domain.calendar import Calendar
from backend.domain.chat_order import with_order
from backend.domain.institutions import find_institution, list_below
from backend.domain.limits import Limit
from backend.domain.office_hours import OfficeHours, next_open
from backend.domain.records import ChatAddress, Person, Unit
from backend.domain.refusals import Refused
from backend.domain.settings import Settings
from backend.domain.ticket_enums import Category, Grade, Obligation, Role, UnitKind
from backend.domain.visit_days import find_next_visit_time
from backend.office.clock import Clock
from backend.office.reminder_steps import build_reminder_steps
from backend.ports.office import ConfigStore, OfficeConfig

PROMPT_WITHIN = timedelta(minutes=30)  # a planned message later than this is planned again
QUIET_HOURS_TRIES = 3  # attempts to find a time outside someone's quiet hours; then they are called anyway
OFFICE_ORDER = (Role.DISPATCHER, Role.SUPERVISOR, Role.REVISIT_AGENT)  # who is called at an institution, in turn
MAX_KNOWN_REGIONS = 4_096  # answers of `find_institution` kept with a snapshot
CHECK_INTERVAL = 1.0  # seconds between checks of the configuration epoch


@dataclass(frozen=True, eq=False)
class OfficeSnapshot:
    """The rules and people as of one epoch; immutable, shared by all acts until the next change."""

    config: OfficeConfig
    settings: Settings
    calendar: Calendar
    by_unit: dict[str, tuple[Person, ...]]
    by_code: dict[str, Person]
    shifts: dict[str, tuple[duty_roster.Shift, ...]]  # by unit
    _institutions: dict[tuple[str, str | None], str] = field(default_factory=dict)  # found already; "" for none
    _below: dict[str, frozenset[str]] = field(default_factory=dict)  # listed already

    @property
    def person_names(self) -> dict[str, str]:
        """The name behind each person's code, of people who left too."""
        return {p.code: p.name for p in self.config.people}

    @staticmethod
    def build(config: OfficeConfig, profile: str, zone: ZoneInfo) -> "OfficeSnapshot":
        """Build the snapshot of a configuration; `profile` applies unless the settings name one."""
        overrides = {"profile": profile, **config.settings}
        for unit, own in config.unit_settings.items():
            overrides |= {f"{key}@{unit}": value for key, value in own.items()}
        rules = Settings(overrides, zone)
        config = replace(config, people=[with_order(p, rules.strings("chat.prefer", p.unit)) for p in config.people])
        by_unit: dict[str, tuple[Person, ...]] = {}
        for person in config.people:
            by_unit[person.unit] = (*by_unit.get(person.unit, ()), person)
        shifts: dict[str, tuple[duty_roster.Shift, ...]] = {}
        for shift in config.shifts:
            shifts[shift.unit] = (*shifts.get(shift.unit, ()), shift)
        return OfficeSnapshot(
            config, rules, Calendar.load_default(config.calendar), by_unit,
            {p.code: p for p in config.people}, shifts,
        )  # fmt: skip

    def people(self, unit: str, *roles: Role) -> Sequence[Person]:
        """List active people of a unit in these roles, in the order of the roles, then of rank."""
        here = self.by_unit.get(unit, ())
        return [p for role in roles for p in here if p.role is role]

    def find_unit(self, code: str) -> Unit | None:
        """Return a unit by its code."""
        return self.config.units.get(code)

    def find_person(self, code: str) -> Person | None:
        """Return an active person by their code."""
        return self.by_code.get(code)

    def find_chat(self, person: str, network: str) -> ChatAddress | None:
        """Return where a network reaches an active person."""
        return self.by_code[person].find_chat(network) if person in self.by_code else None

    def list_staff(self, unit: Unit) -> Sequence[Person]:
        """List a unit's active people in the order of their roles; of a handling unit only those with a unit's roles."""
        return self.people(unit.code, *(MEMBER_ROLES if unit.kind is UnitKind.HANDLING else Role))

    def with_stand_ins(self, people: Sequence[Person], at: datetime) -> list[Person]:
        """Return these people with the absent replaced by their stand-ins (代班); nobody twice."""
        if not self.config.stand_ins:
            return list(people)
        codes = [duty_roster.resolve_stand_in(p.code, self.config.stand_ins, at) for p in people]
        return [self.by_code[c] for c in dict.fromkeys(codes) if c in self.by_code]

    def on_duty(self, unit: str, at: datetime) -> list[Person]:
        """List a unit's people on duty by its roster, deputies last; empty if no shift covers the moment."""
        first, deputies = duty_roster.find_on_duty(self.shifts.get(unit, ()), at)
        return self.with_stand_ins([self.by_code[c] for c in (*first, *deputies) if c in self.by_code], at)

    def recipients(self, people: Sequence[Person], at: datetime, *, urgent: bool) -> list[Person]:
        """Return the recipients of a message to these people (Q25).

        If urgent and the unit's roster covers the moment, the person on duty replaces its handlers, and in quiet
        hours its liaisons too.
        """
        here = self.with_stand_ins(people, at)
        if not urgent or not self.shifts:
            return here
        found: list[Person] = []
        for person in here:
            duty = self._first_on_duty(person.unit, at)
            quiet = person.role is Role.LIAISON and reminders.is_quiet_time(at, self.settings, person.unit)
            found += duty if duty and (person.role is Role.HANDLER or quiet) else [person]
        return [p for i, p in enumerate(found) if p not in found[:i]]

    def _first_on_duty(self, unit: str, at: datetime) -> list[Person]:
        first, _ = duty_roster.find_on_duty(self.shifts.get(unit, ()), at)
        return self.with_stand_ins([self.by_code[c] for c in first if c in self.by_code], at)

    def contacts(self, unit: str, at: datetime, *, urgent: bool) -> list[Person]:
        """List a unit's people in contact order: if urgent those on duty first, then by `escalation.order`; of an
        institution, then by `OFFICE_ORDER`."""
        handlers = self.with_stand_ins(self.people(unit, Role.HANDLER), at)
        others = {r: self.with_stand_ins(self.people(unit, r), at) for r in (Role.LIAISON, Role.LEADER)}
        order = duty_roster.order_contacts(handlers, others, self.settings.strings("escalation.order", unit))
        here = self.config.units.get(unit)
        if here is not None and here.kind is UnitKind.MANAGEMENT:
            order += self.with_stand_ins(self.people(unit, *OFFICE_ORDER), at)
        first = self.on_duty(unit, at) if urgent else []
        return [*first, *(p for p in order if p not in first)]

    def find_colleague_on_duty(self, asking: Person, unit: str, at: datetime, *, urgent: bool) -> Person | None:
        """Find the first other contact of a unit who can be reached by chat; never its leader."""
        order = self.contacts(unit, at, urgent=urgent)
        return next((p for p in order if p.chat and p.code != asking.code and p.role is not Role.LEADER), None)

    def after_quiet_hours(self, person: str, at: datetime) -> datetime:
        """Return when a general message may reach this person, by their own quiet hours (/quiet)."""
        written = self.config.quiet_hours.get(person)
        if written is None:
            return at
        return OfficeHours.parse(written, self.settings.zone, overnight=True).next_outside(at)

    def earliest_call(self, person: str, at: datetime, grade: Grade, unit: str | None) -> datetime:
        """Return when a person may be called about a matter of their unit: urgent at once; general in the unit's
        hours, outside its quiet hours and their own, unless those leave no such time for days (FW32).
        """
        settings, calendar = self.settings, self.calendar
        first = when = reminders.find_next_allowed(at, grade, settings, calendar, unit, for_call=True)
        for _ in range(QUIET_HOURS_TRIES if grade is not Grade.URGENT else 0):
            after_quiet = self.after_quiet_hours(person, when)
            if after_quiet <= when:
                return when
            when = reminders.find_next_allowed(after_quiet, grade, settings, calendar, unit, for_call=True)
        return first

    def find_institution(self, region: str = "", receiver: str | None = None) -> str | None:
        """Find the institution that answers for a matter (domain/institutions); None where the tree names none."""
        key = region, receiver
        found = self._institutions.get(key)
        if found is None:
            if len(self._institutions) >= MAX_KNOWN_REGIONS:  # regions are free text
                self._institutions.clear()
            found = self._institutions[key] = find_institution(self.config.units, region, receiver) or ""
        return found or None

    def list_below(self, unit: str | None) -> frozenset[str]:
        """List the units of every level below one (XM2)."""
        if unit is None or unit not in self.config.units:
            return frozenset()
        if unit not in self._below:
            self._below[unit] = list_below(self.config.units, unit)
        return self._below[unit]

    def get_institution(self, region: str = "", receiver: str | None = None) -> str | None:
        """As `find_institution`, None only without any institution. Refused `no_institution` where none is named."""
        found = self.find_institution(region, receiver)
        if found is None and any(u.kind is UnitKind.MANAGEMENT and u.active for u in self.config.units.values()):
            raise Refused("no_institution", region=region, field="region")
        return found

    def due(
        self, kind: Obligation, grade: Grade, category: Category | None, start: datetime, unit: str | None
    ) -> datetime:
        """Return when a duty is due (domain/deadlines)."""
        return deadlines.compute_deadline(kind, grade, category, start, self.settings, self.calendar, unit)

    def add_limit(self, limit: str, start: datetime, unit: str | None) -> datetime:
        """Return the end of a limit that begins at `start`."""
        hours = self.settings.office_hours(unit)
        mode = deadlines.WorkdayMode(self.settings.choice("workday.mode"))
        return deadlines.add_limit(Limit.parse(limit), start, self.calendar, hours, mode)

    def first_check(self, kind: Obligation, grade: Grade, start: datetime, due: datetime, unit: str | None) -> datetime:
        """Return when the clock must first check a duty: at its first reminder or its due time."""
        return min([due, *(s.at for s in self.list_reminder_steps(kind, grade, start, due, unit)[:1])])

    def list_reminder_steps(
        self, kind: Obligation, grade: Grade, start: datetime, due: datetime, unit: str | None
    ) -> Sequence[reminders.ReminderStep]:
        """List the reminders and notices of a duty in time order."""
        to_the_second = start.replace(microsecond=0), due.replace(microsecond=0)  # whole seconds: better cache hits
        return build_reminder_steps(kind, grade, *to_the_second, self.settings, self.calendar, unit)

    def with_review_time(
        self, due: datetime, limit: datetime, decided: datetime, grade: Grade, unit: str | None
    ) -> datetime:
        """Return a closing deadline extended by the time a review took beyond its limit (T10)."""
        return deadlines.add_review_time(due, limit, decided, grade, self.settings, self.calendar, unit)

    def visit_start(self, closed_at: datetime) -> datetime:
        """Return when a closed ticket's return visit may begin: `visit.start_after_close` later, in `visit.window`."""
        ready = self.add_limit(self.settings.text("visit.start_after_close"), closed_at, None)
        return self.earliest_visit(ready)

    def earliest_visit(self, at: datetime) -> datetime:
        """Return the first instant from `at` when a requester may be called (FW32).

        That is inside `visit.window` and not on `visit.blocked_days`.
        """
        window, blocked = self.settings.periods("visit.window"), self.settings.strings("visit.blocked_days")
        return find_next_visit_time(at, window, blocked, self.calendar)

    def next_open(self, at: datetime, unit: str | None) -> datetime:
        """Return the first instant in office hours at or after `at`."""
        return next_open(at, self.calendar, self.settings.office_hours(unit))

    def earliest_notice(self, now: datetime, grade: Grade, unit: str | None, due: datetime | None = None) -> datetime:
        """Return when the card of a new ticket may be sent (§6.3, XM18): urgent at once; general in the unit's next
        `office_hours` outside `notify.quiet`. If its due time would pass by then, as soon as `notify.quiet` ends; if by
        then too, at once."""
        allowed = self.earliest_send(now, now, grade, unit)
        if due is None or allowed < due:
            return allowed
        awake = self.settings.periods("notify.quiet", unit).next_outside(now)
        return awake if awake < due else now

    def earliest_send(
        self, planned: datetime, now: datetime, grade: Grade, unit: str | None, *, ring: bool = False
    ) -> datetime:
        """Return when a message planned for `planned` may be sent.

        At once if the unit could be disturbed at that instant (the closing instant counts) and it passed at most
        `PROMPT` ago, else at the next such instant.
        """
        at = max(now, planned)
        try:
            allowed = reminders.find_next_allowed(planned, grade, self.settings, self.calendar, unit, for_call=ring)
            if allowed <= now <= planned + PROMPT_WITHIN:
                return now
            return reminders.find_next_allowed(at, grade, self.settings, self.calendar, unit, for_call=ring)
        except Refused:  # quiet hours that leave no office hours at all must not hold back a card
            return at


class OfficeCache:
    """Caches the office snapshot; re-reads when the configuration epoch changes (checked once a second)."""

    def __init__(self, store: ConfigStore, clock: Clock, profile: str) -> None:
        self.store = store
        self.clock = clock
        self._profile = profile
        self._snapshot: OfficeSnapshot | None = None
        self.last_read: OfficeSnapshot | None = None  # for names; what it says may be of before a change
        self._checked_at = -CHECK_INTERVAL
        self._lock = asyncio.Lock()

    async def snapshot(self, *, fresh: bool = False) -> OfficeSnapshot:
        """Return the rules and people in force; `fresh` checks the epoch even if it was checked just now."""
        current = self._snapshot
        if (
            current is not None
            and not fresh
            and self.clock.monotonic() - self._checked_at < CHECK_INTERVAL
            and not self._is_expired(current)
        ):
            return current
        async with self._lock:
            self._checked_at = self.clock.monotonic()
            current = self._snapshot  # if it is invalidated while we wait, the next call reloads
            if current is None or self._is_expired(current) or await self.store.get_epoch() != current.config.epoch:
                config = await self.store.load(self.clock.now())
                current = self._snapshot = self.last_read = OfficeSnapshot.build(config, self._profile, self.clock.zone)
            return current

    def _is_expired(self, snapshot: OfficeSnapshot) -> bool:
        return snapshot.config.valid_until is not None and self.clock.now() >= snapshot.config.valid_until

    def invalidate(self) -> None:
        """Reload on the next call; use it after changing the configuration in this process."""
        self._checked_at = -CHECK_INTERVAL
        self._snapshot = None
