"""Counts for scoring straight from the tables, on either engine."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, text

from backend.domain.instants import from_micros, to_micros
from backend.domain.scoring.measures import Measure
from backend.ports.marks import Counted, Question, Struck, Undecided, Witness
from storage.db import Database
from storage.ledgers import LedgerShelf
from storage.measures import Wording
from storage.registers import RegisterShelf
from storage.runs import RunShelf
from storage.supposed import supposing, undecided

#: measures whose numerator counts against the unit
AGAINST = frozenset({Measure.EXTENSION, Measure.RED_CARD})

_EXCLUDED = "e.item = :item AND e.month = :month AND e.state = 'accepted' AND e.decided_at <= :as_of"
_LATER = text("SELECT 1 FROM requests WHERE kind = 'extension' AND decided_at > :as_of LIMIT 1")


class MarksShelf(LedgerShelf, RunShelf, RegisterShelf):
    """`ScoringStore` on either engine."""

    def __init__(self, db: Database) -> None:
        self._db = db

    # -- counting

    async def count(self, measures: Sequence[Measure], question: Question) -> Mapping[Measure, Sequence[Counted]]:
        """Count each measure by unit; a measure that no table answers is empty."""

        def work(c: Connection) -> dict[Measure, Sequence[Counted]]:
            wording, values = self._wording(c, question), _values(question)
            together = [m for m in measures if wording.by_closing(m)]
            found = {m: _count(c, wording, m, values) for m in measures if m not in together}
            return found | (_closings(c, wording, together, values) if together else {})

        return await self._db.read(work)

    async def witnesses(self, measure: Measure, question: Question, limit: int) -> Sequence[Witness]:
        failed = "s.num > 0" if measure in AGAINST else "s.num < s.den"

        def work(c: Connection) -> list[Witness]:
            rows = self._wording(c, question).rows(measure)
            query = f"""{supposing(question, self._db.dialect)}SELECT w.unit, t.no, w.failed, w.n FROM (
                SELECT s.unit, s.ticket_id, CASE WHEN {failed} THEN 1 ELSE 0 END AS failed,
                count(*) OVER (PARTITION BY s.unit) AS n, row_number() OVER (PARTITION BY s.unit
                ORDER BY CASE WHEN {failed} THEN 0 ELSE 1 END, s.ticket_id) AS place
                FROM ({rows}) s {_narrow(question)}) w
                JOIN tickets t ON t.id = w.ticket_id WHERE w.place <= :limit ORDER BY w.unit, w.place"""
            found = c.execute(text(query), {**_values(question), "limit": limit})
            return [Witness(r[0], r[1], bool(r[2]), int(r[3])) for r in found]

        return await self._db.read(work)

    def _wording(self, c: Connection, question: Question) -> Wording:
        later = c.execute(_LATER, {"as_of": to_micros(question.as_of)}).first() is not None
        return Wording(question, self._db.dialect, later=later)

    async def witnesses_of(
        self, measure: Measure, question: Question, offset: int, limit: int, *, failed: bool = False
    ) -> Sequence[Witness]:
        """Return a page of the tickets behind one unit's measure, failing ones first, or only those."""
        against = "s.num > 0" if measure in AGAINST else "s.num < s.den"

        def work(c: Connection) -> list[Witness]:
            rows = self._wording(c, question).rows(measure)
            query = f"""{supposing(question, self._db.dialect)}SELECT w.unit, t.no, w.failed, w.n FROM (
                SELECT s.unit, s.ticket_id, CASE WHEN {against} THEN 1 ELSE 0 END AS failed, count(*) OVER () AS n
                FROM ({rows}) s WHERE s.unit = :unit {f"AND {against}" if failed else ""}) w
                JOIN tickets t ON t.id = w.ticket_id
                ORDER BY w.failed DESC, w.ticket_id LIMIT :limit OFFSET :offset"""
            found = c.execute(text(query), {**_values(question), "limit": limit, "offset": offset})
            return [Witness(r[0], r[1], bool(r[2]), int(r[3])) for r in found]

        return await self._db.read(work)

    async def struck(self, measure: Measure, item: str, month: str, question: Question) -> Sequence[Struck]:
        def work(c: Connection) -> list[Struck]:
            given = {**_values(question), "item": item, "month": month}
            if c.execute(text(f"SELECT 1 FROM score_exclusions e WHERE {_EXCLUDED} LIMIT 1"), given).first() is None:
                return []
            rows = self._wording(c, question).rows(measure)
            query = f"""{supposing(question, self._db.dialect)}SELECT s.unit, t.no, sum(s.num), sum(s.den), e.reason FROM score_exclusions e
                JOIN tickets t ON t.no = e.ticket JOIN ({rows}) s ON s.ticket_id = t.id AND s.unit = e.unit
                WHERE {_EXCLUDED} GROUP BY s.unit, t.no, e.id, e.reason ORDER BY e.id"""
            found: dict[tuple[str, str], Struck] = {}
            for unit, no, num, den, reason in c.execute(text(query), given):
                found.setdefault((unit, no), Struck(unit, no, int(num), int(den), reason))
            return list(found.values())

        return await self._db.read(work)

    async def share(self, measure: Measure, ticket: str, question: Question) -> Sequence[Struck]:
        """List what one ticket adds to the counts of the unit."""

        def work(c: Connection) -> list[Struck]:
            rows = self._wording(c, question).rows(measure)
            query = f"""{supposing(question, self._db.dialect)}SELECT s.unit, sum(s.num), sum(s.den) FROM ({rows}) s JOIN tickets t ON t.id = s.ticket_id
                WHERE t.no = :ticket AND s.unit = :unit GROUP BY s.unit"""
            found = c.execute(text(query), {**_values(question), "ticket": ticket})
            return [Struck(unit, ticket, int(num), int(den), "") for unit, num, den in found]

        return await self._db.read(work)

    async def undecided(self, unit: str, kinds: Sequence[str], until: datetime, limit: int) -> Sequence[Undecided]:
        values = {"unit": unit, "kinds": list(kinds), "until": to_micros(until), "limit": limit}
        return await self._db.read(lambda c: undecided(c, values))

    async def opened_at(self) -> datetime | None:
        """Return when this installation wrote its first journal line; None before."""
        at = await self._db.read(lambda c: c.execute(text("SELECT min(recorded_at) FROM journal")).scalar())
        return None if at is None else from_micros(int(at))


