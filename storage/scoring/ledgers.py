"""Ledger lines by state, one draft per source; an accepted correction voids what it replaces."""

import json
from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, insert, select, update

from backend.domain.instants import to_micros
from backend.ports.ledgers import LedgerEntry, LedgerFilter
from storage import tables as t
from storage.engine.database import Database
from storage.engine.dialect import find_existing
from storage.engine.mapping import RowMapper
from storage.engine.narrowing import AnySelect, build_before, build_matching

K = t.ledger_lines.c
_ENTRY = RowMapper(LedgerEntry)
UNDECIDED = ("draft", "entered")
_ENTRIES = select(*_ENTRY.columns(t.ledger_lines))
_LIST_ACCEPTED = _ENTRIES.where(K.state == "accepted", K.month.between(bindparam("first"), bindparam("last"))).order_by(
    K.month, K.id
)
_LIST_ACCEPTED_OF_UNIT = _LIST_ACCEPTED.where(K.unit == bindparam("unit"))
_GET = _ENTRIES.where(K.id == bindparam("id"))
_FIND = _ENTRIES.where(K.fingerprint == bindparam("fingerprint"))
_READ_REST = select(K.facts, K.replaces).where(K.id == bindparam("id"))
_ADD = insert(t.ledger_lines)
#: what is set is named by the parameters
_CHANGE = update(t.ledger_lines).where(K.id == bindparam("b_id"))
_CHANGE_DRAFT, _REVIEW = _CHANGE.where(K.state == "draft"), _CHANGE.where(K.state.in_(UNDECIDED))


def _build_list(criteria: LedgerFilter, limit: int) -> AnySelect:
    query = build_matching(_ENTRIES, {K.month: criteria.month, K.unit: criteria.unit, K.kind: criteria.kind})
    query = build_before(query, K.id, criteria.before).order_by(K.id.desc()).limit(limit)
    return query.where(K.state.in_(criteria.states)) if criteria.states else query


class SqlLedgerStore:
    """`LedgerStore` on either engine."""

    _db: Database

    async def list_accepted_entries(self, first: str, last: str, unit: str | None = None) -> Sequence[LedgerEntry]:
        """List accepted entries of the months `first` to `last`, oldest first."""
        query = _LIST_ACCEPTED if unit is None else _LIST_ACCEPTED_OF_UNIT
        return await self._db.fetch_all(query, _ENTRY.read, {"first": first, "last": last, "unit": unit})

    async def list_ledger_entries(self, criteria: LedgerFilter, limit: int) -> Sequence[LedgerEntry]:
        return await self._db.fetch_all(_build_list(criteria, limit), _ENTRY.read)

    async def get_ledger_entry(self, entry_id: int) -> LedgerEntry | None:
        return await self._db.fetch_one(_GET, _ENTRY.read, {"id": entry_id})

    async def add_ledger_entries(self, entries: Sequence[LedgerEntry]) -> Sequence[bool]:
        def work(c: Connection) -> list[bool]:
            kept = []
            for entry in entries:
                kept.append(c.execute(_FIND, {"fingerprint": entry.fingerprint}).first() is None)
                if kept[-1]:
                    c.execute(_ADD, build_entry_row(entry))
            return kept

        return await self._db.write(work)

    async def save_drafts(self, entries: Sequence[LedgerEntry]) -> Sequence[bool]:
        def one(c: Connection, entry: LedgerEntry) -> bool:
            row = c.execute(_FIND, {"fingerprint": entry.fingerprint}).first()
            if row is None:
                c.execute(_ADD, build_entry_row(entry))
                return True
            old = _ENTRY.read(row)
            new = replace(old, count=entry.count, level=entry.level, note=entry.note, tickets=entry.tickets)
            if old.state != "draft" or new == old:
                return False
            c.execute(_CHANGE_DRAFT, {"b_id": old.id, **build_entry_row(new)})
            return True

        return await self._db.write(lambda c: [one(c, entry) for entry in entries])

    async def find_existing_numbers(self, numbers: Collection[str]) -> frozenset[str]:
        return frozenset(await self._db.read(lambda c: find_existing(c, t.tickets.c.ticket_no, numbers)))

    async def review_ledger_entry(
        self, entry_id: int, state: str, by: str, at: datetime, exemption: str | None = None
    ) -> bool:
        """Decide an undecided entry; an accepted one voids the line it replaces."""

        def work(c: Connection) -> bool:
            reviewed = {"b_id": entry_id, "state": state, "reviewed_by": by, "reviewed_at": to_micros(at)}
            if c.execute(_REVIEW, reviewed).rowcount != 1:
                return False
            if exemption is None and state != "accepted":
                return True
            facts, old = c.execute(_READ_REST, {"id": entry_id}).one()
            if exemption is not None:
                exempted = json.dumps(json.loads(facts) | {"exemption": exemption})
                c.execute(_CHANGE, {"b_id": entry_id, "facts": exempted})
            if state == "accepted" and old is not None:
                c.execute(_CHANGE, {"b_id": old, "state": "void"})
            return True

        return await self._db.write(work)


def build_entry_row(entry: LedgerEntry) -> dict[str, Any]:
    """Return the row of an entry; its facts keep their order."""
    return _ENTRY.values(entry) | {"facts": json.dumps(dict(entry.facts))}
