"""Imported files, and ledger lines added once however often their file is imported."""

import json
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, insert, select

from backend.domain.instants import to_micros
from backend.ports.importing import ImportedLedgerLine
from backend.ports.scoring import ConnectCount
from storage import tables as t
from storage.engine.database import Database
from storage.engine.dialect import find_existing
from storage.engine.ids import IdSupply
from storage.scoring.connect_counts import SqlConnectStore, save_count

R = t.score_runs.c
_INSERT_IMPORT = insert(t.imports)
_INSERT_LINE = insert(t.ledger_lines)
_LIST_LOCKED_PERIODS = select(R.period, R.scheme).where(R.state == "locked").distinct()


class SqlImportStore(SqlConnectStore):
    """`ImportStore` on either engine."""

    def __init__(self, db: Database, ids: IdSupply) -> None:
        self._db = db
        self._ids = ids

    async def record_import(
        self, kind: str, sha256: str, name: str, by: str, at: datetime, report: Mapping[str, Any]
    ) -> None:
        await self._ids.refill(1)
        row = {
            "id": self._ids.take(), "kind": kind, "sha256": sha256, "name": name[:200], "by": by, "at": to_micros(at),
            "report": json.dumps(report, ensure_ascii=False, sort_keys=True),
        }  # fmt: skip
        await self._db.execute(_INSERT_IMPORT, row)

    async def add_ledger_lines(self, lines: Sequence[ImportedLedgerLine], by: str, at: datetime) -> list[bool]:
        """Add ledger lines in one transaction; False for each that exists already.

        Lines of a file were examined before (材料审核), so they count at once.
        """
        await self._ids.refill(len(lines) + 1)

        def work(c: Connection) -> list[bool]:
            seen = find_existing(c, t.ledger_lines.c.fingerprint, [line.fingerprint for line in lines])
            answers = []
            for line in lines:
                answers.append(line.fingerprint not in seen)
                if answers[-1]:
                    seen.add(line.fingerprint)
                    c.execute(_INSERT_LINE, {
                        "id": self._ids.take(), "kind": line.kind, "unit": line.unit, "month": line.month,
                        "count": line.count, "level": line.level, "matter": line.matter, "points": line.points,
                        "note": line.note, "evidence": line.evidence, "facts": json.dumps(dict(line.facts)),
                        "entered_by": by, "entered_at": to_micros(at), "state": "accepted", "reviewed_by": by,
                        "reviewed_at": to_micros(at), "fingerprint": line.fingerprint, "tickets": json.dumps(line.tickets),
                    })  # fmt: skip
            return answers

        return await self._db.write(work)

    async def save_connect_counts(self, counts: Sequence[ConnectCount], by: str, at: datetime) -> list[bool]:
        await self._ids.refill(2 * len(counts) + 1)
        dialect = self._db.dialect
        return await self._db.write(lambda c: [save_count(c, dialect, one, self._ids.take, by, at) for one in counts])

    async def list_locked_periods(self) -> frozenset[tuple[str, str]]:
        return await self._db.read(lambda c: frozenset((r.period, r.scheme) for r in c.execute(_LIST_LOCKED_PERIODS)))

    async def find_existing_numbers(self, numbers: Collection[str]) -> frozenset[str]:
        return frozenset(await self._db.read(lambda c: find_existing(c, t.tickets.c.ticket_no, numbers)))

    async def find_existing_lines(self, fingerprints: Collection[str]) -> frozenset[str]:
        return frozenset(await self._db.read(lambda c: find_existing(c, t.ledger_lines.c.fingerprint, fingerprints)))
