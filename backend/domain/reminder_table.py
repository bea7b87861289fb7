"""The reminder ladder of lifecycle §6.3 as a table: who is reminded of which duty, in which way, and when."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from enum import StrEnum

from backend.domain.calendar import Calendar
from backend.domain.deadlines import due, lead, red_card_at, yellow_card_at
from backend.domain.limits import Limit
from backend.domain.office_hours import OfficeHours
from backend.domain.settings import Settings
from backend.domain.ticket import Grade, Obligation


class Group(StrEnum):
    """What a step is for; only reminders are numbered and capped."""

    ANNOUNCE = "announce"  # the dispatch itself, and its call
    ESCALATE = "escalate"  # the next contact, when the first did not answer the call
    REMIND = "remind"
    NOTICE = "notice"  # the deadline has come: auto-sign, red card, overdue review


class Way(StrEnum):
    """How a step reaches people."""

    CHAT = "chat"
    PHONE = "phone"


class Audience(StrEnum):
    """Whom a step is for; the office finds the people."""

    HANDLER = "handler"
    DEPUTY = "deputy"
    LIAISON = "liaison"
    LEADER = "leader"
    DISPATCHER = "dispatcher"
    REVIEWER = "reviewer"
    SUPERVISOR = "supervisor"
    REVISIT_AGENT = "revisit_agent"


class Window(StrEnum):
    """When a general step may arrive; urgent ones always may."""

    OFFICE = "office"  # office hours, the closing instant included
    NEXT_OPEN = "next_open"  # the next office hour: what comes at closing waits for the morning
    ANY = "any"  # the management institution is staffed round the clock (Q25)


class Needs(StrEnum):
    """What must still be true when the step comes, besides the duty being open."""

    OPEN = "open"
    SIGNED = "signed"  # somebody has signed, and been silent since
    UNOPENED = "unopened"  # nobody has opened the ticket
    UNNOTIFIED = "unnotified"  # nobody has confirmed a call


@dataclass(frozen=True, slots=True)
class Span:
    """The life of one duty, from which the anchors below are computed."""

    grade: Grade
    start: datetime
    due: datetime
    calendar: Calendar
    hours: OfficeHours
    settings: Settings
    unit: str | None


Anchor = Callable[[Span], datetime | None]
"""The instant of a stage; None if this duty has no such stage."""


def _start(s: Span) -> datetime:
    return s.start


def _due(s: Span) -> datetime:
    return s.due


def _red(s: Span) -> datetime:
    return red_card_at(s.due, s.settings, s.calendar, s.unit)


def _yellow(s: Span) -> datetime | None:
    return yellow_card_at(s.grade, s.start, s.due, s.settings, s.calendar, s.unit)


def _unopened(s: Span) -> datetime:
    return due(s.settings.limit("notify.phone.unopened_after"), s.start, s.calendar, s.hours)


def _called(s: Span) -> datetime | None:
    return s.start if s.grade in CALLED_AT_ONCE[s.settings.choice("notify.phone.on_dispatch")] else None


def _unopened_call(s: Span) -> datetime | None:
    policy = s.settings.choice("notify.phone.on_dispatch")
    return _unopened(s) if policy == "urgent_or_unopened" else None


def _share(part: int, whole: int) -> Anchor:
    def at(s: Span) -> datetime:
        begun = s.start.astimezone(UTC)
        return (begun + (s.due.astimezone(UTC) - begun) * part / whole).replace(microsecond=0)

    return at


def _left(written: str) -> Anchor:
    limit = Limit.parse(written)
    return lambda s: lead(limit, s.due, s.calendar, s.hours)


def _later(written: str) -> Anchor:
    limit = Limit.parse(written)
    return lambda s: due(limit, s.due, s.calendar, s.hours)


def _next_workday(clock: time) -> Anchor:
    def at(s: Span) -> datetime:
        day = s.calendar.next_workday(s.hours.local(s.start).date())
        return datetime.combine(day, clock, s.hours.zone)

    return at


def _escalation(contacts: int) -> Anchor:
    """Return the anchor after that many contacts were tried in vain, each `attempts` times `gap` apart."""

    def at(s: Span) -> datetime | None:
        begun = _called(s)
        return begun and begun + contacts * s.settings.integer("notify.phone.attempts") * call_gap(s)

    return at


def call_gap(s: Span) -> timedelta:
    """Return the pause between two attempts to call (`notify.phone.gap.*`)."""
    return s.settings.limit(f"notify.phone.gap.{s.grade.value}").duration


#: Grades announced by a call at dispatch, by `notify.phone.on_dispatch`.
CALLED_AT_ONCE: Mapping[str, frozenset[Grade]] = {
    "always": frozenset(Grade),
    "urgent": frozenset({Grade.URGENT}),
    "urgent_or_unopened": frozenset({Grade.URGENT}),
    "never": frozenset(),
}


@dataclass(frozen=True, slots=True)
class Row:
    """A line of lifecycle §6.3, for one audience and way."""

    rung: str
    anchor: Anchor
    group: Group
    message: str
    channel: Way
    audience: Audience
    window: Window = Window.OFFICE
    needs: Needs = Needs.OPEN


_G, _U = Grade.GENERAL, Grade.URGENT
_CHAT, _PHONE = Way.CHAT, Way.PHONE
_HANDLER, _DEPUTY, _LIAISON, _LEADER = Audience.HANDLER, Audience.DEPUTY, Audience.LIAISON, Audience.LEADER
_SAY, _NEXT, _REMIND, _NOTICE = Group.ANNOUNCE, Group.ESCALATE, Group.REMIND, Group.NOTICE
_DISPATCHING = (
    Row("half", _share(1, 2), _REMIND, "M26", _CHAT, Audience.DISPATCHER, Window.ANY),
    Row("late", _share(5, 6), _REMIND, "M26", _CHAT, Audience.DISPATCHER, Window.ANY),
)
_REVIEWING = (
    Row("due", _due, _NOTICE, "M27", _CHAT, Audience.REVIEWER),
    Row("due", _due, _NOTICE, "M27", _CHAT, Audience.SUPERVISOR),
)
_SILENT = (  # signed, and the requester has not been contacted within the contact limit
    Row("due", _due, _NOTICE, "M31", _CHAT, _HANDLER, needs=Needs.SIGNED),
    Row("after", _later("2wh"), _NOTICE, "M31", _CHAT, _LIAISON),
)
_SUPERVISED = (
    Row("last", _left("2wh"), _REMIND, "M16", _CHAT, _HANDLER),
    Row("due", _due, _NOTICE, "M32", _CHAT, _LIAISON),
    Row("due", _due, _NOTICE, "M32", _CHAT, Audience.SUPERVISOR),
)
_REWORKED = (
    Row("last", _left("3wh"), _REMIND, "M33", _CHAT, _HANDLER),
    Row("due", _due, _NOTICE, "M33", _CHAT, _LIAISON),
)

_VISIT_LATE = (  # `visit.finish_within` and the limits of visits by people have passed
    Row("due", _due, _NOTICE, "M28d", _CHAT, Audience.REVISIT_AGENT),
    Row("due", _due, _NOTICE, "M28d", _CHAT, Audience.SUPERVISOR),
)
#: The ladder of lifecycle §6.3, and below it contact, supervision and rework. Duties not named have no stages.
LADDER: Mapping[tuple[Obligation, Grade], tuple[Row, ...]] = {
    (Obligation.SIGN, _G): (
        Row("dispatch", _start, _SAY, "M1", _CHAT, _HANDLER),
        Row("dispatch", _called, _SAY, "P1", _PHONE, _HANDLER),
        Row("unopened", _unopened_call, _SAY, "P1", _PHONE, _HANDLER, needs=Needs.UNOPENED),
        Row("morning", _next_workday(time(10)), _REMIND, "M3", _CHAT, _HANDLER),
        Row("last", _left("2wh"), _REMIND, "M3", _CHAT, _HANDLER),
        Row("last", _left("2wh"), _REMIND, "P1", _PHONE, _DEPUTY),
        Row("due", _due, _NOTICE, "M7", _CHAT, _HANDLER),
        Row("due", _due, _NOTICE, "M7", _CHAT, _LIAISON),
    ),
    (Obligation.SIGN, _U): (
        Row("dispatch", _start, _SAY, "M2", _CHAT, _HANDLER),
        Row("dispatch", _called, _SAY, "P1", _PHONE, _HANDLER),
        Row("to_deputy", _escalation(1), _NEXT, "P1", _PHONE, _DEPUTY, needs=Needs.UNNOTIFIED),
        Row("to_liaison", _escalation(2), _NEXT, "P1", _PHONE, _LIAISON, needs=Needs.UNNOTIFIED),
        Row("hour", _left("60m"), _REMIND, "M3", _CHAT, _HANDLER),
        Row("last", _left("20m"), _REMIND, "P1", _PHONE, _HANDLER),
        Row("last", _left("20m"), _REMIND, "M3", _CHAT, _LIAISON),
        Row("due", _due, _NOTICE, "M7", _CHAT, _HANDLER),
        Row("due", _due, _NOTICE, "M7", _CHAT, _LIAISON),
        Row("due", _due, _NOTICE, "M7", _CHAT, _LEADER, Window.NEXT_OPEN),
    ),
    (Obligation.CLOSE, _G): (
        Row("yellow", _yellow, _REMIND, "M4", _CHAT, _HANDLER),
        Row("last", _left("3wh"), _REMIND, "M4", _CHAT, _HANDLER),
        Row("red", _red, _NOTICE, "M8", _CHAT, _HANDLER),
        Row("red", _red, _NOTICE, "M8", _CHAT, _LIAISON),
        Row("red", _red, _NOTICE, "M8", _CHAT, _LEADER, Window.NEXT_OPEN),
    ),
    (Obligation.CLOSE, _U): (
        Row("yellow", _yellow, _REMIND, "M4", _CHAT, _HANDLER),
        Row("last", _left("1h"), _REMIND, "M4", _CHAT, _HANDLER),
        Row("red", _red, _NOTICE, "M8", _CHAT, _HANDLER),
        Row("red", _red, _NOTICE, "M8", _CHAT, _LIAISON),
        Row("red", _red, _NOTICE, "M8", _CHAT, _LEADER, Window.NEXT_OPEN),
    ),
    (Obligation.CONTACT, _G): _SILENT,
    (Obligation.CONTACT, _U): _SILENT,
    (Obligation.SUPERVISE, _G): _SUPERVISED,
    (Obligation.SUPERVISE, _U): _SUPERVISED,
    (Obligation.REWORK, _G): _REWORKED,
    (Obligation.REWORK, _U): _REWORKED,
    (Obligation.DISPATCH, _G): _DISPATCHING,
    (Obligation.DISPATCH, _U): _DISPATCHING,
    (Obligation.REVIEW, _G): _REVIEWING,
    (Obligation.REVIEW, _U): _REVIEWING,
    (Obligation.REVISIT, _G): (
        Row("last", _left("1wd"), _REMIND, "M28", _CHAT, Audience.REVISIT_AGENT),
        *_VISIT_LATE,
    ),
    (Obligation.REVISIT, _U): (
        Row("last", _left("60m"), _REMIND, "M28", _CHAT, Audience.REVISIT_AGENT, Window.ANY),
        *_VISIT_LATE,
    ),
}  # fmt: skip
