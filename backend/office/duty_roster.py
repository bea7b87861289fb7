"""Manage the duty roster: shifts, stand-ins, handover notes, and personal quiet hours."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta, tzinfo

from backend.domain.acts import Actor
from backend.domain.duty_roster import CoverageGap, Shift, StandIn, check_shift, check_stand_in, find_coverage_gaps
from backend.domain.masking import clean
from backend.domain.office_hours import OfficeHours
from backend.domain.permissions import may
from backend.domain.records import Person
from backend.domain.refusals import Refused
from backend.domain.ticket_enums import Role, UnitKind
from backend.office.cache import OfficeCache, OfficeSnapshot
from backend.office.clock import Clock
from backend.ports.integrity import AuditStore, Finding
from backend.ports.office import DutyRosterStore, Handover

MAX_NOTE_LENGTH = 2_000  # characters
MAX_NOTES = 20  # handover notes shown
WHOLE_DAY = "00:00-24:00"  # hours of a day's shift that names none
_MONTH = re.compile(r"(20[0-9]{2})-(0[1-9]|1[0-2])")
_CLOCK = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])")
#: Roles that, beside an admin, plan their own unit's shifts.


@dataclass(frozen=True, slots=True)
class RosterMonth:
    """A unit's roster of one month; `gaps` are the hours, day and night, that no shift covers."""

    unit: str
    begin: datetime
    end: datetime
    shifts: Sequence[Shift]
    gaps: Sequence[CoverageGap]
    notes: Sequence[Handover]


