"""Counts for scoring straight from the tables, on either engine."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, TextClause, func, select, text

from backend.domain.instants import to_micros
from backend.domain.scoring.measures import Measure
from backend.ports.scoring import Cohort, EvidenceTicket, PendingRequest, TicketShare, UnitCount
from storage.engine.database import Database
from storage.engine.mapping import decode_instant
from storage.scoring.clues import SqlClueStore
from storage.scoring.connect_counts import SqlConnectStore
from storage.scoring.ledgers import SqlLedgerStore
from storage.scoring.measures import MeasureQuery
from storage.scoring.registers import SqlRegisterStore
from storage.scoring.runs import SqlRunStore
from storage.scoring.what_if import build_prefix, list_pending_requests
from storage.tables import journal

#: measures whose numerator counts against the unit
COUNTING_AGAINST = frozenset({Measure.EXTENSION, Measure.RED_CARD})

_EXCLUDED = "e.item = :item AND e.month = :month AND e.state = 'accepted' AND e.decided_at <= :as_of"
_HAS_EXCLUDED = text(f"SELECT 1 FROM score_exclusions e WHERE {_EXCLUDED} LIMIT 1")
_FIND_FIRST = select(func.min(journal.c.recorded_at))
_HAS_LATER_EXTENSIONS = text("SELECT 1 FROM requests WHERE kind = 'extension' AND decided_at > :as_of LIMIT 1")


class SqlScoringStore(SqlLedgerStore, SqlRunStore, SqlRegisterStore, SqlConnectStore, SqlClueStore):
    """`ScoringStore` on either engine."""

    def __init__(self, db: Database) -> None:
        self._db = db

    # -- counting

    async def count(self, measures: Sequence[Measure], cohort: Cohort) -> Mapping[Measure, Sequence[UnitCount]]:
        """Count each measure by unit; a measure that no table answers is empty."""

        def work(c: Connection) -> dict[Measure, Sequence[UnitCount]]:
            wording, values = self._word(c, cohort), _build_parameters(cohort)
            together = [m for m in measures if wording.counts_closings(m)]
            found = {m: _count(c, wording, m, values) for m in measures if m not in together}
            return found | (_count_closings(c, wording, together, values) if together else {})

        return await self._db.read(work)

    async def list_evidence(self, measure: Measure, cohort: Cohort, limit: int) -> Sequence[EvidenceTicket]:
        def work(c: Connection) -> list[EvidenceTicket]:
            query = _build_evidence(self._word(c, cohort), measure)
            found = c.execute(query, {**_build_parameters(cohort), "limit": limit})
            return [EvidenceTicket(r[0], r[1], bool(r[2]), int(r[3])) for r in found]

        return await self._db.read(work)

    def _word(self, c: Connection, cohort: Cohort) -> MeasureQuery:
        later = c.execute(_HAS_LATER_EXTENSIONS, {"as_of": to_micros(cohort.as_of)}).first() is not None
        return MeasureQuery(cohort, self._db.dialect, undo_extensions=later)

    async def list_unit_evidence(
        self, measure: Measure, cohort: Cohort, offset: int, limit: int, *, failed: bool = False
    ) -> Sequence[EvidenceTicket]:
        """Return a page of the tickets behind one unit's measure, failing ones first, or only those."""

        def work(c: Connection) -> list[EvidenceTicket]:
            query = _build_unit_evidence(self._word(c, cohort), measure, failed)
            found = c.execute(query, {**_build_parameters(cohort), "limit": limit, "offset": offset})
            return [EvidenceTicket(r[0], r[1], bool(r[2]), int(r[3])) for r in found]

        return await self._db.read(work)

    async def list_excluded_shares(
        self, measure: Measure, item: str, month: str, cohort: Cohort
    ) -> Sequence[TicketShare]:
        def work(c: Connection) -> list[TicketShare]:
            given = {**_build_parameters(cohort), "item": item, "month": month}
            if c.execute(_HAS_EXCLUDED, given).first() is None:
                return []
            query = _build_excluded_shares(self._word(c, cohort), measure)
            found: dict[tuple[str, str], TicketShare] = {}
            for unit, no, num, den, reason in c.execute(query, given):
                found.setdefault((unit, no), TicketShare(unit, no, int(num), int(den), reason))
            return list(found.values())

        return await self._db.read(work)

    async def list_ticket_shares(self, measure: Measure, ticket: str, cohort: Cohort) -> Sequence[TicketShare]:
        """List what one ticket adds to the counts of the unit."""

        def work(c: Connection) -> list[TicketShare]:
            query = _build_ticket_shares(self._word(c, cohort), measure)
            found = c.execute(query, {**_build_parameters(cohort), "ticket": ticket})
            return [TicketShare(unit, ticket, int(num), int(den), "") for unit, num, den in found]

        return await self._db.read(work)

    async def list_pending_requests(
        self, unit: str, kinds: Sequence[str], until: datetime, limit: int
    ) -> Sequence[PendingRequest]:
        values = {"unit": unit, "kinds": list(kinds), "until": to_micros(until), "limit": limit}
        return await self._db.read(lambda c: list_pending_requests(c, values))

    async def find_first_record(self) -> datetime | None:
        """Return when this installation wrote its first journal line; None before."""
        at = await self._db.fetch_value(_FIND_FIRST)
        return decode_instant(at)


