"""Words for the time left and for a ticket number's tail; instants themselves are in `spoken_time.py`."""

from datetime import date, datetime, timedelta, tzinfo

from backend.domain.calendar import Calendar
from backend.domain.texts import Catalogue
from backend.domain.ticket import Grade


def left(catalogue: Catalogue, span: timedelta) -> str:
    """Return the time left until a deadline, in its two largest units; whole minutes, rounded down."""
    minutes = int(span.total_seconds() // 60)
    if minutes <= 0:
        return catalogue.say("time.left_none")
    hours, m = divmod(minutes, 60)
    d, h = divmod(hours, 24)
    key = "left_days" if d else "left_hours" if h else "left_minutes"
    return catalogue.say(f"time.{key}", d=d, h=h or "", m=m or "")


def key_tail(ticket_no: str) -> str:
    """Return the last four digits of a ticket number as they are keyed, padded with zeros in front."""
    return "".join(c for c in ticket_no if c.isascii() and c.isdigit())[-4:].zfill(4)


def explained(catalogue: Catalogue, now: datetime, due: datetime, calendar: Calendar, zone: tzinfo) -> str:
    """Return the time left, and what the calendar does meanwhile: `6 小时 20 分（周六 10 月 10 日上班）`, or how many days
    are not worked; as `left` if the calendar has nothing to add or does not reach."""
    said = left(catalogue, due - now)
    day, last = now.astimezone(zone).date(), due.astimezone(zone).date()
    if due <= now or not (calendar.covers(day) and calendar.covers(last)):
        return said
    days = [day + timedelta(days=n) for n in range((last - day).days + 1)]
    exchanged = [d for d in days if d.weekday() > 4 and calendar.is_workday(d)]
    if exchanged:
        return catalogue.say("time.left_worked", left=said, day=_day(catalogue, exchanged[-1]))
    closed = sum(not calendar.is_workday(d) for d in days)
    return catalogue.say("time.left_closed", left=said, n=closed) if closed else said


def left_words(
    catalogue: Catalogue, now: datetime, due: datetime, grade: str, calendar: Calendar, zone: tzinfo | None
) -> str:
    """Return the time left as cards, lists and pages all show it: an urgent ticket's hours run day and night (Q25)."""
    if grade == Grade.URGENT or zone is None:
        return left(catalogue, due - now)
    return explained(catalogue, now, due, calendar, zone)


def _day(catalogue: Catalogue, day: date) -> str:
    return catalogue.say(
        "time.left_day", weekday=catalogue.say(f"time.weekday_{day.weekday()}"), m=day.month, d=day.day
    )


def tail(ticket_no: str) -> str:
    """Return the last four letters or digits of a ticket number, apart, so that each is read alone: `1 0 0 1`."""
    return " ".join([c for c in ticket_no if c.isalnum()][-4:])
