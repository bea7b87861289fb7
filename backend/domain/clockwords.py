"""How an instant or a span of time is written on a card and read out on the telephone."""

from datetime import datetime, timedelta

from backend.domain.texts import Catalogue


def written(catalogue: Catalogue, at: datetime, now: datetime) -> str:
    """An instant as cards write it: weekday and clock, e.g. 明天（周三）17:00. `now` carries the local zone."""
    at = at.astimezone(now.tzinfo)
    facts = {
        "clock": f"{at:%H:%M}", "weekday": catalogue.word("weekday", at.isoweekday()),
        "year": at.year, "month": at.month, "day": at.day,
    }  # fmt: skip
    days = (at.date() - now.date()).days
    key = {0: "today", 1: "tomorrow"}.get(days, "day" if at.year == now.year else "other_year")
    return catalogue.say(f"time.{key}", **facts)


def spoken(catalogue: Catalogue, at: datetime, now: datetime) -> str:
    """An instant as it is read aloud: 今天下午三点 (texts.md 7.2). `now` carries the local zone."""
    at = at.astimezone(now.tzinfo)
    facts = {
        "hour": catalogue.word("hour", at.hour), "minute": _minute(catalogue, at.minute),
        "month": at.month, "day": at.day,
    }  # fmt: skip
    days = (at.date() - now.date()).days
    key = {0: "spoken_today", 1: "spoken_tomorrow"}.get(days, "spoken_day")
    return catalogue.say(f"time.{key}", **facts)


def spoken_date(catalogue: Catalogue, at: datetime, now: datetime) -> str:
    """The day alone, read aloud (V1). `now` carries the local zone."""
    at = at.astimezone(now.tzinfo)
    return catalogue.say("time.spoken_date", month=at.month, day=at.day)


def left(catalogue: Catalogue, span: timedelta) -> str:
    """What is left until a deadline, in its two largest units; whole minutes, rounded down."""
    minutes = int(span.total_seconds() // 60)
    if minutes <= 0:
        return catalogue.say("time.left_none")
    hours, m = divmod(minutes, 60)
    d, h = divmod(hours, 24)
    key = "left_days" if d else "left_hours" if h else "left_minutes"
    return catalogue.say(f"time.{key}", d=d, h=h or ("" if d else 0), m=m or ("" if h else 0))


def tail(ticket_no: str) -> str:
    """The last four characters of a ticket number, apart, so that they are read digit by digit."""
    return " ".join(c for c in ticket_no if c.isalnum())[-7:]


def _minute(catalogue: Catalogue, minute: int) -> str:
    if minute == 0:
        return catalogue.say("time.sharp")
    if minute == 30:
        return catalogue.say("time.half")
    return catalogue.say("time.minute_small" if minute < 10 else "time.minute", n=minute)
