"""Decides when a digest is sent: at 08:30 or 14:00 of the person's working day, or now if that is too late (§6.3)."""

from collections.abc import Sequence
from datetime import datetime

from backend.domain import reminders
from backend.domain.records import Message
from backend.office.cache import OfficeSnapshot


def find_digest_time(snapshot: OfficeSnapshot, messages: Sequence[Message], now: datetime) -> datetime:
    """Return the recipient's next digest hour, outside their own quiet hours.

    Now, when one of the deadlines in these messages would pass before.
    """
    person = snapshot.by_code.get(messages[0].person)
    unit = person.unit if person else None
    when = reminders.find_next_digest(now, snapshot.settings, snapshot.calendar, unit)
    if person is not None:
        when = snapshot.after_quiet_hours(person.code, when)
    dues = [datetime.fromisoformat(d) for x in messages if isinstance(d := x.facts.get("due"), str)]
    return now if any(due <= when for due in dues) else when
