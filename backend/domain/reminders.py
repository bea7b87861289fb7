"""Decides who is reminded of an open duty, when and how often, and when people must not be disturbed."""

from dataclasses import dataclass
from datetime import datetime, time, timedelta

from backend.domain.calendar import Calendar
from backend.domain.office_hours import OfficeHours, next_open
from backend.domain.refusals import Refused
from backend.domain.reminder_table import (
    LADDER,
    Audience,
    Group,
    Needs,
    Row,
    Span,
    Way,
    Window,
    call_gap,
)
from backend.domain.settings import Settings
from backend.domain.ticket import Grade, Obligation

__all__ = [
    "Audience",
    "Group",
    "Needs",
    "Step",
    "Way",
    "Window",
    "in_quiet",
    "ladder",
    "merges",
    "next_allowed",
    "next_digest",
]


@dataclass(frozen=True, slots=True)
class Step:
    """One message to send at `at`. `number` counts reminders from 1; steps of one stage share it; others have 0.

    `duty_only`: it falls into quiet hours and goes to the duty roster only. `attempts` and `gap` are for calls.
    """

    at: datetime
    message: str
    channel: Way
    audience: Audience
    number: int
    rung: str
    group: Group
    needs: Needs = Needs.OPEN
    window: Window = Window.OFFICE
    duty_only: bool = False
    attempts: int = 1
    gap: timedelta = timedelta()


def ladder(
    kind: Obligation,
    grade: Grade,
    start_at: datetime,
    due_at: datetime,
    calendar: Calendar,
    hours: OfficeHours,
    settings: Settings,
    unit: str | None = None,
) -> tuple[Step, ...]:
    """Return the steps of one duty in order of time, as if it stayed open to the end.

    No step lies before the start, and only notices at or after the deadline. Reminders beyond
    `remind.max_per_obligation` are dropped, the earliest first; urgent signing keeps its whole ladder.
    """
    span = Span(grade, hours.local(start_at), hours.local(due_at), calendar, hours, settings, unit)
    placed = sorted(
        ((at, row) for row in LADDER.get((kind, grade), ()) if (at := _placed(row, span)) is not None),
        key=lambda pair: pair[0],
    )
    rungs = list(dict.fromkeys(row.rung for _, row in placed if row.group is Group.REMIND))
    if not (kind is Obligation.SIGN and grade is Grade.URGENT):
        most = settings.integer("remind.max_per_obligation")
        rungs = rungs[max(0, len(rungs) - most) :]
    numbers = {rung: number for number, rung in enumerate(rungs, 1)}
    return tuple(
        _step(at, row, span, numbers.get(row.rung, 0) if row.group is Group.REMIND else 0)
        for at, row in placed
        if row.group is not Group.REMIND or row.rung in numbers
    )


def next_allowed(
    at: datetime,
    grade: Grade,
    settings: Settings,
    calendar: Calendar,
    unit: str | None = None,
    ring: bool = False,
) -> datetime:
    """Return the first instant at or after `at` when the unit may be disturbed: urgent at once, general in office hours
    outside `notify.quiet`; the closing instant itself still counts, but not for a call (`ring`).

    Past the calendar's cover every day counts as worked: this is courtesy, not a deadline. Raises `bad_setting`
    if quiet hours leave no office hour at all.
    """
    hours = settings.office_hours(unit)
    here = hours.local(at)
    if grade is Grade.URGENT:
        return here
    quiet = settings.periods("notify.quiet", unit)
    closing = here - timedelta(microseconds=1)
    if not ring and _open_at(closing, calendar, hours) == closing and not quiet.contains(here):
        return here
    for _ in range(30):
        here = _open_at(here, calendar, hours)
        if not quiet.contains(here):
            return here
        here = quiet.leaves(here)
    raise Refused("bad_setting", key="notify.quiet", value=quiet.text, allowed="")


def in_quiet(at: datetime, settings: Settings, unit: str | None = None) -> bool:
    """Return whether it is the unit's quiet time, when urgent messages reach the duty roster only."""
    return settings.periods("notify.quiet", unit).contains(at)


#: When digests are sent, on working days (§6.3).
DIGESTS = (time(8, 30), time(14))


def merges(items: int, grade: Grade, settings: Settings) -> bool:
    """Return whether this many due items of one person go into one digest; urgent ones never do."""
    return grade is not Grade.URGENT and items > settings.integer("remind.merge_over")


def next_digest(at: datetime, settings: Settings, calendar: Calendar, unit: str | None = None) -> datetime:
    """Return the first digest at or after `at`; past the calendar's cover every day counts as worked."""
    here = settings.office_hours(unit).local(at)
    day = here.date()
    while True:
        for clock in DIGESTS:
            digest = datetime.combine(day, clock, here.tzinfo)
            if digest >= here and (calendar.is_workday(day) if calendar.covers(day) else True):
                return digest
        day += timedelta(days=1)


def _placed(row: Row, span: Span) -> datetime | None:
    """Return when a row comes for this duty, moved into its window; None if it has no place."""
    try:
        at = row.anchor(span)
    except Refused as no:
        if no.code != "calendar_ends":
            raise
        return None  # without a calendar a reminder may be missed, a deadline never
    if at is None or at < span.start or (row.group is Group.REMIND and at == span.start):
        return None
    at = span.hours.local(at)
    if row.window is Window.NEXT_OPEN and (span.grade is Grade.GENERAL or in_quiet(at, span.settings, span.unit)):
        at = next_allowed(
            _open_at(at, span.calendar, span.hours), Grade.GENERAL, span.settings, span.calendar, span.unit
        )
    elif row.window is Window.OFFICE:
        ring = row.channel is Way.PHONE
        at = next_allowed(at, span.grade, span.settings, span.calendar, span.unit, ring=ring)
    return at if row.group is Group.NOTICE or at < span.due else None


def _step(at: datetime, row: Row, span: Span, number: int) -> Step:
    calls = row.channel is Way.PHONE
    return Step(
        at=at,
        message=row.message,
        channel=row.channel,
        audience=row.audience,
        number=number,
        rung=row.rung,
        group=row.group,
        needs=row.needs,
        window=row.window,
        duty_only=span.grade is Grade.URGENT and in_quiet(at, span.settings, span.unit),
        attempts=span.settings.integer("notify.phone.attempts") if calls else 1,
        gap=call_gap(span) if calls else timedelta(),
    )


def _open_at(at: datetime, calendar: Calendar, hours: OfficeHours) -> datetime:
    try:
        return next_open(at, calendar, hours)
    except Refused:
        return hours.enters(at)
