"""Runs: a trial is stored with its inputs, checked, locked under a hash, and afterwards only revised (B3, Q15)."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, cast
from zoneinfo import ZoneInfo

from backend.domain.acts import SYSTEM, Actor
from backend.domain.permissions import may
from backend.domain.records import Message
from backend.domain.refusals import Refused
from backend.domain.ticket_enums import Role
from backend.office.cache import OfficeCache
from backend.ports.ids import IdSupply
from backend.ports.scoring import Run, ScoringStore
from backend.scoring.contest_shapes import UNDECIDED, ContestItem
from backend.scoring.contests import Contests
from backend.scoring.dependencies import ScoringDependencies
from backend.scoring.differences import diff_results
from backend.scoring.ledgers import require_clerk
from backend.scoring.periods import compute_settlement, format_instant, get_month_bounds, parse_period
from backend.scoring.results import compute_result, hash_result_figures, hash_sheet
from backend.scoring.rules import diff_rules, keep_schemes
from backend.scoring.second_person import require_second_person
from backend.scoring.shapes import CheckedRun, InspectedRun, Result, RunDifference, RunHead, RunWithSheets

#: period, scheme, changed settings, inputs of the run whose rules apply → inputs
CollectInputs = Callable[
    [str, str | None, Mapping[str, str] | None, Mapping[str, Any] | None], Awaitable[dict[str, object]]
]
#: 假设试算: by changed settings, for comparison; it stays what it is (XD23).
WHAT_IF = "what_if"
UNPUBLISHED = ("trial", WHAT_IF)  # states a unit does not see
NOTIFIED_ROLES = (Role.LIAISON, Role.LEADER)  # roles of a unit asked to check its sheet (M21)


class Runs:
    """Starts, checks, locks and compares runs. `gather` collects a period's inputs as of now."""

    def __init__(
        self,
        store: ScoringStore,
        office: OfficeCache,
        ids: IdSupply,
        collect_inputs: CollectInputs,
        dependencies: ScoringDependencies,
        contests: Contests,
    ) -> None:
        self._store, self._office, self._ids, self._collect_inputs = store, office, ids, collect_inputs
        self._dependencies, self._contests = dependencies, contests

    async def start(
        self, period: str, scheme: str | None, actor: Actor, *, settings: Mapping[str, str] | None = None,
        current_rules: bool = False,
    ) -> RunWithSheets:  # fmt: skip
        """Store a trial run; after a lock it is a revision of the locked run, by its rules or by the `current_rules`.

        With changed `settings` it can be looked at, but neither checked nor locked (XD9, XD23).
        Refused `forbidden`, `bad_period`, `period_future`, `unknown_scheme`, `unknown_setting`, `bad_setting`.
        """
        require_clerk(actor)
        begin, _ = get_month_bounds(parse_period(period).months[0], self._office.clock.zone)
        if self._office.clock.now() < begin:
            raise Refused("period_future", period=period)
        earlier = await self._store.find_locked_run(parse_period(period).name, scheme or "")
        kept = None if earlier is None or current_rules else earlier.sheet["inputs"]
        inputs = keep_schemes(await self._collect_inputs(period, scheme, settings, kept), kept)
        if settings:
            inputs["changed"] = {key: inputs["settings"][key] for key in settings}
        sheet = {"inputs": inputs, "result": compute_result(inputs)}
        await self._ids.refill(1)
        run = Run(
            self._ids.take(), period, scheme or "", WHAT_IF if settings else "trial", actor.code, self._office.clock.now(), sheet, hash_sheet(sheet),
            revision_of=None if earlier is None else earlier.id,
        )  # fmt: skip
        await self._store.add_run(run)
        await self._dependencies.note(run.at, actor.code, "score_run", run.id, period=period, hash=run.hash)
        return await self._serialize(run)

    async def check(self, run_id: int, actor: Actor) -> CheckedRun:
        """Open the check period (核对): each unit's liaison and leader get M21 with the score and the contest deadline.

        Refused `forbidden`, `unknown_run`, `not_trial`, `rules_changed`, `period_running`, `calendar_ends`.
        """
        require_clerk(actor)
        run, snapshot, now = await self.get(run_id), await self._office.snapshot(), self._office.clock.now()
        _refuse_changed_rules(run)
        _, end = get_month_bounds(parse_period(run.period).months[-1], self._office.clock.zone)
        if run.at < end:  # its figures are of a period that went on
            raise Refused("period_running", period=run.period, date=end.date().isoformat())
        until = snapshot.add_limit(snapshot.settings.text("check_period"), now, None)
        if not await self._store.open_check(run_id, until):
            raise Refused("not_trial", id=run_id, state=run.state)
        sheets = {sheet["unit"]: sheet for sheet in run.sheet["result"]["units"]}
        people = [p for p in snapshot.config.people if p.role in NOTIFIED_ROLES and p.unit in sheets and p.chat]
        await self._ids.refill(len(people) + 1)
        messages = [
            Message(
                id=self._ids.take(), kind="score_trial", channel=str(p.chat), person=p.code, ticket_id=None, assignment_id=None,
                ticket_version=0, urgent=False, not_before=now, created_at=now,
                facts={"month": run.period, "score": sheets[p.unit]["total"] or "—", "due": until.isoformat(),
                       "run": run_id},
            )
            for p in people
        ]  # fmt: skip
        await self._dependencies.outbox.add(messages)
        await self._dependencies.note(
            now, actor.code, "score_check", run_id, until=until.isoformat(), told=len(messages)
        )
        return {**await self._serialize(await self.get(run_id)), "told": len(messages)}

    async def lock(self, run_id: int, actor: Actor, *, force: bool = False, reason: str = "") -> RunWithSheets:
        """Lock a run (定稿). An admin may force it despite open ends; the reason stays on the run.

        Refused `forbidden`, `unknown_run`, `rules_changed`, `locked`, `not_settled` (run before the settlement day), `check_missing`,
        `check_running`, `contests_open`, `duties_open`, `run_outdated`, `same_person` (who started it), `reason_missing`.
        A run started before another run of its period was locked is outdated: `locked` (XD4).
        """
        require_clerk(actor)
        run, now = await self.get(run_id), self._office.clock.now()
        _refuse_changed_rules(run)
        if force and not may(actor, "run.force"):
            raise Refused("forbidden", verb="lock")
        if force and not reason.strip():
            raise Refused("reason_missing", field="reason")
        snapshot = await self._office.snapshot()
        settings, zone = snapshot.settings, self._office.clock.zone
        day = compute_settlement(
            parse_period(run.period).months, settings.text("settlement_day"), snapshot.calendar, zone
        )
        if run.at < day:
            raise Refused("not_settled", date=day.date().isoformat(), period=run.period)
        newest = await self._store.find_locked_run(run.period, run.scheme)
        if run.state == "locked" or (newest is not None and newest.id != run.revision_of):
            raise Refused("locked", period=run.period)
        if not force:
            await self._refuse_open_ends(run)
            require_second_person(run.by, actor)
        forced = reason.strip() if force else None
        if not await self._store.lock_run(run_id, actor.code, now, run.revision_of, forced):
            raise Refused("locked", period=run.period)
        await self._dependencies.note(
            now, actor.code, "score_locked", run_id, period=run.period, hash=run.hash, forced=forced
        )
        return await self._serialize(await self.get(run_id))

    async def _refuse_open_ends(self, run: Run) -> None:
        """Refuse a run that cannot be final: check period, open contests, open duties (Q15), newer decisions."""
        if run.check_until is None:
            raise Refused("check_missing", id=run.id, period=run.period)
        if self._office.clock.now() < run.check_until:
            raise Refused("check_running", until=run.check_until.astimezone(self._office.clock.zone).isoformat())
        waiting = await self._store.list_contests(run.period, None, UNDECIDED, 200)
        if waiting:
            raise Refused("contests_open", n=len(waiting), period=run.period)
        for month in parse_period(run.period).months:
            start, end = get_month_bounds(month, self._office.clock.zone)
            for what, n in await self._store.count_open_duties(start, end):
                raise Refused("duties_open", what=what, n=n, period=month)
            for one in await self._store.list_exclusions(month):
                if one.state == "accepted" and one.decided_at is not None and one.decided_at > run.at:
                    raise Refused("run_outdated", id=run.id, period=month)

    async def submit_contest(self, run_id: int, fields: Mapping[str, object], actor: Actor) -> ContestItem:
        """Submit a contest of a run (异议). Refused `unknown_run`, `rules_changed`, and as by `Contests.submit`."""
        run = await self.get(run_id)
        _refuse_changed_rules(run)
        return await self._contests.submit(run, fields, actor)

    async def check_contest(self, run_id: int, actor: Actor) -> None:
        """Refuse a contest of this run whatever its reason (XM21). Refused as by `submit_contest`."""
        run = await self.get(run_id)
        _refuse_changed_rules(run)
        await self._contests.check(run, actor)

    async def compare(self, run_id: int, other: int | None, actor: Actor) -> RunDifference:
        """Compare a run with the one it revises, or with another run of its period: rules, units, regions.

        Refused `forbidden`, `unknown_run`, `nothing_to_compare`.
        """
        if actor.is_unit_member:
            raise Refused("forbidden", verb="score")
        run = await self.get(run_id)
        against = other if other is not None else run.revision_of
        if against is None:
            raise Refused("nothing_to_compare", id=run_id)
        old = await self.get(against)
        if old.period != run.period:
            raise Refused("nothing_to_compare", id=run_id)
        return {"period": run.period, "old": _serialize_head(old, self._office.clock.zone), "new": _serialize_head(run, self._office.clock.zone),
                "rules": diff_rules(old.sheet["inputs"], run.sheet["inputs"]),
                **diff_results(old.sheet["result"], run.sheet["result"])}  # fmt: skip

    async def list_runs(self, period: str | None = None, actor: Actor = SYSTEM) -> list[RunHead]:
        """List the newest runs (at most 100) that the actor may see, without their sheets."""
        return [
            _serialize_head(run, self._office.clock.zone)
            for run in await self._store.list_runs(period, 100)
            if not actor.is_unit_member or run.state not in UNPUBLISHED
        ]

    async def inspect(self, run_id: int, actor: Actor) -> InspectedRun:
        """Return a run with its sheets, and whether recomputing it gives the same; a unit sees its own sheet."""
        return {**await self.view(run_id, actor), "holds": await self.verify(run_id)}

    async def view(self, run_id: int, actor: Actor) -> RunWithSheets:
        """Return a run with the sheets the actor may see. Refused `unknown_run`, also for a unit's people before 核对."""
        run = await self.get(run_id)
        found = await self._serialize(run)
        if actor.is_unit_member:
            if run.state in UNPUBLISHED:
                raise Refused("unknown_run", id=run_id)
            found["units"], found["regions"] = [s for s in found["units"] if s["unit"] == actor.unit], []
        return found

    async def _serialize(self, run: Run) -> RunWithSheets:
        """Return a run with the end of its 核对期: as announced, else as it would be (null past the calendar's end)."""
        until = run.check_until
        if until is None:
            snapshot = await self._office.snapshot()
            try:
                until = snapshot.add_limit(snapshot.settings.text("check_period"), run.at, None)
            except Refused:
                until = None
        return {**_serialize_head(run, self._office.clock.zone), "check_until": format_instant(until, self._office.clock.zone),
                "figures_hash": hash_result_figures(run.sheet["result"]),
                "changed": run.sheet["inputs"].get("changed") or {}, **cast(Result, run.sheet["result"])}  # fmt: skip

    async def get(self, run_id: int) -> Run:
        """Return the run. Refused `unknown_run`."""
        run = await self._store.get_run(run_id)
        if run is None:
            raise Refused("unknown_run", id=run_id)
        return run

    async def verify(self, run_id: int) -> bool:
        """Whether the run, recomputed from its stored inputs, is still identical."""
        run = await self.get(run_id)
        inputs = run.sheet["inputs"]
        return run.hash == hash_sheet(run.sheet) == hash_sheet({"inputs": inputs, "result": compute_result(inputs)})


def _refuse_changed_rules(run: Run) -> None:
    """Refuse `rules_changed` a run by settings that are not in force: it is for comparison only (XD23)."""
    if run.state == WHAT_IF:
        raise Refused("rules_changed", id=run.id)


def _serialize_head(run: Run, zone: ZoneInfo) -> RunHead:
    """Serialize a run, without its sheets."""
    return {
        "id": run.id, "period": run.period, "scheme": run.scheme or None, "state": run.state, "hash": run.hash,
        "by": run.by, "at": format_instant(run.at, zone), "locked_by": run.locked_by,
        "locked_at": format_instant(run.locked_at, zone), "revision_of": run.revision_of,
        "check_until": format_instant(run.check_until, zone), "forced": run.forced,
    }  # fmt: skip
