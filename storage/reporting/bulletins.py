"""Bulletins: figures by a few aggregates, and the issues with their documents."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, delete, func, insert, select, text, update

from backend.domain.instants import to_micros
from backend.ports.reporting import (
    BulletinIssue,
    Figures,
    IssueDocument,
    PeriodDetail,
    ProblemTicket,
    ReportPeriod,
)
from backend.ports.ticket_queries import Page
from storage import tables as t
from storage.engine.database import Database
from storage.engine.encryption import Encryption
from storage.engine.ids import IdSupply
from storage.engine.mapping import RowMapper
from storage.reporting import figures as counting

_ISSUE = RowMapper(BulletinIssue)
MAX_PLACES = 200_000  # distinct places read; the most frequent first
BATCH_SIZE = 500

_PLACES = text(f"""SELECT place, count(*) AS n FROM tickets WHERE {counting.WITHIN.format("generated_at")}
    AND place <> '' AND merged_into IS NULL GROUP BY place ORDER BY n DESC, place LIMIT {MAX_PLACES}""")
_PROBLEMS = text(f"""SELECT p.id, p.red, p.sad, t.ticket_no, COALESCE(t.category, ''), t.grade, t.region, t.title,
    t.name_sealed, t.unreasonable, COALESCE(l.unit, ''), count(*) OVER () FROM (
        SELECT id, max(red) AS red, max(sad) AS sad FROM (
            SELECT a.ticket_id AS id, {counting.RED} AS red, 0 AS sad FROM assignments a
            JOIN tickets t ON t.id = a.ticket_id WHERE a.lead AND t.merged_into IS NULL
            AND a.dispatched_at < :end AND (a.closed_at IS NULL OR a.closed_at >= :start)
            UNION ALL SELECT v.ticket_id AS id, 0 AS red, 1 AS sad FROM visits v JOIN tickets t ON t.id = v.ticket_id
            WHERE {counting.WITHIN.format("v.at")} AND t.final_answer = 'unsatisfied' AND t.merged_into IS NULL
        ) u WHERE red = 1 OR sad = 1 GROUP BY id) p
    JOIN tickets t ON t.id = p.id LEFT JOIN assignments l ON l.id = t.lead_id
    ORDER BY p.red DESC, t.generated_at, p.id LIMIT :most""")
_COUNT_LATE = text(
    "SELECT count(*) FROM journal WHERE at >= :start AND at < :end AND recorded_at >= :end AND recorded_at <= :as_of"
)


class SqlBulletinStore:
    """`BulletinStore` on either engine."""

    def __init__(self, db: Database, ids: IdSupply, vault: Encryption) -> None:
        self._db, self._ids, self._vault = db, ids, vault

    async def count_figures(self, periods: Sequence[ReportPeriod]) -> Sequence[Figures]:
        return await self._db.read(lambda c: [counting.count_figures(c, span) for span in periods])

    async def load_detail(
        self, period: ReportPeriod, months: Sequence[tuple[datetime, datetime]], limit: int
    ) -> PeriodDetail:
        given = counting.build_parameters(period)

        def work(c: Connection) -> PeriodDetail:
            places = tuple((row[0], int(row[1])) for row in c.execute(_PLACES, given))
            rows = list(c.execute(_PROBLEMS, {**given, "most": limit}))
            problems = tuple(self._to_problem(row) for row in rows)
            late = int(c.execute(_COUNT_LATE, given).scalar_one())
            reviewed = _load_reviews(c, [row[0] for row in rows], given["as_of"])
            return PeriodDetail(
                places, tuple(replace(p, **reviewed.get(row[0], {})) for p, row in zip(problems, rows, strict=True)),
                int(rows[0][11]) if rows else 0, late, _count_by_month(c, months, given["as_of"]),
            )  # fmt: skip

        return await self._db.read(work)

    def _to_problem(self, row: Any) -> ProblemTicket:
        return ProblemTicket(
            row[3], row[4], row[5], row[6], row[10], row[7], self._vault.open("tickets", row[0], "name", row[8]),
            bool(row[2]), bool(row[1]), bool(row[9]),
        )  # fmt: skip

    # -- issues

    async def open_issue(
        self, kind: str, period: str, year: int, by: str, at: datetime, wanted_number: int | None
    ) -> BulletinIssue | None:
        await self._ids.refill(1)
        new_id, k = self._ids.take(), t.bulletins.c

        def work(c: Connection) -> BulletinIssue | None:
            row = c.execute(
                select(*_ISSUE.columns(t.bulletins)).where(k.kind == kind, k.period == period).with_for_update()
            ).first()
            of_year = (k.kind == kind, k.year == year)
            if wanted_number is not None:
                taken = c.execute(select(k.period).where(*of_year, k.number == wanted_number)).scalar()
                if taken not in (None, period):
                    return None
            if row is None:
                last = c.execute(select(func.max(k.number)).where(*of_year)).scalar() or 0
                issue = BulletinIssue(new_id, kind, period, year, wanted_number or last + 1, 1, "making", at, by)
                c.execute(insert(t.bulletins).values(
                    id=new_id, kind=kind, period=period, year=year, number=issue.number, revision=1, state="making",
                    made_at=to_micros(at), made_by=by,
                ))  # fmt: skip
                return issue
            number = wanted_number or row.number
            c.execute(update(t.bulletins).where(k.id == row.id).values(
                number=number, revision=row.revision + 1, state="making", made_at=to_micros(at), made_by=by, error=None,
            ))  # fmt: skip
            return BulletinIssue(row.id, kind, period, year, number, row.revision + 1, "making", at, by)

        return await self._db.write(work)

    async def finish_issue(self, issue_id: int, files: Sequence[tuple[str, bytes]], error: str | None) -> None:
        def work(c: Connection) -> None:
            if error is None:
                c.execute(delete(t.bulletin_files).where(t.bulletin_files.c.bulletin_id == issue_id))
                for place, (name, content) in enumerate(files):
                    c.execute(insert(t.bulletin_files).values(
                        bulletin_id=issue_id, name=name, place=place, size=len(content),
                        sha256=hashlib.sha256(content).hexdigest(), content=content,
                    ))  # fmt: skip
            state = "ready" if error is None else "failed"
            c.execute(update(t.bulletins).where(t.bulletins.c.id == issue_id).values(state=state, error=error))

        await self._db.write(work)

    async def list_issues(
        self, period: str | None, *, except_kind: str | None = None, before: int | None = None, limit: int = 50
    ) -> Page[tuple[BulletinIssue, Sequence[IssueDocument]]]:
        k = t.bulletins.c
        narrowed = [*([k.period == period] if period is not None else []), *([k.kind != except_kind] if except_kind else []),
                    *([k.id < before] if before is not None else [])]  # fmt: skip
        query = select(*_ISSUE.columns(t.bulletins)).where(*narrowed).order_by(k.id.desc()).limit(limit + 1)

        def work(c: Connection) -> Page[tuple[BulletinIssue, Sequence[IssueDocument]]]:
            rows = c.execute(query).all()
            kept = tuple((_ISSUE.read(row), _list_documents(c, row.id)) for row in rows[:limit])
            return Page(kept, rows[limit - 1].id if len(rows) > limit else None)

        return await self._db.read(work)

    async def get_issue(self, issue_id: int) -> tuple[BulletinIssue, Sequence[IssueDocument]] | None:
        query = select(*_ISSUE.columns(t.bulletins)).where(t.bulletins.c.id == issue_id)

        def work(c: Connection) -> tuple[BulletinIssue, Sequence[IssueDocument]] | None:
            row = c.execute(query).first()
            return None if row is None else (_ISSUE.read(row), _list_documents(c, row.id))

        return await self._db.read(work)

    async def load_document(self, issue_id: int, name: str) -> bytes | None:
        k = t.bulletin_files.c
        query = select(k.content).where(k.bulletin_id == issue_id, k.name == name)
        found = await self._db.fetch_value(query)
        return None if found is None else bytes(found)


def _list_documents(c: Connection, issue_id: int) -> list[IssueDocument]:
    k = t.bulletin_files.c
    query = select(k.name, k.size, k.sha256).where(k.bulletin_id == issue_id).order_by(k.place)
    return [IssueDocument(*row) for row in c.execute(query)]


def _load_reviews(c: Connection, tickets: Sequence[int], as_of: int) -> dict[int, dict[str, Any]]:
    """Return the last review (评议) of each of these tickets (A17)."""
    found: dict[int, dict[str, Any]] = {}
    k = t.journal.c
    for first in range(0, len(tickets), BATCH_SIZE):
        some = tickets[first : first + BATCH_SIZE]
        query = select(k.ticket_id, k.arguments).where(k.ticket_id.in_(some), k.verb == "review", k.at <= as_of)
        for ticket_id, words in c.execute(query.order_by(k.id)):
            arguments = json.loads(words)
            found[ticket_id] = {n: str(arguments.get(n) or "") for n in ("conclusion", "responsibility", "improvement")}
    return found


def _count_by_month(
    c: Connection, months: Sequence[tuple[datetime, datetime]], as_of: int
) -> tuple[tuple[int, int], ...]:
    """Count received and closed by month, in one pass each."""
    if not months:
        return ()
    given: dict[str, int] = {"as_of": as_of, "first": to_micros(months[0][0]), "last": to_micros(months[-1][1])}
    for n, (start, end) in enumerate(months):
        given |= {f"s{n}": to_micros(start), f"e{n}": to_micros(end)}

    def sums(at: str) -> str:
        cases = (
            f"COALESCE(sum(CASE WHEN {at} >= :s{n} AND {at} < :e{n} THEN 1 ELSE 0 END), 0)" for n in range(len(months))
        )
        return f"SELECT {', '.join(cases)}"

    span = "{0} >= :first AND {0} < :last AND {0} <= :as_of"
    received = c.execute(text(f"{sums('generated_at')} FROM tickets WHERE {span.format('generated_at')}"), given).one()
    closed = c.execute(text(f"""{sums("a.closed_at")} FROM assignments a JOIN tickets t ON t.id = a.ticket_id
        WHERE a.lead AND a.state <> 'returned' AND t.merged_into IS NULL AND {span.format("a.closed_at")}"""), given).one()  # fmt: skip
    return tuple((int(n), int(m)) for n, m in zip(received, closed, strict=True))
