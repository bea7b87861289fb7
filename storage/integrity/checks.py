"""Findings: stored once per kind and subject, deleted when healed."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Select, bindparam, delete, select, text

from backend.domain.instants import from_micros, to_micros, to_span
from backend.ports.integrity import CheckResult, CheckThresholds, Finding
from storage import tables as t
from storage.engine.database import Database
from storage.engine.ids import IdSupply
from storage.engine.mapping import encode
from storage.integrity.audit import INSERT_AUDIT, build_audit_row
from storage.integrity.check_queries import CHECKS, MAX_FINDINGS, PATROL_CHECKS, PATROL_SIZE, RECHECKS, parse_subject

_NEW = text(
    "INSERT INTO integrity_findings (kind, subject, facts, found_at) VALUES (:kind, :subject, :facts, :at) "
    "ON CONFLICT (kind, subject) DO NOTHING RETURNING kind"
)
_NEXT_SECTION = text(
    "SELECT count(*), max(id) FROM (SELECT id FROM tickets WHERE id > :patrol ORDER BY id LIMIT :most) x"
)
K = t.integrity_findings.c
_LIST_OPEN = select(K.kind, K.subject, K.facts, K.found_at).order_by(K.found_at, K.kind, K.subject)
_DELETE = delete(t.integrity_findings).where(K.kind == bindparam("kind"), K.subject == bindparam("subject"))

MAX_ID = 2**63 - 1


def _build_now(db: Database) -> Select[tuple[int]]:
    return select(db.lease_clock.now)


class SqlIntegrityStore:
    """`IntegrityStore` on either engine."""

    def __init__(self, db: Database, ids: IdSupply) -> None:
        self._db = db
        self._ids = ids
        self._now = _build_now(db)

    async def run_checks(self, thresholds: CheckThresholds, patrolled_to: int) -> CheckResult:
        """Run every check on what is open now, and some on the next section of all tickets.

        Each check is a read of its own, so that no snapshot is held for long.
        """
        found: dict[tuple[str, str], Finding] = {}
        facts = await self._read_parameters(thresholds)
        for kind, query in CHECKS.items():
            for finding in await self._run_check(kind, query, facts):
                found.setdefault((finding.kind, finding.subject), finding)
        count, last = await self._db.read(
            lambda c: tuple(c.execute(_NEXT_SECTION, {"patrol": patrolled_to, "most": PATROL_SIZE}).one())
        )
        is_end = last is None or count < PATROL_SIZE
        section = {"first": patrolled_to, "last": MAX_ID if is_end else int(last)}
        for kind, query in PATROL_CHECKS.items():
            for finding in await self._run_check(kind, query, facts | section):
                found.setdefault((finding.kind, finding.subject), finding)
        return CheckResult(list(found.values()), 0 if is_end else int(last))

    async def _run_check(self, kind: str, query: Any, facts: dict[str, int]) -> list[Finding]:
        def work(c: Connection) -> list[Finding]:
            rows = c.execute(query, {**facts, "most": MAX_FINDINGS}).mappings()
            return [_to_finding(kind, dict(row)) for row in rows]

        return await self._db.read(work)

    async def recheck(self, findings: Sequence[Finding], thresholds: CheckThresholds) -> list[bool]:
        facts = await self._read_parameters(thresholds) if findings else {}

        def still(c: Connection, f: Finding) -> bool:
            query = RECHECKS.get(f.kind)
            if query is None:  # a kind of an earlier version
                return False
            return c.execute(query, {**facts, "subject": parse_subject(f.kind, f.subject)}).first() is not None

        def work(c: Connection) -> list[bool]:
            return [still(c, f) for f in findings]

        return await self._db.read(work) if findings else []

    async def _read_parameters(self, thresholds: CheckThresholds) -> dict[str, int]:
        instants = asdict(thresholds)
        overdue: timedelta = instants.pop("lease")
        clock = self._db.lease_clock
        ((now,),) = await self._db.fetch_rows(self._now, clock.parameters())
        return {name: to_micros(at) for name, at in instants.items()} | {"lease": now - to_span(overdue)}

    async def list_open(self) -> Sequence[Finding]:
        return await self._db.fetch_all(
            _LIST_OPEN, lambda r: Finding(r.kind, r.subject, json.loads(r.facts), from_micros(r.found_at))
        )

    async def save_findings(
        self, found: Sequence[Finding], healed: Sequence[Finding], now: datetime
    ) -> Sequence[Finding]:
        """Store new findings and delete healed ones, each with an audit row; return those truly new."""
        if not (found or healed):
            return []
        await self._ids.refill(len(found) + len(healed))

        def work(c: Connection) -> list[Finding]:
            fresh = [f for f in found if insert_finding(c, f, now)]
            struck = [f for f in healed if c.execute(_DELETE, {"kind": f.kind, "subject": f.subject}).rowcount == 1]
            rows = [
                build_audit_row(self._ids, now, "auditor", event, f.subject, {"kind": f.kind, **f.facts})
                for event, findings in (("finding", fresh), ("healed", struck))
                for f in findings
            ]
            if rows:
                c.execute(INSERT_AUDIT, rows)
            return fresh

        return await self._db.write(work)


def insert_finding(c: Connection, finding: Finding, now: datetime) -> bool:
    """Insert a finding; False if it is there."""
    row = {"kind": finding.kind, "subject": finding.subject, "facts": encode(finding.facts), "at": to_micros(now)}
    return c.execute(_NEW, row).scalar() is not None


def _to_finding(kind: str, row: dict[str, Any]) -> Finding:
    subject = str(row.pop("subject"))
    facts = {name: value for name, value in row.items() if value is not None}
    return Finding(kind, subject, {n: from_micros(v).isoformat() if n.endswith("_at") else v for n, v in facts.items()})
