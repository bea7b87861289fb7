"""Decides when a digest is sent: at 08:30 or 14:00 of the person's working day, or now if that is too late (§6.3)."""

from collections.abc import Sequence
from datetime import datetime

from backend.domain import reminders
from backend.domain.records import Letter
from backend.office import Standing


def digest_at(standing: Standing, letters: Sequence[Letter], now: datetime) -> datetime:
    """Return the recipient's next digest hour, outside their own quiet hours.

    Now, when one of the deadlines in these messages would pass before.
    """
    person = standing.by_code.get(letters[0].person)
    unit = person.unit if person else None
    when = reminders.next_digest(now, standing.settings, standing.calendar, unit)
    if person is not None:
        when = standing.peace(person.code, when)
    dues = [datetime.fromisoformat(d) for x in letters if isinstance(d := x.facts.get("due"), str)]
    return now if any(due <= when for due in dues) else when
