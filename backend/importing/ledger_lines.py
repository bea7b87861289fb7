"""Import ledger lines from a file of reviewed material (材料审核), checked row by row like lines entered by hand."""

import hashlib
import json
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from backend.domain.refusals import Refused
from backend.importing.files import records
from backend.importing.importer_base import Importer, NewOrRefused
from backend.office.cache import OfficeSnapshot
from backend.ports.importing import ImportedLedgerLine
from backend.scoring.entries import check_counts, list_missing, resolve_scheme
from backend.scoring.ledgers import require_not_counted


class LedgerImporter(Importer):
    """Imports ledger lines. Equal lines are numbered within a file, so importing a file again adds nothing."""

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self._equal_counts: Counter[str] = Counter()

    async def process(self, rows: Sequence[records.LedgerRow]) -> list[NewOrRefused]:
        finder, snapshot = await self.load_finder(), await self.services.office.snapshot()
        lines: list[ImportedLedgerLine | Refused] = []
        for row in rows:
            try:
                unit = finder.find(row.unit)
                line = self._build_line(row, unit.code)
                check_counts({**asdict(line), **line.facts}, unit, snapshot, lenient=True)
                lines.append(line)
            except Refused as no:
                lines.append(no)
        known = await self.services.store.find_existing_lines(
            [x.fingerprint for x in lines if isinstance(x, ImportedLedgerLine)]
        )
        lines = await self._refuse_locked_months(lines, known, snapshot)
        lines = await self._refuse_incomplete(lines, known, snapshot)
        lines = [await self._refuse_counted(line, known, snapshot) for line in lines]
        good = [line for line in lines if isinstance(line, ImportedLedgerLine)]
        if self.dry_run:
            stored = [line.fingerprint not in known for line in good]
        else:
            stored = await self.services.store.add_ledger_lines(good, self.by.code, self.services.office.clock.now())
        outcomes = iter(stored)
        return [line if isinstance(line, Refused) else next(outcomes) for line in lines]

    async def _refuse_locked_months(
        self, lines: Sequence[ImportedLedgerLine | Refused], known: Collection[str], snapshot: OfficeSnapshot
    ) -> list[ImportedLedgerLine | Refused]:
        """Refuse new lines of locked months (`month_locked`); lines already stored pass (B3)."""
        locked = await self.services.store.list_locked_periods()
        found: list[ImportedLedgerLine | Refused] = []
        for line in lines:
            if isinstance(line, ImportedLedgerLine) and line.fingerprint not in known:
                scheme = resolve_scheme(snapshot.config.units[line.unit], snapshot)
                if {(line.month, ""), (line.month, scheme)} & locked:
                    found.append(Refused("month_locked", month=line.month, field="month"))
                    continue
            found.append(line)
        return found

    async def _refuse_incomplete(
        self, lines: Sequence[ImportedLedgerLine | Refused], known: Collection[str], snapshot: OfficeSnapshot
    ) -> list[ImportedLedgerLine | Refused]:
        """Refuse new lines that lack what their kind must carry, or name a ticket that is not there (XD3)."""
        new = [line for line in lines if isinstance(line, ImportedLedgerLine) and line.fingerprint not in known]
        tickets = await self.services.store.find_existing_numbers([no for line in new for no in line.tickets])
        refused: dict[str, Refused] = {}
        for line in new:
            unknown = next((no for no in line.tickets if no not in tickets), None)
            missing = list_missing({**asdict(line), **line.facts}, snapshot.config.units[line.unit], snapshot)
            if missing:
                refused[line.fingerprint] = Refused("missing", field=missing[0])
            elif unknown is not None:
                refused[line.fingerprint] = Refused("unknown_ticket", ticket=unknown[:60], field="tickets")
        return [line if isinstance(line, Refused) else refused.get(line.fingerprint, line) for line in lines]

    async def _refuse_counted(
        self, line: ImportedLedgerLine | Refused, known: Collection[str], snapshot: OfficeSnapshot
    ) -> ImportedLedgerLine | Refused:
        """Refuse a new line with counts that are there by day already (`connect_counted`, XD14)."""
        if isinstance(line, ImportedLedgerLine) and line.kind == "connect" and line.fingerprint not in known:
            try:
                await require_not_counted(self.services.store, line.unit, line.month, "", snapshot)
            except Refused as no:
                return Refused(no.code, month=line.month, field="month")
        return line

    def _build_line(self, row: records.LedgerRow, unit: str) -> ImportedLedgerLine:
        facts: Mapping[str, Any] = {k: v for k, v in (("timely", row.timely), ("total", row.total)) if v is not None}
        values = (str(row.kind), unit, row.month, row.count, row.level and str(row.level), row.matter,
                 None if row.points is None else str(row.points), row.note or "", row.evidence or "")  # fmt: skip
        numbers = [row.tickets] if row.tickets else []  # lines without keep the fingerprint they always had
        body = json.dumps([*values, facts, *numbers], ensure_ascii=False, sort_keys=True)
        self._equal_counts[body] += 1
        fingerprint = hashlib.sha256(f"{body}#{self._equal_counts[body]}".encode()).hexdigest()
        return ImportedLedgerLine(fingerprint, *values, facts, row.tickets)
