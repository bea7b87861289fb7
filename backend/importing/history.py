"""Import complete ticket histories from an older platform: resolve their units, write in bulk (contract §4)."""

from collections.abc import Sequence
from dataclasses import replace

from backend.domain.channels import check_channel
from backend.domain.refusals import Refused
from backend.domain.ticket_enums import Obligation, UnitKind
from backend.importing.files.records import HistoryRow
from backend.office.cache import OfficeCache, OfficeSnapshot
from backend.ports.importing import HistoryStore, ImportContext


class HistoryImport:
    """Imports ticket histories."""

    def __init__(self, store: HistoryStore, office: OfficeCache) -> None:
        self._store, self._office = store, office

    async def write(self, records: Sequence[HistoryRow], by: str) -> list[bool | Refused]:
        """Store histories: True written, False already there, Refused `unknown_unit`, `bad_word`,
        `no_institution` (each with its field) or `calendar_ends`.

        Idempotent by ticket number; pass a few thousand at a time.
        """
        snapshot = await self._office.snapshot()
        checked = [self._resolve_units(record, snapshot) for record in records]
        good = [record for record in checked if isinstance(record, HistoryRow)]
        frame = ImportContext(now=self._office.clock.now(), by=by, due=snapshot.due)
        written = iter(await self._store.write(good, frame))
        return [one if isinstance(one, Refused) else next(written) for one in checked]

    async def check(self, records: Sequence[HistoryRow]) -> list[bool | Refused]:
        """Return what `write` would, storing nothing."""
        snapshot = await self._office.snapshot()
        known = await self._store.find_existing([record.ticket_no for record in records])
        placed = [self._resolve_units(record, snapshot) for record in records]
        return [one if isinstance(one, Refused) else _preview(one, known, snapshot) for one in placed]

    def _resolve_units(self, record: HistoryRow, snapshot: OfficeSnapshot) -> HistoryRow | Refused:
        """Return the record with units as codes and its dispatching institution (default: the region's)."""
        try:
            check_channel(record.channel, snapshot.settings.strings("ticket.channels"))
            management = (
                snapshot.get_institution(record.region or "")
                if record.management is None
                else _resolve_unit(snapshot, record.management, "management", managing=True)
            )
            assignments = tuple(
                replace(one, unit=_resolve_unit(snapshot, one.unit, f"assignments[{n}].unit"))
                for n, one in enumerate(record.assignments)
            )
        except Refused as no:
            return no
        return replace(record, management=management, assignments=assignments)


def _preview(record: HistoryRow, known: set[str], snapshot: OfficeSnapshot) -> bool | Refused:
    """Return what writing a resolved record would: its due times must lie within the calendar."""
    if record.ticket_no in known:
        return False
    due, grade, category = snapshot.due, record.grade, record.category
    try:
        if not record.direct_answer:
            due(Obligation.DISPATCH, grade, category, record.generated_at, record.management)
        for one in record.assignments:
            kinds = [Obligation.SIGN]
            kinds += [Obligation.CLOSE] if one.close_due_at is None else []
            kinds += [Obligation.RETURN] if one.returned is not None else []
            kinds += [Obligation.CONTACT] if one.contacted_at is not None else []
            for kind in kinds:
                due(kind, grade, category, one.dispatched_at, one.unit)
    except Refused as no:
        return no
    return True


def _resolve_unit(snapshot: OfficeSnapshot, word: str, field: str, *, managing: bool = False) -> str:
    units = snapshot.config.units
    if word in units:
        return word
    named = [u.code for u in units.values() if u.name == word and (u.kind is UnitKind.MANAGEMENT) is managing]
    if len(named) != 1:
        raise Refused("unknown_unit", field=field, unit=word)
    (code,) = named
    return code
