"""When a digest goes out: at 08:30 or 14:00 of the person's own day, or now when that would be too late (§6.3)."""

from collections.abc import Sequence
from datetime import datetime

from backend.domain import reminders
from backend.domain.records import Letter
from backend.office import Standing


def digest_at(standing: Standing, letters: Sequence[Letter], now: datetime) -> datetime:
    """The next digest hour of whoever these letters are for, outside his own quiet hours.

    Now, when one of the deadlines they speak of would pass before.
    """
    person = standing.by_code.get(letters[0].person)
    unit = person.unit if person else None
    when = reminders.next_digest(now, standing.settings, standing.calendar, unit)
    if person is not None:
        when = standing.peace(person.code, when)
    dues = [datetime.fromisoformat(d) for x in letters if isinstance(d := x.facts.get("due"), str)]
    return now if any(due <= when for due in dues) else when
