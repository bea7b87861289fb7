"""The shelf of the marks: counts straight from the tables, ledger lines, runs and appeals, on either engine."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, insert, select, text, update

from backend.domain.instants import instant, micros
from backend.domain.scoring.measures import Measure
from backend.ports.marks import Appeal, Counted, LedgerEntry, Question, Run, Witness
from storage import tables as t
from storage.db import Database
from storage.measures import Wording

#: measures whose numerator speaks against the unit
AGAINST = frozenset({Measure.EXTENSION, Measure.RED_CARD})

_LATER = text("SELECT 1 FROM requests WHERE kind = 'extension' AND decided_at > :as_of LIMIT 1")


class MarksShelf:
    """Implements backend.ports.marks.MarksStore."""

    def __init__(self, db: Database) -> None:
        self._db = db

    # -- counting

    async def count(self, measures: Sequence[Measure], question: Question) -> Mapping[Measure, Sequence[Counted]]:
        """Each measure's counts by unit; a measure no table answers counts nothing."""

        def work(c: Connection) -> dict[Measure, Sequence[Counted]]:
            wording, values = self._wording(c, question), _values(question)
            together = [m for m in measures if m in wording.of_closings and not _by_due(m, question)]
            found = {m: _count(c, wording, m, values) for m in measures if m not in together}
            return found | (_closings(c, wording, together, values) if together else {})

        return await self._db.read(work)

    async def witnesses(self, measure: Measure, question: Question, limit: int) -> Sequence[Witness]:
        """The tickets behind a measure, failing ones first, at most `limit` a unit."""
        failed = "s.num > 0" if measure in AGAINST else "s.num < s.den"

        def work(c: Connection) -> list[Witness]:
            rows = self._wording(c, question).rows(measure)
            query = f"""SELECT w.unit, t.no, w.failed, w.n FROM (
                SELECT s.unit, s.ticket_id, CASE WHEN {failed} THEN 1 ELSE 0 END AS failed,
                count(*) OVER (PARTITION BY s.unit) AS n, row_number() OVER (PARTITION BY s.unit
                ORDER BY CASE WHEN {failed} THEN 0 ELSE 1 END, s.ticket_id) AS place
                FROM ({rows}) s {_narrow(question)}) w
                JOIN tickets t ON t.id = w.ticket_id WHERE w.place <= :limit ORDER BY w.unit, w.place"""
            found = c.execute(text(query), {**_values(question), "limit": limit})
            return [Witness(r[0], r[1], bool(r[2]), int(r[3])) for r in found]

        return await self._db.read(work)

    def _wording(self, c: Connection, question: Question) -> Wording:
        later = c.execute(_LATER, {"as_of": micros(question.as_of)}).first() is not None
        return Wording(question, self._db.dialect, later=later)

    # -- ledgers

    async def ledger(self, first: str, last: str, unit: str | None = None) -> Sequence[LedgerEntry]:
        """Accepted entries of the months `first` to `last`, oldest first."""
        kept = t.ledger.c
        query = select(t.ledger).where(kept.state == "accepted", kept.month.between(first, last))
        if unit is not None:
            query = query.where(kept.unit == unit)
        query = query.order_by(kept.month, kept.id)
        return await self._db.read(lambda c: [_entry(r) for r in c.execute(query)])

    async def entry(self, entry_id: int) -> LedgerEntry | None:
        """One entry."""
        query = select(t.ledger).where(t.ledger.c.id == entry_id)
        row = await self._db.read(lambda c: c.execute(query).first())
        return None if row is None else _entry(row)

    async def enter(self, entries: Sequence[LedgerEntry]) -> Sequence[bool]:
        """Keep entries in one transaction; False for one whose fingerprint is known."""

        def work(c: Connection) -> list[bool]:
            kept = []
            for entry in entries:
                query = select(t.ledger.c.id).where(t.ledger.c.fingerprint == entry.fingerprint)
                kept.append(c.execute(query).first() is None)
                if kept[-1]:
                    c.execute(insert(t.ledger).values(**_ledger_columns(entry)))
            return kept

        return await self._db.write(work)

    async def review(self, entry_id: int, state: str, by: str, at: datetime) -> bool:
        """Decide an entered entry; False when it is decided already."""
        query = (
            update(t.ledger)
            .where(t.ledger.c.id == entry_id, t.ledger.c.state == "entered")
            .values(state=state, reviewed_by=by, reviewed_at=micros(at))
        )
        return await self._db.write(lambda c: c.execute(query).rowcount == 1)

    # -- runs and appeals

    async def keep_run(self, run: Run) -> None:
        """Keep a run."""
        values = {
            "id": run.id, "period": run.period, "scheme": run.scheme, "state": run.state, "by": run.by,
            "at": micros(run.at), "sheet": json.dumps(run.sheet, ensure_ascii=False), "hash": run.hash,
            "revision_of": run.revision_of,
        }  # fmt: skip
        await self._db.write(lambda c: c.execute(insert(t.score_runs).values(**values)) and None)

    async def run(self, run_id: int) -> Run | None:
        """One run."""
        query = select(t.score_runs).where(t.score_runs.c.id == run_id)
        row = await self._db.read(lambda c: c.execute(query).first())
        return None if row is None else _run(row)

    async def locked(self, period: str, scheme: str) -> Run | None:
        """The newest locked run of a period and scheme."""
        kept = t.score_runs.c
        query = (
            select(t.score_runs)
            .where(kept.period == period, kept.scheme == scheme, kept.state == "locked")
            .order_by(kept.locked_at.desc(), kept.id.desc())
            .limit(1)
        )
        row = await self._db.read(lambda c: c.execute(query).first())
        return None if row is None else _run(row)

    async def lock(self, run_id: int, by: str, at: datetime, revision_of: int | None) -> bool:
        """Lock a trial run; False when it is locked already."""
        query = (
            update(t.score_runs)
            .where(t.score_runs.c.id == run_id, t.score_runs.c.state == "trial")
            .values(state="locked", locked_by=by, locked_at=micros(at), revision_of=revision_of)
        )
        return await self._db.write(lambda c: c.execute(query).rowcount == 1)

    async def appeal(self, appeal: Appeal) -> None:
        """Keep an appeal."""
        values = {
            "id": appeal.id, "run_id": appeal.run_id, "unit": appeal.unit, "item": appeal.item,
            "words": appeal.words, "by": appeal.by, "at": micros(appeal.at),
        }  # fmt: skip
        await self._db.write(lambda c: c.execute(insert(t.score_appeals).values(**values)) and None)

    async def appeals(self, run_id: int) -> Sequence[Appeal]:
        """The appeals against a run, oldest first."""
        query = select(t.score_appeals).where(t.score_appeals.c.run_id == run_id).order_by(t.score_appeals.c.id)
        return await self._db.read(
            lambda c: [Appeal(r.id, r.run_id, r.unit, r.item, r.words, r.by, instant(r.at)) for r in c.execute(query)]
        )


