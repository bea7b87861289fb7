"""Ticket features, found by their keys newest first, so that a common key costs no more."""

import json
from collections import Counter
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Integer, bindparam, delete, func, insert, select, text

from backend.domain.instants import from_micros, to_micros
from backend.domain.similarity import TicketFeatures, build_caller_key, build_index_keys
from backend.ports.triage import FeaturedTicket, FeatureSource
from storage import tables as t
from storage.engine.database import Database
from storage.engine.encryption import Encryption

MAX_PER_KEY = 200  # tickets read per key
CHUNK_SIZE = 400  # ids per query
_FIRST_VERBS = ("create", "import")  # the first line of a ticket's journal
_INSERT_KEYS = {
    "sqlite": text("INSERT OR IGNORE INTO feature_index (key, ticket_id) VALUES (:key, :ticket_id)"),
    "postgresql": text(
        "INSERT INTO feature_index (key, ticket_id) SELECT unnest(CAST(:keys AS bigint[])), :ticket_id "
        "ON CONFLICT DO NOTHING"
    ),
}
_FIND_BY_KEY = text(
    "SELECT ticket_id FROM feature_index WHERE key = :key AND ticket_id <> :but ORDER BY ticket_id DESC LIMIT :most"
)

_FIND_BY_KEYS = text(
    "SELECT l.ticket_id FROM unnest(CAST(:keys AS bigint[])) AS k(key) CROSS JOIN LATERAL (SELECT ticket_id FROM feature_index "
    "WHERE key = k.key AND ticket_id <> :but ORDER BY ticket_id DESC LIMIT :newest) AS l "
    "GROUP BY l.ticket_id ORDER BY count(*) DESC, l.ticket_id DESC LIMIT :most"
)
K, J, G, A, R = t.tickets.c, t.journal.c, t.ticket_features.c, t.assignments.c, t.requests.c
_SOURCE_COLUMNS = [
    K[n]
    for n in (
        "id", "ticket_no", "title", "text", "place", "region", "category", "phone_index", "name_sealed", "generated_at",
    )
]  # fmt: skip
_LIMIT = bindparam("limit", type_=Integer)
_IS_AMONG = G.ticket_id.in_(bindparam("ids", expanding=True))
_LIST_PENDING = (
    select(*_SOURCE_COLUMNS, J.recorded_at)
    .join_from(t.journal, t.tickets, K.id == J.ticket_id)
    .outerjoin(t.ticket_features, G.ticket_id == J.ticket_id)
    .where(J.recorded_at >= bindparam("since"), J.version == 1, J.verb.in_(_FIRST_VERBS), G.ticket_id.is_(None))
    .order_by(J.recorded_at)
    .limit(_LIMIT)
)
_FIND_SOURCE = select(*_SOURCE_COLUMNS).where(K.ticket_no == bindparam("no"))
_LIST_FEATURES = select(t.ticket_features).where(_IS_AMONG)
_DELETE_FEATURES = delete(t.ticket_features).where(_IS_AMONG)
_INSERT_FEATURES = insert(t.ticket_features)
_DELETE_KEYS = delete(t.feature_index).where(
    t.feature_index.c.key.in_(bindparam("keys", expanding=True)), t.feature_index.c.ticket_id == bindparam("ticket")
)
_DELETE_ALL = (delete(t.feature_index), delete(t.ticket_features))
_COUNT = select(func.count()).select_from(t.ticket_features)
_FIND_BY_REQUESTER = (
    select(G.ticket_id)
    .where(G.caller == bindparam("requester"), G.ticket_id != bindparam("but"))
    .order_by(G.ticket_id.desc())
    .limit(_LIMIT)
)
_FIND_BETWEEN = (
    select(G.ticket_id)
    .where(G.generated_at >= bindparam("start"), G.generated_at < bindparam("end"))
    .order_by(G.generated_at.desc(), G.ticket_id.desc())
    .limit(_LIMIT)
)
_LIST_TICKETS = (
    select(t.ticket_features, K.ticket_no, K.state, K.title.label("head"), K.category, K.region, K.place, K.merged_count,
           A.unit, A.closed_at)
    .join_from(t.ticket_features, t.tickets, K.id == G.ticket_id)
    .outerjoin(t.assignments, A.id == K.lead_id)
    .where(_IS_AMONG)
    .order_by(G.ticket_id.desc())
)  # fmt: skip
_LIST_RETURNED = select(R.ticket_id, R.unit).where(
    R.ticket_id.in_(bindparam("ids", expanding=True)),
    R.kind == "return",
    R.decision == "accepted",
    R.unit.is_not(None),
)


