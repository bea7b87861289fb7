"""Journal chains, read page by page exactly as stored; seals are added, never changed."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from operator import attrgetter
from typing import Any

from sqlalchemy import BigInteger, Connection, Integer, bindparam, insert, select, union

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

J, K, S, A = t.journal.c, t.tickets.c, t.journal_seals.c, t.assignments.c
_AFTER, _MOST = bindparam("after", type_=BigInteger), bindparam("most", type_=Integer)
_LIST_MOVED = (
    select(J.ticket_id)
    .where(J.recorded_at > bindparam("since"), J.ticket_id > _AFTER)
    .distinct()
    .order_by(J.ticket_id)
    .limit(_MOST)
)
_LIST_MISSING_TICKETS = union(
    *(select(table.c.ticket_id).where(table.c.ticket_id.not_in(select(K.id))) for table in (t.assignments, t.duties))
)
_LIST_SEALS = select(t.journal_seals).where(S.id > _AFTER).order_by(S.id).limit(_MOST)
_FIND_LAST_SEAL = select(t.journal_seals).order_by(S.id.desc()).limit(1)
_FIND_LAST_HASH = select(S.hash).order_by(S.id.desc()).limit(1)
_INSERT_SEAL = insert(t.journal_seals)
_LIST_LINES_UNTIL = (
    select(J.id, J.hash, J.recorded_at)
    .where(J.recorded_at <= bindparam("until"))
    .order_by(J.recorded_at, J.id)
    .limit(_MOST)
)
_LIST_LINES_BETWEEN = _LIST_LINES_UNTIL.where(J.recorded_at > _AFTER)
_IDS = bindparam("ids", type_=BigInteger, expanding=True)
_LIST_HASHES = select(J.id, J.hash).where(J.id.in_(_IDS))
_LIST_TICKET_IDS = union(
    select(K.id.label("id")).where(K.id > _AFTER).order_by(K.id).limit(_MOST).subquery().select(),
    select(J.ticket_id.label("id")).where(J.ticket_id > _AFTER).distinct().order_by(J.ticket_id).limit(_MOST)
    .subquery().select(),
)  # fmt: skip
_LIST_TICKETS = select(*(K[name] for name in MAPPERS[Ticket].names)).where(K.id.in_(_IDS))
_LIST_LINES = (
    select(*(J[name] for name in MAPPERS[JournalEntry].names))
    .where(J.ticket_id.in_(_IDS))
    .order_by(J.ticket_id, J.version)
)
_LIST_ASSIGNMENTS = select(*(A[name] for name in MAPPERS[Assignment].names)).where(A.ticket_id.in_(_IDS)).order_by(A.id)


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
        wanted = {"since": to_micros(since), "after": after, "most": limit}
        return await self._db.fetch_column(_LIST_MOVED, wanted)

    async def find_missing_tickets(self) -> Sequence[int]:
        return await self._db.read(lambda c: sorted(c.execute(_LIST_MISSING_TICKETS).scalars()))

    async def get_last_seal(self) -> Seal | None:
        return await self._db.fetch_one(_FIND_LAST_SEAL, _to_seal)

    async def list_seals(self, after: int, limit: int) -> Sequence[Seal]:
        return await self._db.fetch_all(_LIST_SEALS, _to_seal, {"after": after, "most": limit})

    async def list_unsealed(
        self, after: datetime | None, until: datetime, limit: int
    ) -> Sequence[tuple[int, str, datetime]]:
        query, wanted = _LIST_LINES_UNTIL, {"until": to_micros(until), "most": limit}
        if after is not None:
            query, wanted = _LIST_LINES_BETWEEN, wanted | {"after": to_micros(after)}
        return await self._db.fetch_all(query, lambda r: (r.id, r.hash, from_micros(r.recorded_at)), wanted)

    async def load_hashes(self, ids: Collection[int]) -> Mapping[int, str]:
        return {r.id: r.hash for r in await self._db.fetch_rows(_LIST_HASHES, {"ids": sorted(ids)})}

    async def add_seal(self, seal: Seal) -> bool:
        def work(c: Connection) -> bool:
            if (c.execute(_FIND_LAST_HASH).scalar() or "") != seal.prev_hash:
                return False
            row = dict(zip(SEAL_COLUMNS, seal.cells, strict=True))
            c.execute(_INSERT_SEAL, {**row, "hash": seal.hash})
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
    return sorted(c.execute(_LIST_TICKET_IDS, {"after": after, "most": limit}).scalars())[:limit]


def _load_chains(c: Connection, wanted: Sequence[int]) -> list[JournalChain]:
    if not wanted:
        return []
    ids = {"ids": wanted}
    tickets = {row[0]: row for row in c.execute(_LIST_TICKETS, ids)}
    lines: dict[int, list[object]] = {}
    for row in c.execute(_LIST_LINES, ids):
        lines.setdefault(row.ticket_id, []).append(row)
    assignments: dict[int, list[object]] = {}
    for row in c.execute(_LIST_ASSIGNMENTS, ids):
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