def _build_statement(wording: MeasureQuery, sql: str) -> TextClause:
    """Build a statement under which the question's `granted` requests are granted."""
    return text(build_prefix(wording.cohort, wording.dialect) + sql)


def _build_count(wording: MeasureQuery, measure: Measure) -> TextClause:
    unit = _unit_condition(wording.cohort)
    return _build_statement(
        wording, f"SELECT s.unit, sum(s.num), sum(s.den) FROM ({wording.build_rows(measure)}) s {unit} GROUP BY s.unit"
    )


def _build_evidence(wording: MeasureQuery, measure: Measure) -> TextClause:
    failed = _failed(measure)
    return _build_statement(
        wording,
        f"""SELECT w.unit, t.ticket_no, w.failed, w.n FROM (
        SELECT s.unit, s.ticket_id, CASE WHEN {failed} THEN 1 ELSE 0 END AS failed,
        count(*) OVER (PARTITION BY s.unit) AS n, row_number() OVER (PARTITION BY s.unit
        ORDER BY CASE WHEN {failed} THEN 0 ELSE 1 END, s.ticket_id) AS place
        FROM ({wording.build_rows(measure)}) s {_unit_condition(wording.cohort)}) w
        JOIN tickets t ON t.id = w.ticket_id WHERE w.place <= :limit ORDER BY w.unit, w.place""",
    )


def _build_unit_evidence(wording: MeasureQuery, measure: Measure, only_failed: bool) -> TextClause:
    failed = _failed(measure)
    return _build_statement(
        wording,
        f"""SELECT w.unit, t.ticket_no, w.failed, w.n FROM (
        SELECT s.unit, s.ticket_id, CASE WHEN {failed} THEN 1 ELSE 0 END AS failed, count(*) OVER () AS n
        FROM ({wording.build_rows(measure)}) s WHERE s.unit = :unit {f"AND {failed}" if only_failed else ""}) w
        JOIN tickets t ON t.id = w.ticket_id
        ORDER BY w.failed DESC, w.ticket_id LIMIT :limit OFFSET :offset""",
    )


def _build_excluded_shares(wording: MeasureQuery, measure: Measure) -> TextClause:
    return _build_statement(
        wording,
        f"""SELECT s.unit, t.ticket_no, sum(s.num), sum(s.den), e.reason
        FROM score_exclusions e JOIN tickets t ON t.ticket_no = e.ticket
        JOIN ({wording.build_rows(measure)}) s ON s.ticket_id = t.id AND s.unit = e.unit
        WHERE {_EXCLUDED} GROUP BY s.unit, t.ticket_no, e.id, e.reason ORDER BY e.id""",
    )


def _build_ticket_shares(wording: MeasureQuery, measure: Measure) -> TextClause:
    return _build_statement(
        wording,
        f"""SELECT s.unit, sum(s.num), sum(s.den)
        FROM ({wording.build_rows(measure)}) s JOIN tickets t ON t.id = s.ticket_id
        WHERE t.ticket_no = :ticket AND s.unit = :unit GROUP BY s.unit""",
    )


def _failed(measure: Measure) -> str:
    """Condition: a row that speaks against the unit."""
    return "s.num > 0" if measure in COUNTING_AGAINST else "s.num < s.den"


def _count(c: Connection, wording: MeasureQuery, measure: Measure, values: dict[str, Any]) -> Sequence[UnitCount]:
    if measure is Measure.CONNECT:  # 接通率 comes from the ledger (B15)
        return ()
    rows = c.execute(_build_count(wording, measure), values)
    return [UnitCount(unit, int(num), int(den)) for unit, num, den in rows]


def _count_closings(
    c: Connection, wording: MeasureQuery, measures: Sequence[Measure], values: dict[str, Any]
) -> dict[Measure, Sequence[UnitCount]]:
    """Count the measures of the month's closings, all in one pass."""
    found: dict[Measure, list[UnitCount]] = {measure: [] for measure in measures}
    query = _build_statement(wording, wording.build_closing_counts(measures))
    for unit, *sums in c.execute(query, values):
        for place, measure in enumerate(measures):
            num, den = sums[2 * place : 2 * place + 2]
            if den:
                found[measure].append(UnitCount(unit, int(num), int(den)))
    return dict(found)


def _unit_condition(cohort: Cohort) -> str:
    return "WHERE s.unit = :unit" if cohort.unit is not None else ""


def _build_parameters(cohort: Cohort) -> dict[str, Any]:
    values: dict[str, Any] = {
        "start": to_micros(cohort.start), "end": to_micros(cohort.end), "as_of": to_micros(cohort.as_of),
    }  # fmt: skip
    values["until"] = min(values["end"], values["as_of"] + 1)
    return values if cohort.unit is None else {**values, "unit": cohort.unit}
