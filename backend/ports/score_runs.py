"""Score runs, contests of their lines, and excluded tickets."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class Run:
    """A stored score run: `state` trial, check or locked; `sheet` holds facts, settings and result; `hash` seals it.

    `check_until` ends the 核对期; `forced` is the reason of an admin who locked it regardless.
    """

    id: int
    period: str
    scheme: str  # "" if each unit has its own
    state: str
    by: str
    at: datetime
    sheet: Mapping[str, Any]
    hash: str
    locked_at: datetime | None = None
    locked_by: str | None = None
    revision_of: int | None = None
    check_until: datetime | None = None
    forced: str | None = None


@dataclass(frozen=True, slots=True)
class Contest:
    """异议: a unit's contest of a line of a run, and its decision.

    `state` is open, proposed (one clerk has proposed a decision), accepted or refused; `proposal` is `{accept, reason,
    exclude}`.
    """

    id: int
    run_id: int
    unit: str
    item: str | None
    reason: str
    by: str
    at: datetime
    period: str = ""
    files: tuple[str, ...] = ()
    tickets: tuple[str, ...] = ()
    state: str = "open"
    proposal: Mapping[str, Any] | None = None
    proposed_by: str | None = None
    proposed_at: datetime | None = None
    decided_by: str | None = None
    decided_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Exclusion:
    """剔除: a ticket that does not count for an item of a unit's month. `state` is entered, accepted or refused."""

    id: int
    month: str
    unit: str
    item: str
    ticket: str
    reason: str
    by: str
    at: datetime
    state: str
    decided_by: str | None = None
    decided_at: datetime | None = None
    contest_id: int | None = None


class RunStore(Protocol):
    """Stores runs, contests and exclusions."""

    async def add_run(self, run: Run) -> None:
        """Add a run."""
        ...

    async def get_run(self, run_id: int) -> Run | None:
        """Return one run."""
        ...

    async def list_runs(self, period: str | None, limit: int) -> Sequence[Run]:
        """List runs of a period or of all, newest first, without their sheets."""
        ...

    async def find_locked_run(self, period: str, scheme: str) -> Run | None:
        """Return the newest locked run of a period and scheme."""
        ...

    async def is_locked(self, period: str, schemes: Sequence[str]) -> bool:
        """Whether a run of that period is locked, for all schemes ("") or for one of these."""
        ...

    async def lock_run(
        self, run_id: int, by: str, at: datetime, revision_of: int | None, forced: str | None = None
    ) -> bool:
        """Lock a run; False if it is locked already."""
        ...

    async def open_check(self, run_id: int, until: datetime) -> bool:
        """Open the 核对期 of a trial; False if it is no longer a trial."""
        ...

    async def count_open_duties(self, start: datetime, end: datetime) -> Sequence[tuple[str, int]]:
        """Count the duties and requests of the cohort of `start` to `end` that may still change it, by name (Q15)."""
        ...

    async def add_contest(self, contest: Contest) -> None:
        """Add a contest."""
        ...

    async def list_contests(
        self, period: str | None, unit: str | None, states: Sequence[str], limit: int
    ) -> Sequence[Contest]:
        """List contests of a period and unit in these states (none: all), newest first."""
        ...

    async def get_contest(self, contest_id: int) -> Contest | None:
        """Return one contest."""
        ...

    async def propose_decision(self, contest_id: int, proposal: Mapping[str, Any], by: str, at: datetime) -> bool:
        """Record the first clerk's proposal; False if the contest is decided."""
        ...

    async def settle_contest(
        self, contest_id: int, state: str, by: str, at: datetime, exclusions: Sequence[Exclusion] = ()
    ) -> bool:
        """Record the second clerk's decision on a proposed contest, with its exclusions, in one transaction."""
        ...

    async def add_exclusions(self, exclusions: Sequence[Exclusion]) -> None:
        """Add exclusions."""
        ...

    async def list_exclusions(self, month: str, unit: str | None = None) -> Sequence[Exclusion]:
        """List exclusions of a month, oldest first."""
        ...

    async def get_exclusion(self, exclusion_id: int) -> Exclusion | None:
        """Return one exclusion."""
        ...

    async def decide_exclusion(self, exclusion_id: int, state: str, by: str, at: datetime) -> bool:
        """Decide an entered exclusion; False if it was decided already."""
        ...
