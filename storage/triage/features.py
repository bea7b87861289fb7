"""Ticket features, found by their keys newest first, so that a common key costs no more."""

import json
from collections import Counter
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, delete, func, insert, select, text

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


class SqlFeatureStore:
    """`FeatureStore` on either engine."""

    def __init__(self, db: Database, vault: Encryption) -> None:
        self._db, self._vault = db, vault

    async def list_pending(self, since: datetime, limit: int) -> tuple[Sequence[FeatureSource], datetime | None]:
        j, g = t.journal.c, t.ticket_features.c
        query = (
            select(*_SOURCE_COLUMNS, j.recorded_at)
            .join_from(t.journal, t.tickets, t.tickets.c.id == j.ticket_id)
            .outerjoin(t.ticket_features, g.ticket_id == j.ticket_id)
            .where(j.recorded_at >= to_micros(since), j.version == 1, j.verb.in_(_FIRST_VERBS), g.ticket_id.is_(None))
            .order_by(j.recorded_at)
            .limit(limit)
        )

        def work(c: Connection) -> tuple[Sequence[FeatureSource], datetime | None]:
            rows = c.execute(query).all()
            return [self._to_source(row) for row in rows], from_micros(rows[-1].recorded_at) if rows else None

        return await self._db.read(work)

    async def find_source(self, no: str) -> FeatureSource | None:
        def work(c: Connection) -> FeatureSource | None:
            row = c.execute(select(*_SOURCE_COLUMNS).where(t.tickets.c.ticket_no == no)).first()
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
                some = ids[start : start + CHUNK_SIZE]
                for row in c.execute(select(t.ticket_features).where(t.ticket_features.c.ticket_id.in_(some))).all():
                    old = build_index_keys(_to_features(row))
                    c.execute(
                        delete(t.feature_index).where(
                            t.feature_index.c.key.in_(old), t.feature_index.c.ticket_id == row.ticket_id
                        )
                    )
                c.execute(delete(t.ticket_features).where(t.ticket_features.c.ticket_id.in_(some)))
            c.execute(insert(t.ticket_features), [_build_row(told, about) for told, about in features])
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
            return _load_tickets(c, t.ticket_features.c.ticket_id.in_(best)) if best else ()

        return await self._db.read(work)

    async def find_by_requester(self, requester: str, except_id: int, limit: int) -> Sequence[FeaturedTicket]:
        g = t.ticket_features.c
        newest = select(g.ticket_id).where(g.caller == requester, g.ticket_id != except_id).order_by(g.ticket_id.desc())

        def work(c: Connection) -> Sequence[FeaturedTicket]:
            ids = list(c.execute(newest.limit(limit)).scalars())
            return _load_tickets(c, g.ticket_id.in_(ids)) if ids else ()

        return await self._db.read(work)

    async def find_between(self, start: datetime, end: datetime, limit: int) -> Sequence[FeaturedTicket]:
        g = t.ticket_features.c
        query = (
            select(g.ticket_id)
            .where(g.generated_at >= to_micros(start), g.generated_at < to_micros(end))
            .order_by(g.generated_at.desc(), g.ticket_id.desc())
            .limit(limit)
        )

        def work(c: Connection) -> Sequence[FeaturedTicket]:
            ids = list(c.execute(query).scalars())
            return [
                k
                for i in range(0, len(ids), CHUNK_SIZE)
                for k in _load_tickets(c, g.ticket_id.in_(ids[i : i + CHUNK_SIZE]))
            ]

        return await self._db.read(work)

    async def count(self) -> int:
        return await self._db.fetch_count(select(func.count()).select_from(t.ticket_features))

    async def delete_all(self) -> None:
        def work(c: Connection) -> None:
            c.execute(delete(t.feature_index))
            c.execute(delete(t.ticket_features))

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


_SOURCE_COLUMNS = [
    t.tickets.c[n]
    for n in (
        "id", "ticket_no", "title", "text", "place", "region", "category", "phone_index", "name_sealed", "generated_at",
    )
]  # fmt: skip


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


def _load_tickets(c: Connection, which: Any) -> list[FeaturedTicket]:
    k, g, a, r = t.tickets.c, t.ticket_features.c, t.assignments.c, t.requests.c
    rows = c.execute(
        select(
            t.ticket_features,
            k.ticket_no,
            k.state,
            k.title.label("head"),
            k.category,
            k.region,
            k.place,
            k.merged_count,
            a.unit,
            a.closed_at,
        )
        .join_from(t.ticket_features, t.tickets, k.id == g.ticket_id)
        .outerjoin(t.assignments, a.id == k.lead_id)
        .where(which)
        .order_by(g.ticket_id.desc())
    ).all()
    ids = [row.ticket_id for row in rows]
    returned_by: dict[int, set[str]] = {}
    accepted = select(r.ticket_id, r.unit).where(
        r.ticket_id.in_(ids), r.kind == "return", r.decision == "accepted", r.unit.is_not(None)
    )
    for ticket, unit in c.execute(accepted):
        returned_by.setdefault(ticket, set()).add(unit)
    return [
        FeaturedTicket(
            row.ticket_id, row.ticket_no, row.state, row.head, row.category, row.region, row.place, row.unit,
            row.closed_at is not None, tuple(sorted(returned_by.get(row.ticket_id, ()))), row.merged_count,
            from_micros(row.generated_at), row.caller, _to_features(row),
        )
        for row in rows
    ]  # fmt: skip
