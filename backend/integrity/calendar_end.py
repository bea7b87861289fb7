"""The alarm before the working calendar ends: past its end deadlines are refused, not guessed (FS8, readings §4)."""

from datetime import date, timedelta

from backend.office.cache import OfficeCache
from backend.ports.integrity import Finding

CALENDAR_NOTICE = timedelta(days=60)  # the alarm comes this long before the calendar's last day


def is_calendar_short(today: date, end: date) -> bool:
    """Return whether the calendar ends within 60 days or has ended, or it is December and next year is missing."""
    return end - today <= CALENDAR_NOTICE or (today.month == 12 and end.year == today.year)


async def list_calendar_findings(office: OfficeCache) -> list[Finding]:
    """Return one finding while the calendar is about to end, or has ended."""
    end = (await office.snapshot()).calendar.end
    if not is_calendar_short(office.clock.now().date(), end):
        return []
    return [Finding("calendar_short", end.isoformat(), {})]
