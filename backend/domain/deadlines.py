"""Computes when each duty is due: limits become instants by the civil code's rules on periods (Q24–Q26, E9)."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from backend.domain.calendar import Calendar
from backend.domain.limits import Limit, LimitUnit
from backend.domain.office_hours import OfficeHours, add_work_time, measure_work_time, subtract_work_time
from backend.domain.refusals import Refused
from backend.domain.settings import Settings
from backend.domain.ticket_enums import Category, Grade, Obligation

WORKDAY = timedelta(hours=8)
"""A working day under `rolling_workhours` (Q24), whatever the office hours add up to."""


class WorkdayMode(StrEnum):
    """How working days are counted (Q24)."""

    NEXT_WORKDAY_CLOSE = "next_workday_close"
    ROLLING_WORKHOURS = "rolling_workhours"


#: The setting that limits each duty; `{category}` is filled in.
LIMIT_KEYS: Mapping[tuple[Obligation, Grade], str] = {
    (Obligation.DISPATCH, Grade.GENERAL): "dispatch.general.limit",
    (Obligation.DISPATCH, Grade.URGENT): "dispatch.urgent.limit",
    (Obligation.SIGN, Grade.GENERAL): "sign.general.limit",
    (Obligation.SIGN, Grade.URGENT): "sign.urgent.limit",
    (Obligation.RETURN, Grade.GENERAL): "return.general.limit",
    (Obligation.RETURN, Grade.URGENT): "return.urgent.limit",
    (Obligation.CONTACT, Grade.GENERAL): "contact.general.limit",
    (Obligation.CONTACT, Grade.URGENT): "contact.urgent.limit",
    (Obligation.REPLY, Grade.GENERAL): "reply.limit",
    (Obligation.REPLY, Grade.URGENT): "reply.limit",
    (Obligation.CLOSE, Grade.GENERAL): "close.limit.{category}",
    (Obligation.CLOSE, Grade.URGENT): "close.limit.urgent",
    (Obligation.REVISIT, Grade.GENERAL): "visit.finish_within",
    (Obligation.REVISIT, Grade.URGENT): "visit.finish_within",
    (Obligation.SUPERVISE, Grade.GENERAL): "supervise.limit",
    (Obligation.SUPERVISE, Grade.URGENT): "supervise.limit",
    (Obligation.REVIEW, Grade.GENERAL): "review.general.limit",
    (Obligation.REVIEW, Grade.URGENT): "review.urgent.limit",
    (Obligation.REWORK, Grade.GENERAL): "rework.limit",
    (Obligation.REWORK, Grade.URGENT): "rework.limit",
}


def compute_deadline(
    kind: Obligation,
    grade: Grade,
    category: Category | None,
    start: datetime,
    settings: Settings,
    calendar: Calendar,
    unit: str | None = None,
) -> datetime:
    """Return the instant until which a duty that began at `start` is met in time; whole seconds, local zone.

    `unit` selects that unit's office hours. Raises `calendar_ends` past the calendar's cover and `deadline_missing` for
    a close limit without a category.
    """
    key = _limit_key(kind, grade, category)
    if settings.limit_or_none(key) is None:  # `close`: the same limit as closing, from this start
        key = _limit_key(Obligation.CLOSE, grade, category)
    return add_limit_setting(key, start, settings, calendar, grade=grade, unit=unit)


def add_limit_setting(
    key: str,
    start: datetime,
    settings: Settings,
    calendar: Calendar,
    grade: Grade = Grade.GENERAL,
    unit: str | None = None,
) -> datetime:
    """Return the deadline by any limit setting: `dispatch.again.limit`, `visit.manual.limit`, …"""
    return add_limit(
        settings.limit(key),
        start,
        calendar,
        settings.office_hours(unit),
        WorkdayMode(settings.choice("workday.mode")),
        pause=grade is Grade.URGENT and settings.flag("urgent.pause_off_hours"),
    )


def add_limit(
    limit: Limit,
    start: datetime,
    calendar: Calendar,
    hours: OfficeHours,
    mode: WorkdayMode = WorkdayMode.NEXT_WORKDAY_CLOSE,
    pause: bool = False,
) -> datetime:
    """Return the end of `limit` counted from `start`.

    Working days: the day of the start is not counted and the last one ends at close of business (民法典 §201, §203);
    under `rolling_workhours` each is eight working hours. Clock limits run day and night (§201 ¶2) and need no
    calendar, unless `pause` lets them run in office hours only (Q25).
    """
    here = hours.to_local(start).replace(microsecond=0)
    if limit.unit is LimitUnit.WORKDAYS:
        if mode is WorkdayMode.NEXT_WORKDAY_CLOSE:
            return hours.close_of_business(calendar.add_workdays(here.date(), limit.amount))
        return add_work_time(here, limit.amount * WORKDAY, calendar, hours)
    if limit.unit is LimitUnit.WORK_HOURS or pause:
        return add_work_time(here, limit.duration, calendar, hours)
    return _add_clock_time(here, limit.duration, hours)


def subtract_limit(limit: Limit, until: datetime, calendar: Calendar, hours: OfficeHours) -> datetime:
    """Return the instant one limit before `until`: a working day back is the same time on the working day before."""
    here = hours.to_local(until).replace(microsecond=0)
    if limit.unit is LimitUnit.WORKDAYS:
        day = calendar.add_workdays(here.date(), -limit.amount)
        return here.replace(year=day.year, month=day.month, day=day.day)
    if limit.unit is LimitUnit.WORK_HOURS:
        return subtract_work_time(here, limit.duration, calendar, hours)
    return _add_clock_time(here, -limit.duration, hours)


def is_timely(met_at: datetime, due_at: datetime) -> bool:
    """Return whether a duty is met in time: the second it is due counts in full (Q26)."""
    return met_at.astimezone(UTC).replace(microsecond=0) <= due_at.astimezone(UTC)


def compute_yellow_card_at(
    grade: Grade,
    start: datetime,
    due_at: datetime,
    settings: Settings,
    calendar: Calendar,
    unit: str | None = None,
) -> datetime | None:
    """Return when an open close duty turns yellow (T15): `card.yellow_lead` before due, urgent at half time.

    None if the whole limit is shorter than the lead.
    """
    hours = settings.office_hours(unit)
    if grade is Grade.URGENT:
        begun = start.astimezone(UTC)
        return hours.to_local(begun + (due_at.astimezone(UTC) - begun) / 2).replace(microsecond=0)
    at = subtract_limit(settings.limit("card.yellow_lead"), due_at, calendar, hours)
    return at if at > start else None


def compute_red_card_at(due_at: datetime, settings: Settings, calendar: Calendar, unit: str | None = None) -> datetime:
    """Return when the red card is issued (T16, Q33): at the deadline itself, or `card.red_at` after it."""
    if settings.limit_or_none("card.red_at") is None:
        return due_at
    return add_limit_setting("card.red_at", due_at, settings, calendar, unit=unit)


def add_review_time(
    due_at: datetime,
    review_due_at: datetime,
    decided_at: datetime,
    grade: Grade,
    settings: Settings,
    calendar: Calendar,
    unit: str | None = None,
) -> datetime:
    """Return the close deadline after a refused return: the review time beyond its own limit is added (T10)."""
    hours = settings.office_hours(unit)
    if is_timely(decided_at, review_due_at):
        return due_at
    if grade is Grade.URGENT and not settings.flag("urgent.pause_off_hours"):
        return _add_clock_time(
            hours.to_local(due_at), decided_at.astimezone(UTC) - review_due_at.astimezone(UTC), hours
        )
    return add_work_time(due_at, measure_work_time(review_due_at, decided_at, calendar, hours), calendar, hours)


def _limit_key(kind: Obligation, grade: Grade, category: Category | None) -> str:
    key = LIMIT_KEYS[kind, grade]
    if "{category}" not in key:
        return key
    if category is None:
        raise Refused("deadline_missing", kind=kind.value)
    return key.format(category=category.value)


def _add_clock_time(start: datetime, length: timedelta, hours: OfficeHours) -> datetime:
    """Add clock time in UTC, so that local clock changes do not distort it; whole seconds."""
    try:
        return hours.to_local(start.astimezone(UTC) + length).replace(microsecond=0)
    except OverflowError:
        raise Refused("bad_time", at=start.isoformat()) from None
