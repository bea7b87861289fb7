"""The overview on either engine, by the indexes of the journal, of assignments by state, and of open duties."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, Select, bindparam, case, func, select

from backend.domain.instants import from_micros, to_micros
from backend.domain.move_table import WITH_UNIT
from backend.domain.records import Ticket
from backend.domain.ticket_enums import Obligation
from backend.ports.tickets import OverdueTicket, UnitLoad
from storage import tables as t
from storage.engine.database import Database
from storage.engine.mapping import MAPPERS
from storage.engine.narrowing import AnySelect
from storage.tickets.search import is_overdue

IN_HAND = tuple(sorted(s.value for s in WITH_UNIT))
A, D, J = t.assignments.c, t.duties.c, t.journal.c
_IS_OVERDUE = is_overdue(bindparam("now"))
_COUNT_VERBS = select(J.verb, func.count()).where(J.at >= bindparam("since")).group_by(J.verb)
_COUNT_NEW = select(func.count()).select_from(t.tickets).where(t.tickets.c.generated_at >= bindparam("since"))
_COUNT_HELD = select(A.unit, func.count()).where(A.state.in_(IN_HAND), A.ended_at.is_(None)).group_by(A.unit)
_COUNT_BEHIND = (
    select(D.unit, func.count(func.distinct(D.ticket_id)))
    .where(*_IS_OVERDUE, D.assignment_id.isnot(None))
    .group_by(D.unit)
)


def _build_overdue(*mine: ColumnElement[bool]) -> tuple[AnySelect, Select[int]]:
    """Build the list of overdue tickets, each with the first duty of those that count, and their number."""
    with_unit = case((D.assignment_id.is_(None), None), else_=D.unit)  # the institution's own duties have no unit
    first = select(func.min(D.due_at).label("due"), D.ticket_id.label("ticket")).where(*_IS_OVERDUE, *mine)
    firsts = first.group_by(D.ticket_id).subquery()
    rows = (
        select(
            *MAPPERS[Ticket].columns(t.tickets),
            D.assignment_id,
            A.version.label("seen"),
            with_unit.label("unit"),
            D.kind,
            D.due_at,
        )
        .select_from(firsts)
        .join(t.duties, (D.ticket_id == firsts.c.ticket) & (D.due_at == firsts.c.due))
        .join(t.tickets, t.tickets.c.id == D.ticket_id)
        .outerjoin(t.assignments, A.id == D.assignment_id)
        .where(*_IS_OVERDUE, *mine)
        .order_by(D.due_at, D.id)
        .limit(bindparam("limit"))
    )
    return rows, select(func.count(func.distinct(D.ticket_id))).where(*_IS_OVERDUE, *mine)


_LIST_OVERDUE, _LIST_OVERDUE_OF_UNIT = _build_overdue(), _build_overdue(D.unit == bindparam("of_unit"))


class SqlGlanceStore:
    """`GlanceStore` on either engine."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def count_since(self, moment: datetime) -> Mapping[str, int]:
        given = {"since": to_micros(moment)}

        def work(c: Connection) -> dict[str, int]:
            verbs = {verb: int(n) for verb, n in c.execute(_COUNT_VERBS, given)}
            return {**verbs, "received": int(c.execute(_COUNT_NEW, given).scalar_one())}

        return await self._db.read(work)

    async def list_unit_loads(self, now: datetime) -> Sequence[UnitLoad]:
        def work(c: Connection) -> list[UnitLoad]:
            slow = {unit: int(n) for unit, n in c.execute(_COUNT_BEHIND, {"now": to_micros(now)})}
            loads = [UnitLoad(unit, int(n), slow.get(unit, 0)) for unit, n in c.execute(_COUNT_HELD)]
            return sorted(loads, key=lambda one: (-one.open, -one.late, one.unit))

        return await self._db.read(work)

    async def list_overdue(
        self, now: datetime, limit: int, unit: str | None = None
    ) -> tuple[int, Sequence[OverdueTicket]]:
        rows, count = _LIST_OVERDUE if unit is None else _LIST_OVERDUE_OF_UNIT
        given = {"now": to_micros(now), "of_unit": unit, "limit": limit * 2}

        def work(c: Connection) -> tuple[int, Sequence[OverdueTicket]]:
            found: dict[str, OverdueTicket] = {}
            width = len(MAPPERS[Ticket].names)
            for r in c.execute(rows, given):  # two duties may be due at the same instant: one line is enough
                one = OverdueTicket(
                    MAPPERS[Ticket].read(r[:width]),
                    r.assignment_id,
                    r.seen or 0,
                    r.unit,
                    Obligation(r.kind),
                    from_micros(r.due_at),
                )
                found.setdefault(r.ticket_no, one)
            return int(c.execute(count, given).scalar_one()), list(found.values())[:limit]

        return await self._db.read(work)