def count_statement(wording: Wording, measure: Measure, question: Question) -> str:
    """The SQL of one measure's counts by unit."""
    return f"SELECT s.unit, sum(s.num), sum(s.den) FROM ({wording.rows(measure)}) s {_narrow(question)} GROUP BY s.unit"


def _count(c: Connection, wording: Wording, measure: Measure, values: dict[str, Any]) -> Sequence[Counted]:
    if measure is Measure.CONNECT:  # 接通率 comes from the ledger (B15)
        return ()
    rows = c.execute(text(count_statement(wording, measure, wording.question)), values)
    return [Counted(unit, int(num), int(den)) for unit, num, den in rows]


def _by_due(measure: Measure, question: Question) -> bool:
    return measure is Measure.ON_TIME and question.closure_basis == "due"


def _closings(
    c: Connection, wording: Wording, measures: Sequence[Measure], values: dict[str, Any]
) -> dict[Measure, Sequence[Counted]]:
    """The measures of the month's closings, all in one pass."""
    found: dict[Measure, list[Counted]] = {measure: [] for measure in measures}
    for unit, *sums in c.execute(text(wording.closings(measures)), values):
        for place, measure in enumerate(measures):
            num, den = sums[2 * place : 2 * place + 2]
            if den:
                found[measure].append(Counted(unit, int(num), int(den)))
    return dict(found)


def _narrow(question: Question) -> str:
    return "WHERE s.unit = :unit" if question.unit is not None else ""


def _values(question: Question) -> dict[str, Any]:
    values: dict[str, Any] = {
        "start": micros(question.start), "end": micros(question.end), "as_of": micros(question.as_of),
    }  # fmt: skip
    return values if question.unit is None else {**values, "unit": question.unit}


def _ledger_columns(entry: LedgerEntry) -> dict[str, Any]:
    return {
        "id": entry.id, "kind": entry.kind, "unit": entry.unit, "month": entry.month, "count": entry.count,
        "level": entry.level, "matter": entry.matter, "points": entry.points, "note": entry.note,
        "evidence": entry.evidence, "facts": json.dumps(dict(entry.facts)), "entered_by": entry.entered_by,
        "entered_at": micros(entry.entered_at), "state": entry.state, "reviewed_by": entry.reviewed_by,
        "reviewed_at": None if entry.reviewed_at is None else micros(entry.reviewed_at),
        "fingerprint": entry.fingerprint,
    }  # fmt: skip


def _entry(r: Any) -> LedgerEntry:
    return LedgerEntry(
        r.id, r.kind, r.unit, r.month, r.count, r.level, r.matter, r.points, r.note, r.evidence, r.entered_by,
        instant(r.entered_at), r.state, r.fingerprint, r.reviewed_by,
        None if r.reviewed_at is None else instant(r.reviewed_at), json.loads(r.facts),
    )  # fmt: skip


def _run(r: Any) -> Run:
    return Run(
        r.id, r.period, r.scheme, r.state, r.by, instant(r.at), json.loads(r.sheet), r.hash,
        None if r.locked_at is None else instant(r.locked_at), r.locked_by, r.revision_of,
    )  # fmt: skip
