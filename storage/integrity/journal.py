"""Journal chains, read page by page exactly as stored; seals are added, never changed."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from operator import attrgetter
from typing import Any

from sqlalchemy import Connection, insert, select, union

from backend.domain.instants import from_micros, to_micros
from backend.domain.journal_hash import LINE_COLUMNS, SEAL_COLUMNS, TICKET_COLUMNS
from backend.domain.records import Assignment, JournalEntry, Ticket
from backend.domain.stored_form import decode_ids
from backend.ports.integrity import JournalChain, JournalLine, Seal
from storage import tables as t
from storage.engine.database import Database
from storage.engine.ids import IdSupply
from storage.engine.mapping import MAPPERS

_read_line_cells = attrgetter(*LINE_COLUMNS)
_read_ticket_cells = attrgetter(*TICKET_COLUMNS)
_read_seal_cells = attrgetter(*SEAL_COLUMNS)
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
        return [chain for chain in chains if chain.ticket_no or chain.lines]

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

    async def add_seal(self, seal: Seal) -> bool:
        def work(c: Connection) -> bool:
            last = c.execute(select(t.journal_seals.c.hash).order_by(t.journal_seals.c.id.desc()).limit(1)).scalar()
            if (last or "") != seal.prev_hash:
                return False
            row = dict(zip(SEAL_COLUMNS, seal.cells, strict=True))
            c.execute(insert(t.journal_seals).values(**row, hash=seal.hash))
            return True

        return await self._db.write(work)


def _to_seal(row: Any) -> Seal:
    try:
        members = decode_ids(row.members)
    except ValueError:
        members = ()
    return Seal(
        row.id, members, row.prev_hash, from_micros(row.at), row.key_name, row.hash, tuple(_read_seal_cells(row))
    )


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
    return JournalChain(
        ticket_id, str(ticket.ticket_no) if ticket else "", _read_record(Ticket, ticket),
        _read_ticket_cells(ticket) if ticket else (), [_build_line(row) for row in lines],
        [a for a in (_read_record(Assignment, row) for row in assignments) if a is not None],
    )  # fmt: skip


def _build_line(row: Any) -> JournalLine:
    cells = _read_line_cells(row)
    return JournalLine(row.version, row.prev_hash, row.key_name, row.hash, cells, _read_record(JournalEntry, row))


def _read_record(noun: type, row: Any) -> Any:
    try:
        return None if row is None else MAPPERS[noun].read(row)
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError):
        return None
