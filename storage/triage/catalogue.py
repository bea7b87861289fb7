"""The dispatch catalogue, and counts of wrong dispatches and repeats over the current tables."""

import json
from collections import defaultdict
from collections.abc import Callable, Collection, Sequence
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import BigInteger, Column, Connection, Select, and_, bindparam, case, func, insert, or_, select, update

from backend.domain.instants import from_micros, to_micros
from backend.domain.suggestions import CatalogueEntry, DispatchErrors
from backend.ports.triage import NewCatalogueEntry, RepeatCount
from storage import tables as t
from storage.engine.database import Database
from storage.engine.dialect import find_existing
from storage.engine.ids import IdSupply
from storage.tickets.search import has_flag

R, A, K = t.dispatch_catalogue.c, t.assignments.c, t.tickets.c
_START, _END = bindparam("start", type_=BigInteger), bindparam("end", type_=BigInteger)
_LIST_ENTRIES = select(t.dispatch_catalogue).where(R.removed_at.is_(None)).order_by(R.id)
_INSERT_ENTRY = insert(t.dispatch_catalogue)
_REMOVE_ENTRY = update(t.dispatch_catalogue).where(R.id == bindparam("b_id"), R.removed_at.is_(None))
_MOVED = and_(A.state == "cancelled", K.state.not_in(("cancelled", "merged")))


def _build_misses(column: Column[Any]) -> Select[Any]:
    return (
        select(column, func.count().label("given"), func.sum(case((A.state == "returned", 1), else_=0)).label("back"),
               func.sum(case((_MOVED, 1), else_=0)).label("moved"))
        .join_from(t.assignments, t.tickets, K.id == A.ticket_id)
        .where(A.dispatched_at >= _START, A.dispatched_at < _END, A.lead)
        .group_by(column)
    )  # fmt: skip


_COUNT_MISSES = {
    "unit": _build_misses(A.unit),
    "dispatcher": _build_misses(A.dispatched_by),
    "category": _build_misses(K.category),
    "month": _build_misses(A.dispatched_at),
}
_MASTER = t.tickets.alias("master")
_IS_REPEAT = or_(K.merged_into.is_not(None), and_(has_flag("suspected_repeat"), K.merged_count == 0))
_LIST_REPEATS = (
    select(A.unit, K.generated_at, case((_IS_REPEAT, 1), else_=0).label("again"))
    .outerjoin_from(t.tickets, _MASTER, _MASTER.c.id == K.merged_into)
    .join(t.assignments, A.id == func.coalesce(_MASTER.c.lead_id, K.lead_id))
    .where(K.generated_at >= _START, K.generated_at < _END, K.state != "cancelled")
)


class SqlCatalogueStore:
    """`CatalogueStore` on either engine. Months begin in `zone`."""

    def __init__(self, db: Database, ids: IdSupply, zone: ZoneInfo) -> None:
        self._db, self._ids, self._zone = db, ids, zone

    async def list_entries(self) -> Sequence[CatalogueEntry]:
        return await self._db.fetch_all(_LIST_ENTRIES, _to_entry)

    async def find_existing(self, fingerprints: Collection[str]) -> frozenset[str]:
        return frozenset(await self._db.read(lambda c: _find_existing(c, fingerprints)))

    async def add_entries(self, entries: Sequence[NewCatalogueEntry], by: str, at: datetime) -> Sequence[int | None]:
        await self._ids.refill(len(entries) + 1)

        def work(c: Connection) -> list[int | None]:
            seen, added = _find_existing(c, [e.fingerprint for e in entries]), list[int | None]()
            for entry in entries:
                added.append(None if entry.fingerprint in seen else self._ids.take())
                if added[-1] is not None:
                    seen.add(entry.fingerprint)
                    c.execute(_INSERT_ENTRY, {
                        "id": added[-1], "category": entry.category,
                        "keywords": json.dumps(entry.keywords, ensure_ascii=False), "region": entry.region,
                        "unit": entry.unit, "basis": entry.basis, "valid_from": _format_day(entry.valid_from),
                        "valid_to": _format_day(entry.valid_to), "by": by, "set_at": to_micros(at), "fingerprint": entry.fingerprint,
                    })  # fmt: skip
            return added

        return await self._db.write(work)

    async def remove_entry(self, row: int, by: str, at: datetime) -> bool:
        gone = {"b_id": row, "removed_at": to_micros(at), "removed_by": by}
        return await self._db.execute(_REMOVE_ENTRY, gone) == 1

    async def count_misses(self, start: datetime, end: datetime, by: str) -> Sequence[DispatchErrors]:
        """Count dispatches from `start` to before `end`, by unit, dispatcher, category or month.

        Every assignment of a ticket to a unit is a dispatch, reassigning included; it was wrong if the unit's return
        was accepted, or if the ticket was reassigned from it to another. A cancelled ticket's is not.
        """
        key_of: dict[str, Callable[[Any], str]] = {
            "unit": lambda row: row.unit, "dispatcher": lambda row: row.dispatched_by,
            "category": lambda row: row.category or "", "month": lambda row: self._month(row.dispatched_at),
        }  # fmt: skip
        query, group_key = _COUNT_MISSES[by], key_of[by]
        given = {"start": to_micros(start), "end": to_micros(end)}

        def work(c: Connection) -> Sequence[DispatchErrors]:
            sums: defaultdict[str, list[int]] = defaultdict(lambda: [0, 0, 0])
            for row in c.execute(query, given):
                for place, count in enumerate((row.given, row.back, row.moved)):
                    sums[group_key(row)][place] += int(count)
            return [DispatchErrors(name, *counts) for name, counts in sorted(sums.items())]

        return await self._db.read(work)

    async def count_repeats(self, start: datetime, end: datetime) -> Sequence[RepeatCount]:
        """Count tickets by lead unit and month of arrival, and how many of them were repeats.

        A ticket is a repeat if it was flagged as a suspected repeat, or was merged into another (then it counts for
        that one's unit). The master of repeats has the flag too and is not one of them.
        """
        given = {"start": to_micros(start), "end": to_micros(end)}

        def work(c: Connection) -> Sequence[RepeatCount]:
            sums: defaultdict[tuple[str, str], list[int]] = defaultdict(lambda: [0, 0])
            for row in c.execute(_LIST_REPEATS, given):
                counts = sums[row.unit, self._month(row.generated_at)]
                counts[0] += 1
                counts[1] += row.again
            return [RepeatCount(unit, month, *counts) for (unit, month), counts in sorted(sums.items())]

        return await self._db.read(work)

    def _month(self, at: int) -> str:
        return f"{from_micros(at).astimezone(self._zone):%Y-%m}"


def _format_day(value: date | None) -> str | None:
    return None if value is None else value.isoformat()


def _to_entry(row: Any) -> CatalogueEntry:
    from_, to = (date.fromisoformat(d) if d else None for d in (row.valid_from, row.valid_to))
    return CatalogueEntry(
        row.id, row.unit, row.category, tuple(json.loads(row.keywords)), row.region, row.basis, from_, to
    )


def _find_existing(c: Connection, fingerprints: Collection[str]) -> set[str]:
    return find_existing(c, R.fingerprint, fingerprints, R.removed_at.is_(None))
