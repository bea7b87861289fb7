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
from backend.domain.settings_catalogue import ValueKind, load_catalogue
from backend.domain.ticket_enums import Category, Grade, Obligation

#: Limits that may have set a due time besides the duty's own (domain/deadlines.KEYS), counted in the unit's hours.
OTHER_LIMITS: Mapping[Obligation, tuple[str, ...]] = {
    Obligation.DISPATCH: ("dispatch.again.limit",),
    Obligation.REVISIT: ("visit.finish_within", "visit.manual.limit"),
    Obligation.REVIEW: ("unreasonable_window",),
}


#: Settings besides limits and hours that a due time depends on.
OTHER_SETTINGS = frozenset({"workday.mode", "urgent.pause_off_hours", "profile"})


def affects_due_times(key: str) -> bool:
    """Return whether a due time may depend on this setting (`KEY` or `KEY@UNIT`)."""
    row = load_catalogue().get(key.partition("@")[0])
    return row is not None and (row.kind in (ValueKind.LIMIT, ValueKind.HOURS) or row.key in OTHER_SETTINGS)


@dataclass(frozen=True, slots=True)
class RuleChange:
    """A proposed change of the rules: settings (`KEY` or `KEY@UNIT` → value) and days (worked or not)."""

    settings: Mapping[str, str] = field(default_factory=dict)
    days: Mapping[date, bool] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class DueRules:
    """Settings and calendar together."""

    settings: Settings
    calendar: Calendar


@dataclass(frozen=True, slots=True)
class DueChange:
    """An open duty whose due time would change."""

    ticket_no: str
    duty: Duty
    new_due_at: datetime


def recompute_due(
    duty: Duty, category: Category | None, old: DueRules, new: DueRules, now: datetime
) -> datetime | None:
    """Return the due time by the new rules; None if it stays.

    It stays if it was set by hand or by an extension (no rule in force gives it), if the duty is due already, and if
    the new time has passed already: nobody is made late by a change of the rules.
    """
    if duty.met_at is not None or duty.outcome is not None or duty.due_at <= now:
        return None
    before, after = tuple(_list_possible_dues(duty, category, old)), tuple(_list_possible_dues(duty, category, new))
    for was, is_ in zip(before, after, strict=True):
        if was is not None and was == duty.due_at:
            return is_ if is_ is not None and is_ != was and is_ > now else None
    return None


def _list_possible_dues(duty: Duty, category: Category | None, rules: DueRules) -> Iterator[datetime | None]:
    """Yield every due time a rule gives this duty, always in the same order."""
    grade, start = Grade(duty.grade), duty.start_at
    kinds = (duty.kind, Obligation.CLOSE) if duty.kind is Obligation.REPLY else (duty.kind,)
    for unit in (duty.unit, None):
        for kind in kinds:
            yield _try(
                partial(deadlines.compute_deadline, kind, grade, category, start, rules.settings, rules.calendar, unit)
            )
        for key in OTHER_LIMITS.get(duty.kind, ()):
            yield _try(partial(deadlines.add_limit_setting, key, start, rules.settings, rules.calendar, unit=unit))


def _try(work: Callable[[], datetime]) -> datetime | None:
    try:
        return work()
    except Refused:
        return None
