"""How much time is left, and how a ticket's tail is read out; instants themselves are in `spoken_time.py`."""

from datetime import timedelta

from backend.domain.texts import Catalogue


def left(catalogue: Catalogue, span: timedelta) -> str:
    """What is left until a deadline, in its two largest units; whole minutes, rounded down."""
    minutes = int(span.total_seconds() // 60)
    if minutes <= 0:
        return catalogue.say("time.left_none")
    hours, m = divmod(minutes, 60)
    d, h = divmod(hours, 24)
    key = "left_days" if d else "left_hours" if h else "left_minutes"
    return catalogue.say(f"time.{key}", d=d, h=h or "", m=m or "")


def key_tail(ticket_no: str) -> str:
    """The last four digits of a ticket number as they are keyed, zeros before where it has fewer."""
    return "".join(c for c in ticket_no if c.isascii() and c.isdigit())[-4:].zfill(4)


def tail(ticket_no: str) -> str:
    """The last four letters or digits of a ticket number, apart, so that each is read alone: `1 0 0 1`."""
    return " ".join([c for c in ticket_no if c.isalnum()][-4:])
