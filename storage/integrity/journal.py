"""Journal chains, read page by page exactly as stored; seals are added, never changed."""

import json
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, insert, select, union

from backend.domain.instants import from_micros, to_micros
from backend.domain.records import Assignment, JournalEntry, Ticket
from backend.ports.integrity import JournalChain, Seal
from storage import tables as t
from storage.engine.database import Database
from storage.engine.ids import IdSupply
from storage.engine.mapping import MAPPERS, encode

_LINE = [t.journal.c[name] for name in MAPPERS[JournalEntry].names]
_TICKET = [t.tickets.c[name] for name in MAPPERS[Ticket].names]
_ASSIGNMENT = [t.assignments.c[name] for name in MAPPERS[Assignment].names]


class SqlJournalStore:
    """`JournalStore` on either engine."""

    def __init__(self, db: Database, ids: IdSupply) -> None:
        self._db = db
        self._ids = ids

    async def list_chains(self, after: int, limit: int) -> Sequence[JournalChain]:
        return await self._db.read(lambda c: _load_chains(c, _list_ids(c, after, limit)))

    async def load_chains(self, ticket_ids: Collection[int]) -> Sequence[JournalChain]:
        chains = await self._db.read(lambda c: _load_chains(c, sorted(ticket_ids)))
        return [chain for chain in chains if chain.ticket_no or chain.lines or chain.unreadable]

    async def list_moved_since(self, since: datetime, after: int, limit: int) -> Sequence[int]:
        j = t.journal.c
        query = select(j.ticket_id).where(j.recorded_at > to_micros(since), j.ticket_id > after).distinct()
        return await self._db.fetch_column(query.order_by(j.ticket_id).limit(limit))

    async def find_missing_tickets(self) -> Sequence[int]:
        known = select(t.tickets.c.id)
        queries = [
            select(table.c.ticket_id).where(table.c.ticket_id.not_in(known)) for table in (t.assignments, t.duties)
        ]
        return await self._db.read(lambda c: sorted(c.execute(union(*queries)).scalars()))

    async def get_last_seal(self) -> Seal | None:
        query = select(t.journal_seals).order_by(t.journal_seals.c.id.desc()).limit(1)
        return await self._db.fetch_one(query, _to_seal)

    async def list_seals(self, after: int, limit: int) -> Sequence[Seal]:
        query = select(t.journal_seals).where(t.journal_seals.c.id > after).order_by(t.journal_seals.c.id).limit(limit)
        return await self._db.fetch_all(query, _to_seal)

    async def list_unsealed(
        self, after: datetime | None, until: datetime, limit: int
    ) -> Sequence[tuple[int, str, datetime]]:
        j = t.journal.c
        query = select(j.id, j.hash, j.recorded_at).where(j.recorded_at <= to_micros(until))
        if after is not None:
            query = query.where(j.recorded_at > to_micros(after))
        query = query.order_by(j.recorded_at, j.id).limit(limit)
        return await self._db.fetch_all(query, lambda r: (r.id, r.hash, from_micros(r.recorded_at)))

    async def load_hashes(self, ids: Collection[int]) -> Mapping[int, str]:
        query = select(t.journal.c.id, t.journal.c.hash).where(t.journal.c.id.in_(sorted(ids)))
        return await self._db.read(lambda c: {r.id: r.hash for r in c.execute(query)})

    async def add_seal(self, members: Sequence[int], prev: str, hash_: str, until: datetime) -> Seal | None:
        def work(c: Connection) -> Seal | None:
            last = c.execute(
                select(t.journal_seals.c.id, t.journal_seals.c.hash).order_by(t.journal_seals.c.id.desc()).limit(1)
            ).first()
            if (last.hash if last else "") != prev:
                return None
            seal = Seal((last.id if last else 0) + 1, tuple(members), prev, hash_, until)
            c.execute(insert(t.journal_seals).values(
                id=seal.id, first_id=min(members), last_id=max(members), lines=len(members),
                members=encode_ids(members), prev_hash=prev, hash=hash_, at=to_micros(until),
            ))  # fmt: skip
            return seal

        return await self._db.write(work)


def encode_ids(members: Sequence[int]) -> str:
    """Encode ids as differences, each to the one before, to save space."""
    before = [0, *members]
    return ",".join(str(b - a) for a, b in zip(before, members, strict=False))


def decode_ids(text: str) -> tuple[int, ...]:
    """Decode the ids."""
    found, at = [], 0
    for step in text.split(","):
        at += int(step)
        found.append(at)
    return tuple(found)


def _to_seal(row: Any) -> Seal:
    try:
        members = decode_ids(row.members)
    except ValueError:
        members = ()
    return Seal(row.id, members, row.prev_hash, row.hash, from_micros(row.at))


def _list_ids(c: Connection, after: int, limit: int) -> list[int]:
    k, j = t.tickets.c, t.journal.c
    ids = union(
        select(k.id.label("id")).where(k.id > after).order_by(k.id).limit(limit).subquery().select(),
        select(j.ticket_id.label("id")).where(j.ticket_id > after).distinct().order_by(j.ticket_id).limit(limit)
        .subquery().select(),
    )  # fmt: skip
    return sorted(c.execute(ids).scalars())[:limit]


def _load_chains(c: Connection, wanted: Sequence[int]) -> list[JournalChain]:
    if not wanted:
        return []
    k, j, a = t.tickets.c, t.journal.c, t.assignments.c
    tickets = {row[0]: row for row in c.execute(select(*_TICKET).where(k.id.in_(wanted)))}
    lines: dict[int, list[object]] = {}
    for row in c.execute(select(*_LINE).where(j.ticket_id.in_(wanted)).order_by(j.ticket_id, j.version)):
        lines.setdefault(row.ticket_id, []).append(row)
    assignments: dict[int, list[object]] = {}
    for row in c.execute(select(*_ASSIGNMENT).where(a.ticket_id.in_(wanted)).order_by(a.id)):
        assignments.setdefault(row.ticket_id, []).append(row)
    return [_build_chain(i, tickets.get(i), lines.get(i, []), assignments.get(i, [])) for i in wanted]


def _build_chain(ticket_id: int, ticket: Any, lines: Sequence[Any], assignments: Sequence[Any]) -> JournalChain:
    read = [(row.version, _read_entry(row)) for row in lines]
    return JournalChain(
        ticket_id, str(ticket[1]) if ticket else "", _read_record(Ticket, ticket),
        [line for _, line in read if line is not None], [version for version, line in read if line is None],
        [a for a in (_read_record(Assignment, row) for row in assignments) if a is not None],
    )  # fmt: skip


def _read_entry(row: Any) -> JournalEntry | None:
    """Return a line. None unless its JSON is byte-for-byte canonical: anything else is evidence of tampering."""
    try:
        line: JournalEntry = MAPPERS[JournalEntry].read(row)
        same = encode(json.loads(row.arguments)) == row.arguments
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError):
        return None
    return line if same else None


def _read_record(noun: type, row: Any) -> Any:
    try:
        return None if row is None else MAPPERS[noun].read(row)
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError):
        return None
