"""Bulletins: figures by a few aggregates, and the issues with their documents."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Executable, TextClause, bindparam, delete, func, insert, select, text, update

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
B, F, J = t.bulletins.c, t.bulletin_files.c, t.journal.c
_SELECT_ISSUES = select(*_ISSUE.columns(t.bulletins))
_LOCK_ISSUE = _SELECT_ISSUES.where(B.kind == bindparam("kind"), B.period == bindparam("period")).with_for_update()
_OF_YEAR = (B.kind == bindparam("kind"), B.year == bindparam("year"))
_FIND_TAKEN = select(B.period).where(*_OF_YEAR, B.number == bindparam("number"))
_FIND_LAST_NUMBER = select(func.max(B.number)).where(*_OF_YEAR)
_INSERT_ISSUE = insert(t.bulletins)
_UPDATE_ISSUE = update(t.bulletins).where(B.id == bindparam("b_id"))  # sets the columns that are among its parameters
_GET_ISSUE = _SELECT_ISSUES.where(B.id == bindparam("issue"))
_DELETE_FILES = delete(t.bulletin_files).where(F.bulletin_id == bindparam("issue"))
_INSERT_FILE = insert(t.bulletin_files)
_LOAD_DOCUMENT = select(F.content).where(F.bulletin_id == bindparam("issue"), F.name == bindparam("name"))
_LIST_DOCUMENTS = select(F.name, F.size, F.sha256).where(F.bulletin_id == bindparam("issue")).order_by(F.place)
_LIST_REVIEWS = (
    select(J.ticket_id, J.arguments)
    .where(J.ticket_id.in_(bindparam("tickets", expanding=True)), J.verb == "review", J.at <= bindparam("as_of"))
    .order_by(J.id)
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
        new_id = self._ids.take()
        making = {"state": "making", "made_at": to_micros(at), "made_by": by}

        def work(c: Connection) -> BulletinIssue | None:
            row = c.execute(_LOCK_ISSUE, {"kind": kind, "period": period}).first()
            of_year = {"kind": kind, "year": year}
            if wanted_number is not None:
                taken = c.execute(_FIND_TAKEN, {**of_year, "number": wanted_number}).scalar()
                if taken not in (None, period):
                    return None
            if row is None:
                last = c.execute(_FIND_LAST_NUMBER, of_year).scalar() or 0
                issue = BulletinIssue(new_id, kind, period, year, wanted_number or last + 1, 1, "making", at, by)
                new = {**of_year, **making, "id": new_id, "period": period, "number": issue.number, "revision": 1}
                c.execute(_INSERT_ISSUE, new)
                return issue
            number = wanted_number or row.number
            again = {"b_id": row.id, **making, "number": number, "revision": row.revision + 1, "error": None}
            c.execute(_UPDATE_ISSUE, again)
            return BulletinIssue(row.id, kind, period, year, number, row.revision + 1, "making", at, by)

        return await self._db.write(work)

    async def finish_issue(self, issue_id: int, files: Sequence[tuple[str, bytes]], error: str | None) -> None:
        def work(c: Connection) -> None:
            if error is None:
                c.execute(_DELETE_FILES, {"issue": issue_id})
                for place, (name, content) in enumerate(files):
                    c.execute(_INSERT_FILE, {
                        "bulletin_id": issue_id, "name": name, "place": place, "size": len(content),
                        "sha256": hashlib.sha256(content).hexdigest(), "content": content,
                    })  # fmt: skip
            state = "ready" if error is None else "failed"
            c.execute(_UPDATE_ISSUE, {"b_id": issue_id, "state": state, "error": error})

        await self._db.write(work)

    async def list_issues(
        self, period: str | None, *, except_kind: str | None = None, before: int | None = None, limit: int = 50
    ) -> Page[tuple[BulletinIssue, Sequence[IssueDocument]]]:
        query = _build_issues(period, except_kind, before)

        def work(c: Connection) -> Page[tuple[BulletinIssue, Sequence[IssueDocument]]]:
            rows = c.execute(query, {"limit": limit + 1}).all()
            kept = tuple((_ISSUE.read(row), _list_documents(c, row.id)) for row in rows[:limit])
            return Page(kept, rows[limit - 1].id if len(rows) > limit else None)

        return await self._db.read(work)

    async def get_issue(self, issue_id: int) -> tuple[BulletinIssue, Sequence[IssueDocument]] | None:
        def work(c: Connection) -> tuple[BulletinIssue, Sequence[IssueDocument]] | None:
            row = c.execute(_GET_ISSUE, {"issue": issue_id}).first()
            return None if row is None else (_ISSUE.read(row), _list_documents(c, row.id))

        return await self._db.read(work)

    async def load_document(self, issue_id: int, name: str) -> bytes | None:
        given = {"issue": issue_id, "name": name}
        found = await self._db.read(lambda c: c.execute(_LOAD_DOCUMENT, given).scalar())
        return None if found is None else bytes(found)


def _build_issues(period: str | None, except_kind: str | None, before: int | None) -> Executable:
    narrowed = [*([B.period == period] if period is not None else []), *([B.kind != except_kind] if except_kind else []),
                *([B.id < before] if before is not None else [])]  # fmt: skip
    return _SELECT_ISSUES.where(*narrowed).order_by(B.id.desc()).limit(bindparam("limit"))


def _list_documents(c: Connection, issue_id: int) -> list[IssueDocument]:
    return [IssueDocument(*row) for row in c.execute(_LIST_DOCUMENTS, {"issue": issue_id})]


def _load_reviews(c: Connection, tickets: Sequence[int], as_of: int) -> dict[int, dict[str, Any]]:
    """Return the last review (评议) of each of these tickets (A17)."""
    found: dict[int, dict[str, Any]] = {}
    for first in range(0, len(tickets), BATCH_SIZE):
        some = tickets[first : first + BATCH_SIZE]
        for ticket_id, words in c.execute(_LIST_REVIEWS, {"tickets": some, "as_of": as_of}):
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

    received, closed = (c.execute(query, given).one() for query in _build_monthly(len(months)))
    return tuple((int(n), int(m)) for n, m in zip(received, closed, strict=True))


def _build_monthly(months: int) -> tuple[TextClause, TextClause]:
    """Build the queries for received and for closed."""

    def sums(at: str) -> str:
        cases = (f"COALESCE(sum(CASE WHEN {at} >= :s{n} AND {at} < :e{n} THEN 1 ELSE 0 END), 0)" for n in range(months))
        return f"SELECT {', '.join(cases)}"

    span = "{0} >= :first AND {0} < :last AND {0} <= :as_of"
    return (
        text(f"{sums('generated_at')} FROM tickets WHERE {span.format('generated_at')}"),
        text(f"""{sums("a.closed_at")} FROM assignments a JOIN tickets t ON t.id = a.ticket_id
            WHERE a.lead AND a.state <> 'returned' AND t.merged_into IS NULL AND {span.format("a.closed_at")}"""),
    )