class SqlFeatureStore:
    """`FeatureStore` on either engine."""

    def __init__(self, db: Database, vault: Encryption) -> None:
        self._db, self._vault = db, vault

    async def list_pending(self, since: datetime, limit: int) -> tuple[Sequence[FeatureSource], datetime | None]:
        given = {"since": to_micros(since), "limit": limit}

        def work(c: Connection) -> tuple[Sequence[FeatureSource], datetime | None]:
            rows = c.execute(_LIST_PENDING, given).all()
            return [self._to_source(row) for row in rows], from_micros(rows[-1].recorded_at) if rows else None

        return await self._db.read(work)

    async def find_source(self, no: str) -> FeatureSource | None:
        def work(c: Connection) -> FeatureSource | None:
            row = c.execute(_FIND_SOURCE, {"no": no}).first()
            return None if row is None else self._to_source(row)

        return await self._db.read(work)

    def _to_source(self, row: Any) -> FeatureSource:
        caller = row.phone_index
        if caller is None and row.name_sealed is not None:
            name = self._vault.open("tickets", row.id, "name", row.name_sealed)
            caller = self._vault.blind_index(build_caller_key(name or "", row.text))
        return FeatureSource(
            row.id, row.ticket_no, row.title, row.text, row.place, row.region, row.category, caller,
            from_micros(row.generated_at),
        )  # fmt: skip

    async def store_features(self, features: Sequence[tuple[FeatureSource, TicketFeatures]]) -> None:
        def work(c: Connection) -> None:
            ids = [told.ticket_id for told, _ in features]
            for start in range(0, len(ids), CHUNK_SIZE):
                some = {"ids": ids[start : start + CHUNK_SIZE]}
                for row in c.execute(_LIST_FEATURES, some).all():
                    old = build_index_keys(_to_features(row))
                    c.execute(_DELETE_KEYS, {"keys": list(old), "ticket": row.ticket_id})
                c.execute(_DELETE_FEATURES, some)
            c.execute(_INSERT_FEATURES, [_build_row(told, about) for told, about in features])
            postgres = self._db.dialect == "postgresql"
            found = [{"keys": list(build_index_keys(about)), "ticket_id": told.ticket_id} for told, about in features]
            flat = [{"key": key, "ticket_id": f["ticket_id"]} for f in found for key in f["keys"]]  # type: ignore[attr-defined]
            if given := (found if postgres else flat):
                c.execute(_INSERT_KEYS[self._db.dialect], given)

        if features:
            await self._db.write(work)

    async def find_candidates(self, keys: Collection[int], except_id: int, limit: int) -> Sequence[FeaturedTicket]:
        def work(c: Connection) -> Sequence[FeaturedTicket]:
            best = _find_best(c, keys, except_id, limit)
            return _load_tickets(c, best) if best else ()

        return await self._db.read(work)

    async def find_by_requester(self, requester: str, except_id: int, limit: int) -> Sequence[FeaturedTicket]:
        given = {"requester": requester, "but": except_id, "limit": limit}

        def work(c: Connection) -> Sequence[FeaturedTicket]:
            ids = list(c.execute(_FIND_BY_REQUESTER, given).scalars())
            return _load_tickets(c, ids) if ids else ()

        return await self._db.read(work)

    async def find_between(self, start: datetime, end: datetime, limit: int) -> Sequence[FeaturedTicket]:
        given = {"start": to_micros(start), "end": to_micros(end), "limit": limit}

        def work(c: Connection) -> Sequence[FeaturedTicket]:
            ids = list(c.execute(_FIND_BETWEEN, given).scalars())
            return [k for i in range(0, len(ids), CHUNK_SIZE) for k in _load_tickets(c, ids[i : i + CHUNK_SIZE])]

        return await self._db.read(work)

    async def count(self) -> int:
        return await self._db.fetch_count(_COUNT)

    async def delete_all(self) -> None:
        def work(c: Connection) -> None:
            for everything in _DELETE_ALL:
                c.execute(everything)

        await self._db.write(work)


def _find_best(c: Connection, keys: Collection[int], but: int, most: int) -> list[int]:
    """Find the tickets that share the most keys: one query on PostgreSQL to save round trips, one per key on SQLite."""
    if c.dialect.name == "postgresql":
        facts = {"keys": list(keys), "but": but, "newest": MAX_PER_KEY, "most": most}
        return list(c.execute(_FIND_BY_KEYS, facts).scalars())
    found: Counter[int] = Counter()
    for key in keys:
        found.update(c.execute(_FIND_BY_KEY, {"key": key, "but": but, "most": MAX_PER_KEY}).scalars())
    return sorted(found, key=lambda ticket: (-found[ticket], -ticket))[:most]


def _build_row(told: FeatureSource, about: TicketFeatures) -> dict[str, Any]:
    return {
        "ticket_id": told.ticket_id, "terms": json.dumps(dict(about.terms), ensure_ascii=False),
        "title": json.dumps(about.title, ensure_ascii=False), "caller": told.caller,
        "places": json.dumps([sorted(about.regions), sorted(about.rare)], ensure_ascii=False),
        "generated_at": to_micros(told.generated_at),
    }  # fmt: skip


def _to_features(row: Any) -> TicketFeatures:
    regions, rare = json.loads(row.places)
    return TicketFeatures(json.loads(row.terms), tuple(json.loads(row.title)), frozenset(regions), frozenset(rare))


def _load_tickets(c: Connection, ids: Sequence[int]) -> list[FeaturedTicket]:
    rows = c.execute(_LIST_TICKETS, {"ids": ids}).all()
    returned_by: dict[int, set[str]] = {}
    for ticket, unit in c.execute(_LIST_RETURNED, {"ids": [row.ticket_id for row in rows]}):
        returned_by.setdefault(ticket, set()).add(unit)
    return [
        FeaturedTicket(
            row.ticket_id, row.ticket_no, row.state, row.head, row.category, row.region, row.place, row.unit,
            row.closed_at is not None, tuple(sorted(returned_by.get(row.ticket_id, ()))), row.merged_count,
            from_micros(row.generated_at), row.caller, _to_features(row),
        )
        for row in rows
    ]  # fmt: skip
