"""Import 接通情况: what was offered, answered and abandoned, by institution, day and channel (B15, XD14)."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from backend.domain.channels import check_channel, may_overlap
from backend.domain.refusals import Refused
from backend.domain.ticket_enums import UnitKind
from backend.importing.files import records
from backend.importing.importer_base import Importer, NewOrRefused
from backend.office.cache import OfficeSnapshot
from backend.office.unit_finder import UnitFinder
from backend.ports.scoring import ConnectCount, ConnectPlace
from backend.scoring.entries import resolve_scheme


class ConnectImporter(Importer):
    """Imports counts: equal ones are there already, others replace those of their place, but not in a locked month."""

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self._seen: set[ConnectPlace] = set()  # the same unit may be written by its code and by its name

    async def process(self, rows: Sequence[records.ConnectRow]) -> list[NewOrRefused]:
        store, finder = self.services.store, await self.load_finder()
        snapshot, locked = await self.services.office.snapshot(), await store.list_locked_periods()
        entered = await store.list_connect_lines({f"{row.day:%Y-%m}" for row in rows})
        checked: list[ConnectCount | Refused] = []
        for row in rows:
            try:
                checked.append(self._check(row, finder, snapshot, entered))
            except Refused as no:
                checked.append(no)
        known = await store.find_connect_counts([one.place for one in checked if isinstance(one, ConnectCount)])
        checked = [one if isinstance(one, Refused) else _keep_abandoned(one, known.get(one.place)) for one in checked]
        checked = [
            one if isinstance(one, Refused) or known.get(one.place) == one else _refuse_locked(one, snapshot, locked)
            for one in checked
        ]
        good = [one for one in checked if isinstance(one, ConnectCount)]
        if self.dry_run:
            stored = [known.get(one.place) != one for one in good]
        else:
            stored = await store.save_connect_counts(good, self.by.code, self.services.office.clock.now())
        outcomes = iter(stored)
        return [one if isinstance(one, Refused) else next(outcomes) for one in checked]

    def _check(
        self, row: records.ConnectRow, finder: UnitFinder, snapshot: OfficeSnapshot,
        entered: frozenset[tuple[str, str, str]],
    ) -> ConnectCount:  # fmt: skip
        """Return the count of a row.

        Refused `unknown_unit`, `not_management`, `bad_word` (channel), `counts_twice` and, where a ledger line of that
        month has counts that may hold these, `connect_in_ledger`.
        """
        unit, month, known = finder.find(row.unit), f"{row.day:%Y-%m}", snapshot.settings.strings("ticket.channels")
        if unit.kind is not UnitKind.MANAGEMENT:
            raise Refused("not_management", unit=unit.name, field="unit")
        check_channel(row.channel, known)
        count = ConnectCount(unit.code, row.day.isoformat(), row.channel, row.offered, row.answered, row.abandoned)
        if count.place in self._seen:
            raise Refused("counts_twice", day=count.day, field="day")
        lines = [channel for code, of, channel in entered if (code, of) == (unit.code, month)]
        if any(may_overlap(row.channel, channel, known) for channel in lines):
            raise Refused("connect_in_ledger", month=month, field="day")
        self._seen.add(count.place)
        return count


def _keep_abandoned(count: ConnectCount, known: ConnectCount | None) -> ConnectCount:
    """Return the count with what is known of the abandoned if it does not tell, unless that no longer fits."""
    kept = known.abandoned if known is not None else None
    fits = kept is not None and count.answered + kept <= count.offered
    return replace(count, abandoned=kept) if count.abandoned is None and fits else count


def _refuse_locked(
    count: ConnectCount, snapshot: OfficeSnapshot, locked: frozenset[tuple[str, str]]
) -> ConnectCount | Refused:
    """Return the count, or the refusal `month_locked` (B3)."""
    month = count.day[:7]
    scheme = resolve_scheme(snapshot.config.units[count.unit], snapshot)
    return Refused("month_locked", month=month, field="day") if {(month, ""), (month, scheme)} & locked else count
