"""Score runs: trials and locks, contests decided by two people, excluded tickets."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, insert, literal, select, text, update

from backend.domain.instants import to_micros
from backend.ports.score_runs import Contest, Exclusion, Run
from storage import tables as t
from storage.engine.database import Database
from storage.engine.mapping import RowMapper

R, A, X = t.score_runs.c, t.score_contests.c, t.score_exclusions.c
_RUN, _CONTEST, _EXCLUSION = RowMapper(Run), RowMapper(Contest), RowMapper(Exclusion)
#: what may still change a past month, by name: open duties of its cohort, undecided requests (Q15)
_OPEN_COUNTS = {
    "dispatch": "SELECT count(*) FROM duties WHERE kind = 'dispatch' AND met_at IS NULL AND {0}",
    "sign": "SELECT count(*) FROM duties WHERE kind = 'sign' AND met_at IS NULL AND {0}",
    "return": "SELECT count(*) FROM requests WHERE kind = 'return' AND decision IS NULL AND {1}",
    "unreasonable": "SELECT count(*) FROM requests r JOIN tickets t ON t.id = r.ticket_id "
    "WHERE r.kind IN ('unreasonable', 'appeal') AND r.decision IS NULL AND {2}",
    "revisit": "SELECT count(*) FROM duties d JOIN tickets t ON t.id = d.ticket_id "
    "WHERE d.kind = 'revisit' AND d.met_at IS NULL AND {2}",
}
_PERIOD_CONDITIONS = tuple(f"{name} >= :start AND {name} < :end" for name in ("start_at", "asked_at", "t.closed_at"))


class SqlRunStore:
    """`RunStore` on either engine; a trial may get a 核对期 before it is locked."""

    _db: Database

    async def add_run(self, run: Run) -> None:
        values = _RUN.values(run) | {"sheet": json.dumps(run.sheet, ensure_ascii=False)}  # in its own order
        await self._db.execute(insert(t.score_runs).values(**values))

    async def get_run(self, run_id: int) -> Run | None:
        query = select(*_RUN.columns(t.score_runs)).where(R.id == run_id)
        return await self._db.fetch_one(query, _RUN.read)

    async def list_runs(self, period: str | None, limit: int) -> Sequence[Run]:
        columns = [literal("{}") if c.name == "sheet" else c for c in _RUN.columns(t.score_runs)]
        query = select(*columns).order_by(R.id.desc()).limit(limit)
        if period is not None:
            query = query.where(R.period == period)
        return await self._db.fetch_all(query, _RUN.read)

    async def find_locked_run(self, period: str, scheme: str) -> Run | None:
        query = (
            select(*_RUN.columns(t.score_runs))
            .where(R.period == period, R.scheme == scheme, R.state == "locked")
            .order_by(R.locked_at.desc(), R.id.desc())
            .limit(1)
        )
        return await self._db.fetch_one(query, _RUN.read)

    async def is_locked(self, period: str, schemes: Sequence[str]) -> bool:
        query = select(R.id).where(R.period == period, R.state == "locked", R.scheme.in_(["", *schemes])).limit(1)
        return await self._db.fetch_first(query) is not None

    async def lock_run(
        self, run_id: int, by: str, at: datetime, revision_of: int | None, forced: str | None = None
    ) -> bool:
        query = (
            update(t.score_runs)
            .where(R.id == run_id, R.state.in_(("trial", "check")))
            .values(state="locked", locked_by=by, locked_at=to_micros(at), revision_of=revision_of, forced=forced)
        )
        return await self._db.execute(query) == 1

    async def open_check(self, run_id: int, until: datetime) -> bool:
        query = (
            update(t.score_runs)
            .where(R.id == run_id, R.state == "trial")
            .values(state="check", check_until=to_micros(until))
        )
        return await self._db.execute(query) == 1

    async def count_open_duties(self, start: datetime, end: datetime) -> Sequence[tuple[str, int]]:
        """Count the duties and requests of the cohort that may still change it, by name."""
        parameters = {"start": to_micros(start), "end": to_micros(end)}

        def work(c: Connection) -> list[tuple[str, int]]:
            counted = [
                (name, int(c.execute(text(sql.format(*_PERIOD_CONDITIONS)), parameters).scalar() or 0))
                for name, sql in _OPEN_COUNTS.items()
            ]
            return [(name, n) for name, n in counted if n]

        return await self._db.read(work)

    # -- contests

    async def add_contest(self, contest: Contest) -> None:
        await self._db.execute(insert(t.score_contests).values(**_CONTEST.values(contest)))

    async def list_contests(
        self, period: str | None, unit: str | None, states: Sequence[str], limit: int
    ) -> Sequence[Contest]:
        query = select(*_CONTEST.columns(t.score_contests)).order_by(A.id.desc()).limit(limit)
        for column, value in ((A.period, period), (A.unit, unit)):
            if value is not None:
                query = query.where(column == value)
        if states:
            query = query.where(A.state.in_(states))
        return await self._db.fetch_all(query, _CONTEST.read)

    async def get_contest(self, contest_id: int) -> Contest | None:
        query = select(*_CONTEST.columns(t.score_contests)).where(A.id == contest_id)
        return await self._db.fetch_one(query, _CONTEST.read)

    async def propose_decision(self, contest_id: int, proposal: Mapping[str, Any], by: str, at: datetime) -> bool:
        query = (
            update(t.score_contests)
            .where(A.id == contest_id, A.state.in_(("open", "proposed")))
            .values(
                state="proposed",
                proposal=json.dumps(dict(proposal), ensure_ascii=False),
                proposed_by=by,
                proposed_at=to_micros(at),
            )
        )
        return await self._db.execute(query) == 1

    async def settle_contest(
        self, contest_id: int, state: str, by: str, at: datetime, exclusions: Sequence[Exclusion] = ()
    ) -> bool:
        values: dict[str, Any] = {"state": state, "decided_by": by, "decided_at": to_micros(at)}
        if state == "open":  # not agreed: the first proposal is withdrawn
            values = {"state": state, "proposal": None, "proposed_by": None, "proposed_at": None}
        query = update(t.score_contests).where(A.id == contest_id, A.state == "proposed").values(**values)

        def work(c: Connection) -> bool:
            if c.execute(query).rowcount != 1:
                return False
            _insert_exclusions(c, exclusions)
            return True

        return await self._db.write(work)

    # -- exclusions

    async def add_exclusions(self, exclusions: Sequence[Exclusion]) -> None:
        await self._db.write(lambda c: _insert_exclusions(c, exclusions))

    async def list_exclusions(self, month: str, unit: str | None = None) -> Sequence[Exclusion]:
        query = select(*_EXCLUSION.columns(t.score_exclusions)).where(X.month == month).order_by(X.id)
        if unit is not None:
            query = query.where(X.unit == unit)
        return await self._db.fetch_all(query, _EXCLUSION.read)

    async def get_exclusion(self, exclusion_id: int) -> Exclusion | None:
        query = select(*_EXCLUSION.columns(t.score_exclusions)).where(X.id == exclusion_id)
        return await self._db.fetch_one(query, _EXCLUSION.read)

    async def decide_exclusion(self, exclusion_id: int, state: str, by: str, at: datetime) -> bool:
        query = (
            update(t.score_exclusions)
            .where(X.id == exclusion_id, X.state == "entered")
            .values(state=state, decided_by=by, decided_at=to_micros(at))
        )
        return await self._db.execute(query) == 1


def _insert_exclusions(c: Connection, exclusions: Sequence[Exclusion]) -> None:
    for exclusion in exclusions:
        c.execute(insert(t.score_exclusions).values(**_EXCLUSION.values(exclusion)))