def count_statement(wording: Wording, measure: Measure, question: Question) -> str:
    """Return the SQL of one measure's counts by unit."""
    supposed = supposing(question, wording.dialect)
    return f"{supposed}SELECT s.unit, sum(s.num), sum(s.den) FROM ({wording.rows(measure)}) s {_narrow(question)} GROUP BY s.unit"


def _count(c: Connection, wording: Wording, measure: Measure, values: dict[str, Any]) -> Sequence[Counted]:
    if measure is Measure.CONNECT:  # 接通率 comes from the ledger (B15)
        return ()
    rows = c.execute(text(count_statement(wording, measure, wording.question)), values)
    return [Counted(unit, int(num), int(den)) for unit, num, den in rows]


def _closings(
    c: Connection, wording: Wording, measures: Sequence[Measure], values: dict[str, Any]
) -> dict[Measure, Sequence[Counted]]:
    """Count the measures of the month's closings, all in one pass."""
    found: dict[Measure, list[Counted]] = {measure: [] for measure in measures}
    for unit, *sums in c.execute(
        text(supposing(wording.question, wording.dialect) + wording.closings(measures)), values
    ):
        for place, measure in enumerate(measures):
            num, den = sums[2 * place : 2 * place + 2]
            if den:
                found[measure].append(Counted(unit, int(num), int(den)))
    return dict(found)


def _narrow(question: Question) -> str:
    return "WHERE s.unit = :unit" if question.unit is not None else ""


def _values(question: Question) -> dict[str, Any]:
    values: dict[str, Any] = {
        "start": to_micros(question.start), "end": to_micros(question.end), "as_of": to_micros(question.as_of),
    }  # fmt: skip
    values["until"] = min(values["end"], values["as_of"] + 1)
    return values if question.unit is None else {**values, "unit": question.unit}
