"""Where runs, objections to them and excluded tickets are kept."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class Run:
    """A stored reckoning: `state` trial, check or locked; `sheet` holds facts, settings and result; `hash` seals it.

    `check_until` ends the 核对期; `forced` is the reason of an admin who locked it all the same.
    """

    id: int
    period: str
    scheme: str  # "" where each unit has its own
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
class Appeal:
    """异议: what a unit says against a line of a run, and what was decided.

    `state` is open, proposed (one clerk has an opinion), accepted or refused; `proposal` is `{accept, reason, exclude}`.
    """

    id: int
    run_id: int
    unit: str
    item: str | None
    words: str
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
    """剔除: a ticket that is not to count for an item of a unit's month. `state` entered, accepted or refused."""

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
    appeal_id: int | None = None


class RunBook(Protocol):
    """The shelf of the runs."""

    async def keep_run(self, run: Run) -> None:
        """Keep a run."""
        ...

    async def run(self, run_id: int) -> Run | None:
        """One run."""
        ...

    async def runs(self, period: str | None, limit: int) -> Sequence[Run]:
        """Runs of a period or of all, newest first, without their sheets."""
        ...

    async def locked(self, period: str, scheme: str) -> Run | None:
        """The newest locked run of a period and scheme."""
        ...

    async def shut(self, period: str, schemes: Sequence[str]) -> bool:
        """Whether a run of that period is locked, for all schemes ("") or for one of these."""
        ...

    async def lock(
        self, run_id: int, by: str, at: datetime, revision_of: int | None, forced: str | None = None
    ) -> bool:
        """Lock a run; False when it is locked already."""
        ...

    async def check(self, run_id: int, until: datetime) -> bool:
        """Open the 核对期 of a trial; False when it is no trial any more."""
        ...

    async def open_duties(self, start: datetime, end: datetime) -> Sequence[tuple[str, int]]:
        """(what, how many) of the cohort of `start` to `end` that may still change it: duties and requests (Q15)."""
        ...

    async def appeal(self, appeal: Appeal) -> None:
        """Keep an appeal."""
        ...

    async def appeals(self, run_id: int) -> Sequence[Appeal]:
        """The appeals against a run, oldest first."""
        ...

    async def appeals_of(
        self, period: str | None, unit: str | None, states: Sequence[str], limit: int
    ) -> Sequence[Appeal]:
        """Appeals of a period and unit in these states (none: all), newest first."""
        ...

    async def one_appeal(self, appeal_id: int) -> Appeal | None:
        """One appeal."""
        ...

    async def propose(self, appeal_id: int, proposal: Mapping[str, Any], by: str, at: datetime) -> bool:
        """The first clerk's opinion; False when the appeal is decided."""
        ...

    async def settle(
        self, appeal_id: int, state: str, by: str, at: datetime, exclusions: Sequence[Exclusion] = ()
    ) -> bool:
        """The second clerk's word on a proposed appeal, with the exclusions it brings, in one transaction."""
        ...

    async def exclude(self, exclusions: Sequence[Exclusion]) -> None:
        """Keep exclusions."""
        ...

    async def exclusions(self, month: str, unit: str | None = None) -> Sequence[Exclusion]:
        """Exclusions of a month, oldest first."""
        ...

    async def exclusion(self, exclusion_id: int) -> Exclusion | None:
        """One exclusion."""
        ...

    async def decide_exclusion(self, exclusion_id: int, state: str, by: str, at: datetime) -> bool:
        """Decide an entered exclusion; False when decided already."""
        ...
