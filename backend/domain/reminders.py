"""Decides who is reminded of an open duty, when and how often, and when people must not be disturbed."""

from dataclasses import dataclass
from datetime import datetime, time, timedelta

from backend.domain.calendar import Calendar
from backend.domain.office_hours import OfficeHours, next_open
from backend.domain.refusals import Refused
from backend.domain.reminder_table import (
    LADDER,
    Audience,
    Condition,
    DutySpan,
    Purpose,
    ReminderChannel,
    ReminderRule,
    Window,
)
from backend.domain.settings import Settings
from backend.domain.ticket_enums import Grade, Obligation

__all__ = [
    "Audience",
    "Condition",
    "Purpose",
    "ReminderChannel",
    "ReminderStep",
    "Window",
    "build_ladder",
    "find_next_allowed",
    "find_next_digest",
    "is_quiet_time",
    "should_merge",
]


@dataclass(frozen=True, slots=True)
class ReminderStep:
    """One message to send at `at`. `number` counts reminders from 1; steps of one stage share it; others have 0.

    `duty_only`: it falls into quiet hours and goes to the duty roster only.
    """

    at: datetime
    message: str
    channel: ReminderChannel
    audience: Audience
    number: int
    stage: str
    purpose: Purpose
    condition: Condition = Condition.OPEN
    window: Window = Window.OFFICE
    duty_only: bool = False


def build_ladder(
    kind: Obligation,
    grade: Grade,
    start_at: datetime,
    due_at: datetime,
    calendar: Calendar,
    hours: OfficeHours,
    settings: Settings,
    unit: str | None = None,
) -> tuple[ReminderStep, ...]:
    """Return the steps of one duty in order of time, as if it stayed open to the end.

    No step lies before the start, and only notices at or after the deadline. Reminders beyond
    `remind.max_per_obligation` are dropped, the earliest first; urgent signing keeps its whole ladder.
    """
    span = DutySpan(grade, hours.to_local(start_at), hours.to_local(due_at), calendar, hours, settings, unit)
    placed = sorted(
        ((at, row) for row in LADDER.get((kind, grade), ()) if (at := _place(row, span)) is not None),
        key=lambda pair: pair[0],
    )
    stages = list(dict.fromkeys(row.stage for _, row in placed if row.purpose is Purpose.REMIND))
    if not (kind is Obligation.SIGN and grade is Grade.URGENT):
        limit = settings.integer("remind.max_per_obligation")
        stages = stages[max(0, len(stages) - limit) :]
    numbers = {rung: number for number, rung in enumerate(stages, 1)}
    return tuple(
        _build_step(at, row, span, numbers.get(row.stage, 0) if row.purpose is Purpose.REMIND else 0)
        for at, row in placed
        if row.purpose is not Purpose.REMIND or row.stage in numbers
    )


def find_next_allowed(
    at: datetime,
    grade: Grade,
    settings: Settings,
    calendar: Calendar,
    unit: str | None = None,
    for_call: bool = False,
) -> datetime:
    """Return the first instant at or after `at` when the unit may be disturbed: urgent at once, general in office hours
    outside `notify.quiet`; the closing instant itself still counts, but not for a call (`ring`).

    Past the calendar's cover every day counts as worked: this is courtesy, not a deadline. Raises `bad_setting`
    if quiet hours leave no office hour at all.
    """
    hours = settings.office_hours(unit)
    here = hours.to_local(at)
    if grade is Grade.URGENT:
        return here
    quiet = settings.periods("notify.quiet", unit)
    closing = here - timedelta(microseconds=1)
    if not for_call and _find_open(closing, calendar, hours) == closing and not quiet.contains(here):
        return here
    for _ in range(30):
        here = _find_open(here, calendar, hours)
        if not quiet.contains(here):
            return here
        here = quiet.next_outside(here)
    raise Refused("bad_setting", key="notify.quiet", value=quiet.text, allowed="")


def is_quiet_time(at: datetime, settings: Settings, unit: str | None = None) -> bool:
    """Return whether it is the unit's quiet time, when urgent messages reach the duty roster only."""
    return settings.periods("notify.quiet", unit).contains(at)


#: When digests are sent, on working days (§6.3).
DIGEST_TIMES = (time(8, 30), time(14))


def should_merge(items: int, grade: Grade, settings: Settings) -> bool:
    """Return whether this many due items of one person go into one digest; urgent ones never do."""
    return grade is not Grade.URGENT and items > settings.integer("remind.merge_over")


def find_next_digest(at: datetime, settings: Settings, calendar: Calendar, unit: str | None = None) -> datetime:
    """Return the first digest at or after `at`; past the calendar's cover every day counts as worked."""
    here = settings.office_hours(unit).to_local(at)
    day = here.date()
    while True:
        for clock in DIGEST_TIMES:
            digest = datetime.combine(day, clock, here.tzinfo)
            if digest >= here and (calendar.is_workday(day) if calendar.covers(day) else True):
                return digest
        day += timedelta(days=1)


def _place(row: ReminderRule, span: DutySpan) -> datetime | None:
    """Return when a row comes for this duty, moved into its window; None if it has no place."""
    try:
        at = row.anchor(span)
    except Refused as no:
        if no.code != "calendar_ends":
            raise
        return None  # without a calendar a reminder may be missed, a deadline never
    if at is None or at < span.start or (row.purpose is Purpose.REMIND and at == span.start):
        return None
    at = span.hours.to_local(at)
    if row.window is Window.NEXT_OPEN and (span.grade is Grade.GENERAL or is_quiet_time(at, span.settings, span.unit)):
        at = find_next_allowed(
            _find_open(at, span.calendar, span.hours), Grade.GENERAL, span.settings, span.calendar, span.unit
        )
    elif row.window is Window.OFFICE:
        for_call = row.channel is ReminderChannel.PHONE
        at = find_next_allowed(at, span.grade, span.settings, span.calendar, span.unit, for_call=for_call)
    return at if row.purpose is Purpose.NOTICE or at < span.due else None


def _build_step(at: datetime, row: ReminderRule, span: DutySpan, number: int) -> ReminderStep:
    return ReminderStep(
        at=at,
        message=row.message,
        channel=row.channel,
        audience=row.audience,
        number=number,
        stage=row.stage,
        purpose=row.purpose,
        condition=row.condition,
        window=row.window,
        duty_only=span.grade is Grade.URGENT and is_quiet_time(at, span.settings, span.unit),
    )


def _find_open(at: datetime, calendar: Calendar, hours: OfficeHours) -> datetime:
    try:
        return next_open(at, calendar, hours)
    except Refused:
        return hours.next_inside(at)