class DutyRoster:
    """Duty rosters. Refused `unknown_unit`, `unknown_person`, `not_of_unit`, `bad_shift`, `own_deputy`,
    `cannot_stand_in` …"""

    def __init__(self, store: DutyRosterStore, office: OfficeCache, audit: AuditStore) -> None:
        self._store = store
        self._office = office
        self._audit = audit

    # -- shifts (值班)

    async def save_shifts(self, shifts: Sequence[Shift], by: Actor) -> list[bool | Refused]:
        """Store shifts; for each return whether it is new, or the refusal. Good ones are kept although others fail."""
        checked = await self.check_shifts(shifts, by)
        good = [s for s, no in zip(shifts, checked, strict=True) if no is None]
        now = self._office.clock.now()
        fresh = iter(await self._store.save_shifts(good, by.code, now))
        answers: list[bool | Refused] = [next(fresh) if no is None else no for no in checked]
        new = sum(a is True for a in answers)
        if new:
            await self._audit.record(now, by.code, "roster", ",".join(sorted({s.unit for s in good})), shifts=new)
            self._office.invalidate()
        return answers

    async def check_shifts(self, shifts: Sequence[Shift], by: Actor) -> list[Refused | None]:
        """Validate shifts: for each the refusal, or None."""
        snapshot = await self._office.snapshot(fresh=True)
        found: list[Refused | None] = []
        for shift in shifts:
            try:
                check_planner(by, shift.unit, snapshot)
                check_shift(shift)
                for code, field in ((shift.person, "person"), (shift.deputy, "deputy")):
                    if code is not None and get_active_person(code, snapshot, field).unit != shift.unit:
                        raise Refused("not_of_unit", person=code, unit=shift.unit, field=field)
                found.append(None)
            except Refused as no:
                found.append(no)
        return found

    async def delete_shift(self, shift_id: int, by: Actor) -> Shift:
        """Delete a shift. Refused `not_found`, `forbidden`."""
        shift = await self._store.get_shift(shift_id)
        if shift is None:
            raise Refused("not_found", shift=shift_id)
        check_planner(by, shift.unit, await self._office.snapshot())
        await self._store.delete_shift(shift_id)
        await self._audit.record(self._office.clock.now(), by.code, "roster_struck", shift.unit, person=shift.person,
                               begins=shift.from_at.isoformat())  # fmt: skip
        self._office.invalidate()
        return shift

    async def get_month(self, unit: str, month: str, by: Actor) -> RosterMonth:
        """Return a unit's roster of a month `2026-12`, with its holes (B19). Refused `bad_month`, `not_found`."""
        snapshot = await self._office.snapshot()
        if unit not in snapshot.config.units or not by.may_see(unit):
            raise Refused("not_found", unit=unit)
        begin, end = parse_month(month, self._office.clock)
        shifts = await self._store.list_shifts(unit, begin, end)
        return RosterMonth(
            unit,
            begin,
            end,
            shifts,
            find_coverage_gaps(shifts, begin, end),
            await self._store.list_handovers(unit, MAX_NOTES),
        )

    async def find_upcoming_gaps(self) -> dict[str, tuple[str, Sequence[CoverageGap], bool]]:
        """B19: find institutions whose next month is not fully covered, from `roster.check_before` before it begins.

        Unit → month, holes, and whether there is no plan at all; empty while `roster.round_the_clock` is off.
        """
        now = self._office.clock.now()
        snapshot = await self._office.snapshot()
        settings = snapshot.settings
        found: dict[str, tuple[str, Sequence[CoverageGap], bool]] = {}
        first = now.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
        next_month = (first + timedelta(days=32)).replace(day=1)
        if (
            not settings.flag("roster.round_the_clock")
            or now < next_month - settings.limit("roster.check_before").duration
        ):
            return {}
        month = f"{next_month:%Y-%m}"
        begin, end = parse_month(month, self._office.clock)
        for unit in snapshot.config.units.values():
            if unit.kind is UnitKind.MANAGEMENT and unit.active:
                shifts = await self._store.list_shifts(unit.code, begin, end)
                if gaps := find_coverage_gaps(shifts, begin, end):
                    planned = any(s.from_at >= begin for s in shifts)  # a night shift begun before it is no plan
                    found[unit.code] = (month, gaps, not planned)
        return found

    # -- handing over (交接班)

    async def add_handover(self, unit: str, text: str, by: Actor) -> Handover:
        """Store a note for the next person on duty. Refused `unknown_unit`, `missing`, `too_long`, `forbidden`."""
        snapshot = await self._office.snapshot()
        if unit not in snapshot.config.units:
            raise Refused("unknown_unit", unit=unit)
        if not may_hand_over(by, unit):
            raise Refused("forbidden")
        note_text = clean(text).strip()
        if not note_text:
            raise Refused("missing", field="text")
        if len(note_text) > MAX_NOTE_LENGTH:
            raise Refused("too_long", field="text", most=MAX_NOTE_LENGTH)
        note = Handover(self._office.clock.now(), unit, by.code, note_text)
        await self._store.add_handover(note)
        return note

    # -- standing in (代班)

    async def add_stand_in(self, absent: str, person: str, begin: datetime, end: datetime, by: Actor) -> StandIn:
        """From `begin` to `end`, `person` gets `absent`'s messages, cards and calls, and acts under their own name.

        People name their own stand-in; for others their unit's planners do.
        """
        snapshot = await self._office.snapshot(fresh=True)
        absent_person, substitute = (
            get_active_person(absent, snapshot, "absent"),
            get_active_person(person, snapshot, "person"),
        )
        if by.code != absent:
            check_planner(by, absent_person.unit, snapshot)
        wanted = StandIn(0, absent, person, begin, end)
        check_stand_in(wanted, absent_person, substitute)
        now = self._office.clock.now()
        if end <= now:
            raise Refused("bad_shift", field="to", most=0)
        kept = await self._store.add_stand_in(wanted, by.code, now)
        await self._audit.record(
            now, by.code, "stand_in", absent, person=person, begins=begin.isoformat(), ends=end.isoformat()
        )
        self._office.invalidate()
        return kept

    async def end_stand_in(self, stand_in_id: int, by: Actor) -> None:
        """End a stand-in early, because the absent person is back. Refused `not_found`, `forbidden`."""
        now = self._office.clock.now()
        found = next((s for s in await self._store.list_stand_ins(now) if s.id == stand_in_id), None)
        if found is None:
            raise Refused("not_found", stand_in=stand_in_id)
        snapshot = await self._office.snapshot()
        away = snapshot.by_code.get(found.absent)
        if not may_end_stand_in(by, found, away.unit if away else ""):
            raise Refused("forbidden")
        await self._store.end_stand_in(stand_in_id, now)
        await self._audit.record(now, by.code, "stand_in_ended", found.absent, person=found.person)
        self._office.invalidate()

    async def list_stand_ins(self, by: Actor) -> Sequence[StandIn]:
        """List stand-ins that have not ended, as far as this actor may see them."""
        snapshot = await self._office.snapshot()
        found = await self._store.list_stand_ins(self._office.clock.now())
        mine = {p.code for p in snapshot.config.people if p.unit == by.unit}
        return [s for s in found if not by.is_unit_member or s.absent in mine]

    # -- quiet hours (/quiet)

    async def set_quiet(self, person: str, begin: str | None, end: str | None = None) -> str:
        """Set a person's own quiet hours, `22:00` to `07:30`, on top of their unit's; None removes them.

        General messages wait for their end; urgent ones reach the person on duty. Returns the hours now in force.
        Refused `bad_hours`, `unknown_person`.
        """
        get_active_person(person, await self._office.snapshot(fresh=True), "person")
        written = None
        if begin is not None:
            written = f"{_parse_time(begin)}-{_parse_time(end or '')}"
            OfficeHours.parse(written, self._office.clock.zone, overnight=True)
        await self._store.set_quiet_hours(person, written, self._office.clock.now())
        self._office.invalidate()
        return written or ""

    async def get_quiet(self, person: str) -> str:
        """Return a person's own quiet hours as written, or empty."""
        return (await self._office.snapshot(fresh=True)).config.quiet_hours.get(person, "")


