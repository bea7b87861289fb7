"""What of a ticket's texts and place is shown, and who is shown the door of its place (XM13)."""

from collections.abc import Iterable

from backend.domain.acts import MEMBER_ROLES, Actor
from backend.domain.masking import PHONE_MASK, clean, mask
from backend.domain.permissions import may
from backend.domain.records import Assignment, Person


def show_text(text: str, name: str | None, phone_mask: str = PHONE_MASK) -> str:
    """Return a title or text as shown: the requester's name, numbers and doors masked."""
    return mask(text, (name,) if name else (), phone_mask=phone_mask)


def show_place(place: str, name: str | None, phone_mask: str = PHONE_MASK, *, with_door: bool = False) -> str:
    """Return 地点 as shown: its site to all; `with_door` all of it, for those who go there, unless it holds a number.

    The one way a place is shown, on pages and cards and in search (XM13, XS1).
    """
    shown = show_text(place, name, phone_mask)
    return clean(place) if with_door and "****" not in show_text(place, name) else shown


def goes_there(who: Actor | Person, assignments: Iterable[Assignment]) -> bool:
    """Return whether they go to a ticket's place, or send there: its units' people until they have closed it (XM13)."""
    if who.role in MEMBER_ROLES:
        return any(a.unit == who.unit and a.ended_at is None and a.closed_at is None for a in assignments)
    return may(who, "door.read")
