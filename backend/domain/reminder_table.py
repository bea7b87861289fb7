"""The reminder ladder of lifecycle §6.3 as a table: who is reminded of which duty, in which way, and when."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, time
from enum import StrEnum

from backend.domain.calendar import Calendar
from backend.domain.deadlines import add_limit, compute_red_card_at, compute_yellow_card_at, subtract_limit
from backend.domain.limits import Limit
from backend.domain.office_hours import OfficeHours
from backend.domain.settings import Settings
from backend.domain.ticket_enums import Grade, Obligation


class Purpose(StrEnum):
    """What a step is for; only reminders are numbered and capped.

    The dispatch itself, its call and the next contact are not steps: `moves/dispatching.py` and delivery see to them.
    """

    REMIND = "remind"
    NOTICE = "notice"  # the deadline has come: auto-sign, red card, overdue review


class ReminderChannel(StrEnum):
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


class Condition(StrEnum):
    """What must still be true when the step comes, besides the duty being open."""

    OPEN = "open"
    SIGNED = "signed"  # somebody has signed, and been silent since


@dataclass(frozen=True, slots=True)
class DutySpan:
    """The life of one duty, from which the anchors below are computed."""

    grade: Grade
    start: datetime
    due: datetime
    calendar: Calendar
    hours: OfficeHours
    settings: Settings
    unit: str | None


Anchor = Callable[[DutySpan], datetime | None]
"""The instant of a stage; None if this duty has no such stage."""


def _due(s: DutySpan) -> datetime:
    return s.due


def _red(s: DutySpan) -> datetime:
    return compute_red_card_at(s.due, s.settings, s.calendar, s.unit)


def _yellow(s: DutySpan) -> datetime | None:
    return compute_yellow_card_at(s.grade, s.start, s.due, s.settings, s.calendar, s.unit)


def _share(part: int, whole: int) -> Anchor:
    def at(s: DutySpan) -> datetime:
        begun = s.start.astimezone(UTC)
        return (begun + (s.due.astimezone(UTC) - begun) * part / whole).replace(microsecond=0)

    return at


def _before_due(written: str) -> Anchor:
    limit = Limit.parse(written)
    return lambda s: subtract_limit(limit, s.due, s.calendar, s.hours)


def _after_due(written: str) -> Anchor:
    limit = Limit.parse(written)
    return lambda s: add_limit(limit, s.due, s.calendar, s.hours)


def _next_workday(clock: time) -> Anchor:
    def at(s: DutySpan) -> datetime:
        day = s.calendar.next_workday(s.hours.to_local(s.start).date())
        return datetime.combine(day, clock, s.hours.zone)

    return at


@dataclass(frozen=True, slots=True)
class ReminderRule:
    """A line of lifecycle §6.3, for one audience and way."""

    stage: str
    anchor: Anchor
    purpose: Purpose
    message: str
    channel: ReminderChannel
    audience: Audience
    window: Window = Window.OFFICE
    condition: Condition = Condition.OPEN


_G, _U = Grade.GENERAL, Grade.URGENT
_CHAT, _PHONE = ReminderChannel.CHAT, ReminderChannel.PHONE
_HANDLER, _DEPUTY, _LIAISON, _LEADER = Audience.HANDLER, Audience.DEPUTY, Audience.LIAISON, Audience.LEADER
_REMIND, _NOTICE = Purpose.REMIND, Purpose.NOTICE
_DISPATCHING = (
    ReminderRule("half", _share(1, 2), _REMIND, "dispatch_reminder", _CHAT, Audience.DISPATCHER, Window.ANY),
    ReminderRule("late", _share(5, 6), _REMIND, "dispatch_reminder", _CHAT, Audience.DISPATCHER, Window.ANY),
)
_REVIEWING = (
    ReminderRule("due", _due, _NOTICE, "review_overdue", _CHAT, Audience.REVIEWER),
    ReminderRule("due", _due, _NOTICE, "review_overdue", _CHAT, Audience.SUPERVISOR),
)
_SILENT = (  # signed, and the requester has not been contacted within the contact limit
    ReminderRule("due", _due, _NOTICE, "contact_reminder", _CHAT, _HANDLER, condition=Condition.SIGNED),
    ReminderRule("after", _after_due("2wh"), _NOTICE, "contact_reminder", _CHAT, _LIAISON),
)
_SUPERVISED = (
    ReminderRule("last", _before_due("2wh"), _REMIND, "supervised", _CHAT, _HANDLER),
    ReminderRule("due", _due, _NOTICE, "supervision_overdue", _CHAT, _LIAISON),
    ReminderRule("due", _due, _NOTICE, "supervision_overdue", _CHAT, Audience.SUPERVISOR),
)
_REWORKED = (
    ReminderRule("last", _before_due("3wh"), _REMIND, "rework_reminder", _CHAT, _HANDLER),
    ReminderRule("due", _due, _NOTICE, "rework_reminder", _CHAT, _LIAISON),
)

_VISIT_LATE = (  # `visit.finish_within` and the limits of visits by people have passed
    ReminderRule("due", _due, _NOTICE, "visit_overdue", _CHAT, Audience.REVISIT_AGENT),
    ReminderRule("due", _due, _NOTICE, "visit_overdue", _CHAT, Audience.SUPERVISOR),
)
#: The ladder of lifecycle §6.3, and below it contact, supervision and rework. Duties not named have no stages.
LADDER: Mapping[tuple[Obligation, Grade], tuple[ReminderRule, ...]] = {
    (Obligation.SIGN, _G): (
        ReminderRule("morning", _next_workday(time(10)), _REMIND, "sign_reminder", _CHAT, _HANDLER),
        ReminderRule("last", _before_due("2wh"), _REMIND, "sign_reminder", _CHAT, _HANDLER),
        ReminderRule("last", _before_due("2wh"), _REMIND, "call_to_sign", _PHONE, _DEPUTY),
        ReminderRule("due", _due, _NOTICE, "auto_signed", _CHAT, _HANDLER),
        ReminderRule("due", _due, _NOTICE, "auto_signed", _CHAT, _LIAISON),
    ),
    (Obligation.SIGN, _U): (
        ReminderRule("hour", _before_due("60m"), _REMIND, "sign_reminder", _CHAT, _HANDLER),
        ReminderRule("last", _before_due("20m"), _REMIND, "call_to_sign", _PHONE, _HANDLER),
        ReminderRule("last", _before_due("20m"), _REMIND, "sign_reminder", _CHAT, _LIAISON),
        ReminderRule("due", _due, _NOTICE, "auto_signed", _CHAT, _HANDLER),
        ReminderRule("due", _due, _NOTICE, "auto_signed", _CHAT, _LIAISON),
        ReminderRule("due", _due, _NOTICE, "auto_signed", _CHAT, _LEADER, Window.NEXT_OPEN),
    ),
    (Obligation.CLOSE, _G): (
        ReminderRule("yellow", _yellow, _REMIND, "close_reminder", _CHAT, _HANDLER),
        ReminderRule("last", _before_due("3wh"), _REMIND, "close_reminder", _CHAT, _HANDLER),
        ReminderRule("red", _red, _NOTICE, "red_card", _CHAT, _HANDLER),
        ReminderRule("red", _red, _NOTICE, "red_card", _CHAT, _LIAISON),
        ReminderRule("red", _red, _NOTICE, "red_card", _CHAT, _LEADER, Window.NEXT_OPEN),
    ),
    (Obligation.CLOSE, _U): (
        ReminderRule("yellow", _yellow, _REMIND, "close_reminder", _CHAT, _HANDLER),
        ReminderRule("last", _before_due("1h"), _REMIND, "close_reminder", _CHAT, _HANDLER),
        ReminderRule("red", _red, _NOTICE, "red_card", _CHAT, _HANDLER),
        ReminderRule("red", _red, _NOTICE, "red_card", _CHAT, _LIAISON),
        ReminderRule("red", _red, _NOTICE, "red_card", _CHAT, _LEADER, Window.NEXT_OPEN),
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
        ReminderRule("last", _before_due("1wd"), _REMIND, "visit_due", _CHAT, Audience.REVISIT_AGENT),
        *_VISIT_LATE,
    ),
    (Obligation.REVISIT, _U): (
        ReminderRule("last", _before_due("60m"), _REMIND, "visit_due", _CHAT, Audience.REVISIT_AGENT, Window.ANY),
        *_VISIT_LATE,
    ),
}