def get_active_person(code: str, snapshot: OfficeSnapshot, field: str) -> Person:
    """Return an active person. Refused `unknown_person`."""
    found = snapshot.by_code.get(code)
    if found is None:
        raise Refused("unknown_person", person=code, field=field)
    return found


def may_plan(by: Actor, unit: str) -> bool:
    """Return whether `by` may plan this unit's shifts: an administrator every unit's, planners their own."""
    return by.role is None or by.role is Role.ADMIN or (may(by, "roster.plan") and by.unit == unit)


def may_end_stand_in(by: Actor, stand_in: StandIn, unit: str) -> bool:
    """Return whether `by` may end it: the absent person, who is back, or who plans that unit's shifts."""
    return by.code == stand_in.absent or may_plan(by, unit)


def may_hand_over(by: Actor, unit: str) -> bool:
    """Return whether `by` may leave a note for this unit's next shift: its own people, and an administrator."""
    return by.role is Role.ADMIN or by.unit == unit


def check_planner(by: Actor, unit: str, snapshot: OfficeSnapshot) -> None:
    """Check that `by` may plan this unit's shifts. Refused `unknown_unit`, `forbidden`."""
    if unit not in snapshot.config.units:
        raise Refused("unknown_unit", unit=unit, field="unit")
    if not may_plan(by, unit):
        raise Refused("forbidden")


def parse_shift(unit: str, day: date, hours: str, person: str, deputy: str | None, zone: tzinfo) -> Shift:
    """Parse a shift from a day and hours, `08:00-20:00`; past midnight if it ends earlier. Refused `bad_hours`."""
    begin, dash, end = hours.replace(" ", "").replace("–", "-").replace("—", "-").partition("-")
    end, over = ("00:00", True) if end == "24:00" else (end, False)
    if not dash:
        raise Refused("bad_hours", value=hours, field="hours")
    first = datetime.combine(day, time.fromisoformat(_parse_time(begin)), zone)
    last = datetime.combine(day, time.fromisoformat(_parse_time(end)), zone)
    if over or last <= first:
        last = datetime.combine(day + timedelta(days=1), last.time(), last.tzinfo)
    return replace(Shift(0, unit, first, last, person), deputy=deputy)


def parse_month(month: str, clock: Clock) -> tuple[datetime, datetime]:
    """Return the begin and end of a month in the office's time zone. Refused `bad_month`."""
    if _MONTH.fullmatch(month) is None:
        raise Refused("bad_month", value=month)
    begin = datetime.fromisoformat(f"{month}-01T00:00:00").replace(tzinfo=clock.zone)
    return begin, (begin + timedelta(days=32)).replace(day=1)


def _parse_time(written: str) -> str:
    time_text = written.strip().replace("：", ":")
    time_text = f"0{time_text}" if re.fullmatch(r"[0-9]:[0-9]{2}", time_text) else time_text
    if _CLOCK.fullmatch(time_text) is None:
        raise Refused("bad_hours", value=written, field="hours")
    return time_text


async def list_roster_findings(rosters: DutyRoster) -> list[Finding]:
    """B19, integrity findings: institutions whose next month has holes, or no roster at all."""
    found = []
    for unit, (month, gaps, empty) in (await rosters.find_upcoming_gaps()).items():
        hours = sum((h.to_at - h.from_at).total_seconds() for h in gaps) / 3600
        first = f"{gaps[0].from_at:%m-%d %H:%M}–{gaps[0].to_at:%m-%d %H:%M}"
        facts = (
            {"month": month} if empty else {"month": month, "count": len(gaps), "hours": round(hours), "first": first}
        )
        found.append(Finding("roster_missing" if empty else "roster_holes", unit, facts))
    return found
