"""The overview on either engine, by the indexes of the journal, of assignments by state, and of open duties."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, case, func, select

from backend.domain.instants import from_micros, to_micros
from backend.domain.move_table import WITH_UNIT
from backend.domain.records import Ticket
from backend.domain.ticket_enums import Obligation
from backend.ports.tickets import OverdueTicket, UnitLoad
from storage import tables as t
from storage.engine.database import Database
from storage.engine.mapping import MAPPERS
from storage.tickets.search import is_overdue

IN_HAND = tuple(sorted(s.value for s in WITH_UNIT))


class SqlGlanceStore:
    """`GlanceStore` on either engine."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def count_since(self, moment: datetime) -> Mapping[str, int]:
        j, at = t.journal.c, to_micros(moment)
        verbs = select(j.verb, func.count()).where(j.at >= at).group_by(j.verb)
        new = select(func.count()).select_from(t.tickets).where(t.tickets.c.generated_at >= at)

        def work(c: Connection) -> dict[str, int]:
            return {**{verb: int(n) for verb, n in c.execute(verbs)}, "received": int(c.execute(new).scalar_one())}

        return await self._db.read(work)

    async def list_unit_loads(self, now: datetime) -> Sequence[UnitLoad]:
        a, d = t.assignments.c, t.duties.c
        held = select(a.unit, func.count()).where(a.state.in_(IN_HAND), a.ended_at.is_(None)).group_by(a.unit)
        behind = select(d.unit, func.count(func.distinct(d.ticket_id))).where(
            *is_overdue(now), d.assignment_id.isnot(None)
        )

        def work(c: Connection) -> list[UnitLoad]:
            slow = {unit: int(n) for unit, n in c.execute(behind.group_by(d.unit))}
            loads = [UnitLoad(unit, int(n), slow.get(unit, 0)) for unit, n in c.execute(held)]
            return sorted(loads, key=lambda one: (-one.open, -one.late, one.unit))

        return await self._db.read(work)

    async def list_overdue(
        self, now: datetime, limit: int, unit: str | None = None
    ) -> tuple[int, Sequence[OverdueTicket]]:
        d, a = t.duties.c, t.assignments.c
        mine = [] if unit is None else [d.unit == unit]
        with_unit = case((d.assignment_id.is_(None), None), else_=d.unit)  # the institution's own duties have no unit
        first = select(func.min(d.due_at).label("due"), d.ticket_id.label("ticket")).where(*is_overdue(now), *mine)
        firsts = first.group_by(d.ticket_id).subquery()
        rows: Any = (
            select(
                *MAPPERS[Ticket].columns(t.tickets),
                d.assignment_id,
                a.version.label("seen"),
                with_unit.label("unit"),
                d.kind,
                d.due_at,
            )
            .select_from(firsts)
            .join(t.duties, (d.ticket_id == firsts.c.ticket) & (d.due_at == firsts.c.due))
            .join(t.tickets, t.tickets.c.id == d.ticket_id)
            .outerjoin(t.assignments, a.id == d.assignment_id)
            .where(*is_overdue(now), *mine)
            .order_by(d.due_at, d.id)
            .limit(limit * 2)
        )
        count = select(func.count(func.distinct(d.ticket_id))).where(*is_overdue(now), *mine)

        def work(c: Connection) -> tuple[int, Sequence[OverdueTicket]]:
            found: dict[str, OverdueTicket] = {}
            width = len(MAPPERS[Ticket].names)
            for r in c.execute(rows):  # two duties may be due at the same instant: one line is enough
                one = OverdueTicket(
                    MAPPERS[Ticket].read(r[:width]),
                    r.assignment_id,
                    r.seen or 0,
                    r.unit,
                    Obligation(r.kind),
                    from_micros(r.due_at),
                )
                found.setdefault(r.ticket_no, one)
            return int(c.execute(count).scalar_one()), list(found.values())[:limit]

        return await self._db.read(work)
