"""Words for the time left and for a ticket number's tail; instants themselves are in `spoken_time.py`."""

from datetime import date, datetime, timedelta, tzinfo

from backend.domain.calendar import Calendar
from backend.domain.texts import Texts
from backend.domain.ticket_enums import Grade


def format_time_left(texts: Texts, span: timedelta) -> str:
    """Return the time left until a deadline, in its two largest units; whole minutes, rounded down."""
    minutes = int(span.total_seconds() // 60)
    if minutes <= 0:
        return texts.render("time.left_none")
    hours, m = divmod(minutes, 60)
    d, h = divmod(hours, 24)
    key = "left_days" if d else "left_hours" if h else "left_minutes"
    return texts.render(f"time.{key}", d=d, h=h or "", m=m or "")


def get_tail_digits(ticket_no: str) -> str:
    """Return the last four digits of a ticket number as they are keyed, padded with zeros in front."""
    return "".join(c for c in ticket_no if c.isascii() and c.isdigit())[-4:].zfill(4)


def explain_time_left(texts: Texts, now: datetime, due: datetime, calendar: Calendar, zone: tzinfo) -> str:
    """Return the time left, and what the calendar does meanwhile: `6 小时 20 分（周六 10 月 10 日上班）`, or how many days
    are not worked; as `left` if the calendar has nothing to add or does not reach."""
    time_left = format_time_left(texts, due - now)
    day, last = now.astimezone(zone).date(), due.astimezone(zone).date()
    if due <= now or not (calendar.covers(day) and calendar.covers(last)):
        return time_left
    days = [day + timedelta(days=n) for n in range((last - day).days + 1)]
    exchanged = [d for d in days if d.weekday() > 4 and calendar.is_workday(d)]
    if exchanged:
        return texts.render("time.left_worked", left=time_left, day=_format_day(texts, exchanged[-1]))
    closed = sum(not calendar.is_workday(d) for d in days)
    return texts.render("time.left_closed", left=time_left, n=closed) if closed else time_left


def describe_time_left(
    texts: Texts, now: datetime, due: datetime, grade: str, calendar: Calendar, zone: tzinfo | None
) -> str:
    """Return the time left as cards, lists and pages all show it: an urgent ticket's hours run day and night (Q25)."""
    if grade == Grade.URGENT or zone is None:
        return format_time_left(texts, due - now)
    return explain_time_left(texts, now, due, calendar, zone)


def _format_day(texts: Texts, day: date) -> str:
    return texts.render("time.left_day", weekday=texts.render(f"time.weekday_{day.weekday()}"), m=day.month, d=day.day)


def spell_tail(ticket_no: str) -> str:
    """Return the last four letters or digits of a ticket number, apart, so that each is read alone: `1 0 0 1`."""
    return " ".join([c for c in ticket_no if c.isalnum()][-4:])
