"""Score runs: trials and locks, contests decided by two people, excluded tickets."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, insert, literal, select, text, update

from backend.domain.instants import to_micros
from backend.ports.score_runs import Contest, Exclusion, Run
from storage import tables as t
from storage.engine.database import Database
from storage.engine.mapping import RowMapper
from storage.engine.narrowing import AnySelect, build_matching

R, A, X = t.score_runs.c, t.score_contests.c, t.score_exclusions.c
_RUN, _CONTEST, _EXCLUSION = RowMapper(Run), RowMapper(Contest), RowMapper(Exclusion)
_PERIODS = tuple(f"{name} >= :start AND {name} < :end" for name in ("start_at", "asked_at", "t.closed_at"))
#: what may still change a past month, by name: open duties of its cohort, undecided requests (Q15)
_OPEN_COUNTS = {
    name: text(sql.format(*_PERIODS))
    for name, sql in {
        "dispatch": "SELECT count(*) FROM duties WHERE kind = 'dispatch' AND met_at IS NULL AND {0}",
        "sign": "SELECT count(*) FROM duties WHERE kind = 'sign' AND met_at IS NULL AND {0}",
        "return": "SELECT count(*) FROM requests WHERE kind = 'return' AND decision IS NULL AND {1}",
        "unreasonable": "SELECT count(*) FROM requests r JOIN tickets t ON t.id = r.ticket_id "
        "WHERE r.kind IN ('unreasonable', 'appeal') AND r.decision IS NULL AND {2}",
        "revisit": "SELECT count(*) FROM duties d JOIN tickets t ON t.id = d.ticket_id "
        "WHERE d.kind = 'revisit' AND d.met_at IS NULL AND {2}",
    }.items()
}
_RUNS = select(*_RUN.columns(t.score_runs))
_GET_RUN = _RUNS.where(R.id == bindparam("id"))
_HEADS = select(*(literal("{}") if c.name == "sheet" else c for c in _RUN.columns(t.score_runs)))
_LIST_RUNS = _HEADS.order_by(R.id.desc()).limit(bindparam("limit"))
_LIST_RUNS_OF_PERIOD = _LIST_RUNS.where(R.period == bindparam("period"))
_IS_LOCKED = R.state == "locked"
_FIND_LOCKED_RUN = (
    _RUNS.where(R.period == bindparam("period"), R.scheme == bindparam("scheme"), _IS_LOCKED)
    .order_by(R.locked_at.desc(), R.id.desc())
    .limit(1)
)
_FIND_LOCK = (
    select(R.id)
    .where(R.period == bindparam("period"), _IS_LOCKED, R.scheme.in_(bindparam("schemes", expanding=True)))
    .limit(1)
)
_CONTESTS = select(*_CONTEST.columns(t.score_contests))
_GET_CONTEST = _CONTESTS.where(A.id == bindparam("id"))
_LIST_EXCLUSIONS = select(*_EXCLUSION.columns(t.score_exclusions)).where(X.month == bindparam("month")).order_by(X.id)
_LIST_EXCLUSIONS_OF_UNIT = _LIST_EXCLUSIONS.where(X.unit == bindparam("unit"))
_GET_EXCLUSION = select(*_EXCLUSION.columns(t.score_exclusions)).where(X.id == bindparam("id"))
_ADD_RUN, _ADD_CONTEST, _ADD_EXCLUSION = insert(t.score_runs), insert(t.score_contests), insert(t.score_exclusions)
#: what is set is named by the parameters
_LOCK = update(t.score_runs).where(R.id == bindparam("b_id"), R.state.in_(("trial", "check")))
_OPEN_CHECK = update(t.score_runs).where(R.id == bindparam("b_id"), R.state == "trial")
_PROPOSE = update(t.score_contests).where(A.id == bindparam("b_id"), A.state.in_(("open", "proposed")))
_SETTLE = update(t.score_contests).where(A.id == bindparam("b_id"), A.state == "proposed")
_DECIDE = update(t.score_exclusions).where(X.id == bindparam("b_id"), X.state == "entered")


def _build_contest_list(period: str | None, unit: str | None, states: Sequence[str], limit: int) -> AnySelect:
    query = build_matching(_CONTESTS, {A.period: period, A.unit: unit}).order_by(A.id.desc()).limit(limit)
    return query.where(A.state.in_(states)) if states else query


class SqlRunStore:
    """`RunStore` on either engine; a trial may get a 核对期 before it is locked."""

    _db: Database

    async def add_run(self, run: Run) -> None:
        values = _RUN.values(run) | {"sheet": json.dumps(run.sheet, ensure_ascii=False)}  # in its own order
        await self._db.execute(_ADD_RUN, values)

    async def get_run(self, run_id: int) -> Run | None:
        return await self._db.fetch_one(_GET_RUN, _RUN.read, {"id": run_id})

    async def list_runs(self, period: str | None, limit: int) -> Sequence[Run]:
        query = _LIST_RUNS if period is None else _LIST_RUNS_OF_PERIOD
        return await self._db.fetch_all(query, _RUN.read, {"period": period, "limit": limit})

    async def find_locked_run(self, period: str, scheme: str) -> Run | None:
        return await self._db.fetch_one(_FIND_LOCKED_RUN, _RUN.read, {"period": period, "scheme": scheme})

    async def is_locked(self, period: str, schemes: Sequence[str]) -> bool:
        given = {"period": period, "schemes": ["", *schemes]}
        return await self._db.fetch_first(_FIND_LOCK, given) is not None

    async def lock_run(
        self, run_id: int, by: str, at: datetime, revision_of: int | None, forced: str | None = None
    ) -> bool:
        locked = {"state": "locked", "locked_by": by, "locked_at": to_micros(at), "revision_of": revision_of}
        return await self._db.execute(_LOCK, {"b_id": run_id, **locked, "forced": forced}) == 1

    async def open_check(self, run_id: int, until: datetime) -> bool:
        given = {"b_id": run_id, "state": "check", "check_until": to_micros(until)}
        return await self._db.execute(_OPEN_CHECK, given) == 1

    async def count_open_duties(self, start: datetime, end: datetime) -> Sequence[tuple[str, int]]:
        """Count the duties and requests of the cohort that may still change it, by name."""
        parameters = {"start": to_micros(start), "end": to_micros(end)}

        def work(c: Connection) -> list[tuple[str, int]]:
            counted = [(name, int(c.execute(query, parameters).scalar() or 0)) for name, query in _OPEN_COUNTS.items()]
            return [(name, n) for name, n in counted if n]

        return await self._db.read(work)

    # -- contests

    async def add_contest(self, contest: Contest) -> None:
        await self._db.execute(_ADD_CONTEST, _CONTEST.values(contest))

    async def list_contests(
        self, period: str | None, unit: str | None, states: Sequence[str], limit: int
    ) -> Sequence[Contest]:
        return await self._db.fetch_all(_build_contest_list(period, unit, states, limit), _CONTEST.read)

    async def get_contest(self, contest_id: int) -> Contest | None:
        return await self._db.fetch_one(_GET_CONTEST, _CONTEST.read, {"id": contest_id})

    async def propose_decision(self, contest_id: int, proposal: Mapping[str, Any], by: str, at: datetime) -> bool:
        said = json.dumps(dict(proposal), ensure_ascii=False)
        proposed = {"state": "proposed", "proposal": said, "proposed_by": by, "proposed_at": to_micros(at)}
        return await self._db.execute(_PROPOSE, {"b_id": contest_id, **proposed}) == 1

    async def settle_contest(
        self, contest_id: int, state: str, by: str, at: datetime, exclusions: Sequence[Exclusion] = ()
    ) -> bool:
        values: dict[str, Any] = {"state": state, "decided_by": by, "decided_at": to_micros(at)}
        if state == "open":  # not agreed: the first proposal is withdrawn
            values = {"state": state, "proposal": None, "proposed_by": None, "proposed_at": None}

        def work(c: Connection) -> bool:
            if c.execute(_SETTLE, {"b_id": contest_id, **values}).rowcount != 1:
                return False
            _insert_exclusions(c, exclusions)
            return True

        return await self._db.write(work)

    # -- exclusions

    async def add_exclusions(self, exclusions: Sequence[Exclusion]) -> None:
        await self._db.write(lambda c: _insert_exclusions(c, exclusions))

    async def list_exclusions(self, month: str, unit: str | None = None) -> Sequence[Exclusion]:
        query = _LIST_EXCLUSIONS if unit is None else _LIST_EXCLUSIONS_OF_UNIT
        return await self._db.fetch_all(query, _EXCLUSION.read, {"month": month, "unit": unit})

    async def get_exclusion(self, exclusion_id: int) -> Exclusion | None:
        return await self._db.fetch_one(_GET_EXCLUSION, _EXCLUSION.read, {"id": exclusion_id})

    async def decide_exclusion(self, exclusion_id: int, state: str, by: str, at: datetime) -> bool:
        decided = {"state": state, "decided_by": by, "decided_at": to_micros(at)}
        return await self._db.execute(_DECIDE, {"b_id": exclusion_id, **decided}) == 1


def _insert_exclusions(c: Connection, exclusions: Sequence[Exclusion]) -> None:
    for exclusion in exclusions:
        c.execute(_ADD_EXCLUSION, _EXCLUSION.values(exclusion))
