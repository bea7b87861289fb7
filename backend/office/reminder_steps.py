"""The reminders of a duty by the rules in force, built once for the many acts that ask for the same."""

from datetime import datetime
from functools import lru_cache

from backend.domain import reminders
from backend.domain.calendar import Calendar
from backend.domain.refusals import Refused
from backend.domain.settings import Settings
from backend.domain.ticket_enums import Grade, Obligation


@lru_cache(maxsize=4096)
def build_reminder_steps(
    kind: Obligation, grade: Grade, start: datetime, due: datetime,
    settings: Settings, calendar: Calendar, unit: str | None,
) -> tuple[reminders.ReminderStep, ...]:  # fmt: skip
    """Return the steps; none where the calendar ends before them."""
    try:
        hours = settings.office_hours(unit)
        return tuple(reminders.build_ladder(kind, grade, start, due, calendar, hours, settings, unit))
    except Refused:  # past the calendar's end no reminder can be placed; the due time itself is known
        return ()
