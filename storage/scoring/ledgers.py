"""Ledger lines by state, one draft per source; an accepted correction voids what it replaces."""

import json
from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, insert, select, update

from backend.domain.instants import to_micros
from backend.ports.ledgers import LedgerEntry, LedgerFilter
from storage import tables as t
from storage.engine.database import Database
from storage.engine.dialect import find_existing
from storage.engine.mapping import RowMapper

K = t.ledger_lines.c
_ENTRY = RowMapper(LedgerEntry)
UNDECIDED = ("draft", "entered")


class SqlLedgerStore:
    """`LedgerStore` on either engine."""

    _db: Database

    async def list_accepted_entries(self, first: str, last: str, unit: str | None = None) -> Sequence[LedgerEntry]:
        """List accepted entries of the months `first` to `last`, oldest first."""
        query = select(*_ENTRY.columns(t.ledger_lines)).where(K.state == "accepted", K.month.between(first, last))
        if unit is not None:
            query = query.where(K.unit == unit)
        query = query.order_by(K.month, K.id)
        return await self._db.fetch_all(query, _ENTRY.read)

    async def list_ledger_entries(self, criteria: LedgerFilter, limit: int) -> Sequence[LedgerEntry]:
        query = select(*_ENTRY.columns(t.ledger_lines)).order_by(K.id.desc()).limit(limit)
        for column, value in ((K.month, criteria.month), (K.unit, criteria.unit), (K.kind, criteria.kind)):
            if value is not None:
                query = query.where(column == value)
        if criteria.states:
            query = query.where(K.state.in_(criteria.states))
        if criteria.before is not None:
            query = query.where(K.id < criteria.before)
        return await self._db.fetch_all(query, _ENTRY.read)

    async def get_ledger_entry(self, entry_id: int) -> LedgerEntry | None:
        query = select(*_ENTRY.columns(t.ledger_lines)).where(K.id == entry_id)
        return await self._db.fetch_one(query, _ENTRY.read)

    async def add_ledger_entries(self, entries: Sequence[LedgerEntry]) -> Sequence[bool]:
        def work(c: Connection) -> list[bool]:
            kept = []
            for entry in entries:
                query = select(K.id).where(K.fingerprint == entry.fingerprint)
                kept.append(c.execute(query).first() is None)
                if kept[-1]:
                    c.execute(insert(t.ledger_lines).values(**build_entry_row(entry)))
            return kept

        return await self._db.write(work)

    async def save_drafts(self, entries: Sequence[LedgerEntry]) -> Sequence[bool]:
        def one(c: Connection, entry: LedgerEntry) -> bool:
            row = c.execute(select(*_ENTRY.columns(t.ledger_lines)).where(K.fingerprint == entry.fingerprint)).first()
            if row is None:
                c.execute(insert(t.ledger_lines).values(**build_entry_row(entry)))
                return True
            old = _ENTRY.read(row)
            new = replace(old, count=entry.count, level=entry.level, note=entry.note, tickets=entry.tickets)
            if old.state != "draft" or new == old:
                return False
            c.execute(update(t.ledger_lines).where(K.id == old.id, K.state == "draft").values(**build_entry_row(new)))
            return True

        return await self._db.write(lambda c: [one(c, entry) for entry in entries])

    async def find_existing_numbers(self, numbers: Collection[str]) -> frozenset[str]:
        return frozenset(await self._db.read(lambda c: find_existing(c, t.tickets.c.ticket_no, numbers)))

    async def review_ledger_entry(
        self, entry_id: int, state: str, by: str, at: datetime, exemption: str | None = None
    ) -> bool:
        """Decide an undecided entry; an accepted one voids the line it replaces."""

        def work(c: Connection) -> bool:
            query = (
                update(t.ledger_lines)
                .where(K.id == entry_id, K.state.in_(UNDECIDED))
                .values(state=state, reviewed_by=by, reviewed_at=to_micros(at))
            )
            if c.execute(query).rowcount != 1:
                return False
            if exemption is not None:
                facts = json.loads(c.execute(select(K.facts).where(K.id == entry_id)).scalar_one())
                c.execute(
                    update(t.ledger_lines)
                    .where(K.id == entry_id)
                    .values(facts=json.dumps(facts | {"exemption": exemption}))
                )
            if state == "accepted":
                old = c.execute(select(K.replaces).where(K.id == entry_id)).scalar()
                if old is not None:
                    c.execute(update(t.ledger_lines).where(K.id == old).values(state="void"))
            return True

        return await self._db.write(work)


def build_entry_row(entry: LedgerEntry) -> dict[str, Any]:
    """Return the row of an entry; its facts keep their order."""
    return _ENTRY.values(entry) | {"facts": json.dumps(dict(entry.facts))}
