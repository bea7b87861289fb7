"""The scoring service: sheets of months, quarters and years, and who may see which (Q52)."""

from collections.abc import Mapping
from datetime import datetime
from typing import cast

from backend.domain.acts import Actor
from backend.domain.refusals import Refused
from backend.office.cache import OfficeCache
from backend.ports.ids import IdSupply
from backend.ports.scoring import ScoringStore
from backend.scoring.contests import Contests
from backend.scoring.dependencies import ScoringDependencies
from backend.scoring.drafts import LedgerDrafts
from backend.scoring.explain import ScoreExplainer
from backend.scoring.inputs import ScoringInputs
from backend.scoring.knowledge import KnowledgeBase
from backend.scoring.ledgers import Ledgers
from backend.scoring.periods import parse_month, parse_period
from backend.scoring.registers import Registers
from backend.scoring.results import compute_result
from backend.scoring.runs import Runs
from backend.scoring.shapes import Result, Scores, UnitSheet


class Scoring:
    """Score sheets, runs and ledgers, as JSON-ready mappings.

    `settings` override for this one call (`jiesu score --set`); `as_of` counts what was known at that instant (ISO text
    or aware datetime; default: now).
    """

    def __init__(
        self, store: ScoringStore, office: OfficeCache, ids: IdSupply, dependencies: ScoringDependencies
    ) -> None:
        self.store, self.office, self.dependencies = store, office, dependencies
        self.scoring_inputs = ScoringInputs(store, office)
        self.collect_inputs = self.scoring_inputs.collect
        self.ledgers = Ledgers(store, office, ids, self.dependencies)
        self.contests = Contests(store, office, ids, self.dependencies)
        self.runs = Runs(
            store,
            office,
            ids,
            lambda period, scheme, settings, kept: self.collect_inputs(
                parse_period(period), scheme=scheme, settings=settings, kept=kept
            ),
            self.dependencies,
            self.contests,
        )
        self.registers = Registers(store, office, ids, self.dependencies)
        self.knowledge = KnowledgeBase(store, office, ids, self.dependencies)
        self.ledger_drafts = LedgerDrafts(store, office, self.ledgers, self.dependencies.render)
        self.explainer = ScoreExplainer(store, office, self.scoring_inputs)
        self.enter_ledger, self.review_ledger, self.draft = (
            self.ledgers.enter_ledger,
            self.ledgers.review_ledger,
            self.ledgers.draft,
        )
        self.start_run, self.lock_run, self.submit_contest = self.runs.start, self.runs.lock, self.runs.submit_contest
        self.view_run, self.check_contest = self.runs.view, self.runs.check_contest

    async def compute_sheet(
        self, month: str, unit: str, scheme: str | None = None, settings: Mapping[str, str] | None = None,
        as_of: datetime | str | None = None,
    ) -> UnitSheet:  # fmt: skip
        """Compute one unit's sheet of a month. Refused `bad_month`, `unknown_unit`, `scheme_not_for_unit` …"""
        found = await self.compute_month(month, scheme=scheme, unit=unit, settings=settings, as_of=as_of)
        if not found["units"]:
            raise Refused("scheme_not_for_unit", unit=unit, scheme=scheme or "")
        return found["units"][0]

    async def compute_month(
        self, month: str, *, scheme: str | None = None, unit: str | None = None,
        settings: Mapping[str, str] | None = None, as_of: datetime | str | None = None, evidence: bool = True,
    ) -> Result:  # fmt: skip
        """Compute a month: `{"period", "units", "regions"}`; nothing is stored."""
        period = parse_month(month)
        return compute_result(await self.collect_inputs(period, scheme=scheme, unit=unit, settings=settings, as_of=as_of,
                                          evidence=evidence))  # fmt: skip

    async def compute_period(
        self, name: str, *, scheme: str | None = None, unit: str | None = None,
        settings: Mapping[str, str] | None = None, as_of: datetime | str | None = None, evidence: bool = True,
    ) -> Result:  # fmt: skip
        """Compute a month, quarter or year by its name (2026-10, 2026Q4, 2026). Refused `bad_period`."""
        return compute_result(await self.collect_inputs(parse_period(name), scheme=scheme, unit=unit, settings=settings, as_of=as_of,
                                          evidence=evidence))  # fmt: skip

    async def get_scores(self, *, month: str, scheme: str | None, unit: str | None, actor: Actor) -> Scores:
        """Return the month's sheets the actor may see: the locked ones, else a trial as of now.

        Refused `forbidden` if a unit asks for another unit's.
        """
        if actor.is_unit_member:
            if unit not in (None, actor.unit):
                raise Refused("forbidden", verb="scores")
            unit = actor.unit
        locked = await self.store.find_locked_run(parse_month(month).name, scheme or "")
        if locked is None:
            return {**await self.compute_month(month, scheme=scheme, unit=unit), "state": "trial", "run": None,
                    "forced": None}  # fmt: skip
        result = cast(Result, {**locked.sheet["result"]})
        if unit is not None:
            result["units"] = [sheet for sheet in result["units"] if sheet["unit"] == unit]
            result["regions"] = []
        return {**result, "state": "locked", "run": locked.id, "forced": locked.forced}

    async def is_locked(self, period: str) -> bool:
        """Whether that period's run is locked."""
        return await self.store.find_locked_run(period, "") is not None
