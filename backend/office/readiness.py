"""Find units not ready for tickets, what each lacks, and when it was last reminded (A21, A36-A40)."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, time, timedelta, tzinfo

from backend.domain.acts import Actor
from backend.domain.refusals import Refused
from backend.domain.ticket_enums import UnitKind
from backend.domain.unit_readiness import BLOCKING_GAPS, Readiness, assess_readiness
from backend.office.cache import OfficeCache
from backend.ports.office import ReadinessReminder, ReadinessStore

MAX_NOTE_LENGTH = 500


async def find_unready(office: OfficeCache, *, include_ready: bool = False) -> Sequence[Readiness]:
    """List handling units that lack something, those that cannot be dispatched to first.

    `include_ready`: also those that lack nothing.
    """
    snapshot = await office.snapshot(fresh=True)
    settings, now = snapshot.settings, office.clock.now()
    keys = settings.flag("registration.key_required")
    deadline = _registration_end(settings.strings("registration.deadline"), office.clock.zone)
    found = [
        assess_readiness(unit, snapshot.by_unit.get(unit.code, ()), now, deadline, keys=keys)
        for unit in snapshot.config.units.values()
        if unit.active and unit.kind is not UnitKind.MANAGEMENT
    ]
    wanted = [one for one in found if one.gaps or include_ready]
    return sorted(wanted, key=lambda one: (not BLOCKING_GAPS & set(one.gaps), not one.gaps, one.unit.code))


def _registration_end(days: Sequence[str], zone: tzinfo) -> datetime | None:
    """Return the end of the last day on which units may register (A39)."""
    if not days:
        return None
    return datetime.combine(date.fromisoformat(max(days)) + timedelta(days=1), time(), zone)


class UnitReadiness:
    """The list and its reminders. Refused `unknown_unit`, `missing`, `too_long`."""

    def __init__(self, store: ReadinessStore, office: OfficeCache) -> None:
        self._store = store
        self._office = office

    async def list_units(self, *, include_ready: bool = False) -> Sequence[Readiness]:
        """List handling units that lack something; `include_ready`: also those that lack nothing."""
        return await find_unready(self._office, include_ready=include_ready)

    async def record_reminder(self, unit: str, note: str, by: Actor) -> ReadinessReminder:
        """Record that a unit was reminded, by whom and how."""
        snapshot = await self._office.snapshot()
        if unit not in snapshot.config.units:
            raise Refused("unknown_unit", unit=unit)
        note = note.strip()
        if not note:
            raise Refused("missing", field="note")
        if len(note) > MAX_NOTE_LENGTH:
            raise Refused("too_long", field="note", limit=MAX_NOTE_LENGTH)
        reminder = ReadinessReminder(unit, self._office.clock.now(), by.code, note)
        await self._store.add(reminder)
        return reminder

    async def get_latest_reminders(self) -> Mapping[str, ReadinessReminder]:
        """Return the newest reminder of each unit."""
        return await self._store.list_latest()
