"""Recomputes the due times of open duties after a change of the calendar or a limit, by the rule each came from."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import partial

from backend.domain import deadlines
from backend.domain.calendar import Calendar
from backend.domain.records import Duty
from backend.domain.refusals import Refused
from backend.domain.settings import Settings
from backend.domain.settings_catalogue import Kind, catalogue
from backend.domain.ticket import Category, Grade, Obligation

#: Limits that may have set a due time besides the duty's own (domain/deadlines.KEYS), counted in the unit's hours.
OTHER_LIMITS: Mapping[Obligation, tuple[str, ...]] = {
    Obligation.DISPATCH: ("dispatch.again.limit",),
    Obligation.REVISIT: ("visit.finish_within", "visit.manual.limit"),
    Obligation.REVIEW: ("unreasonable_window",),
}


#: Settings besides limits and hours that a due time depends on.
ALSO = frozenset({"workday.mode", "urgent.pause_off_hours", "profile"})


def moves_dues(key: str) -> bool:
    """Return whether a due time may depend on this setting (`KEY` or `KEY@UNIT`)."""
    row = catalogue().get(key.partition("@")[0])
    return row is not None and (row.kind in (Kind.LIMIT, Kind.HOURS) or row.key in ALSO)


@dataclass(frozen=True, slots=True)
class Change:
    """A proposed change of the rules: settings (`KEY` or `KEY@UNIT` → value) and days (worked or not)."""

    settings: Mapping[str, str] = field(default_factory=dict)
    days: Mapping[date, bool] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Rules:
    """Settings and calendar together."""

    settings: Settings
    calendar: Calendar


@dataclass(frozen=True, slots=True)
class Shifted:
    """An open duty whose due time would change."""

    ticket_no: str
    duty: Duty
    new: datetime


def rederived(duty: Duty, category: Category | None, old: Rules, new: Rules, now: datetime) -> datetime | None:
    """Return the due time by the new rules; None if it stays.

    It stays if it was set by hand or by an extension (no rule in force gives it), if the duty is due already, and if
    the new time has passed already: nobody is made late by a change of the rules.
    """
    if duty.met_at is not None or duty.outcome is not None or duty.due_at <= now:
        return None
    before, after = tuple(_readings(duty, category, old)), tuple(_readings(duty, category, new))
    for was, is_ in zip(before, after, strict=True):
        if was is not None and was == duty.due_at:
            return is_ if is_ is not None and is_ != was and is_ > now else None
    return None


def _readings(duty: Duty, category: Category | None, rules: Rules) -> Iterator[datetime | None]:
    """Yield every due time a rule gives this duty, always in the same order."""
    grade, start = Grade(duty.grade), duty.start_at
    kinds = (duty.kind, Obligation.CLOSE) if duty.kind is Obligation.REPLY else (duty.kind,)
    for unit in (duty.unit, None):
        for kind in kinds:
            yield _asked(
                partial(deadlines.deadline, kind, grade, category, start, rules.settings, rules.calendar, unit)
            )
        for key in OTHER_LIMITS.get(duty.kind, ()):
            yield _asked(partial(deadlines.due_by, key, start, rules.settings, rules.calendar, unit=unit))


def _asked(work: Callable[[], datetime]) -> datetime | None:
    try:
        return work()
    except Refused:
        return None
