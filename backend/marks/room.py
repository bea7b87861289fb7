"""The scoring service: sheets of months, quarters and years, and who may see which (Q52)."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from backend.domain.acts import Actor
from backend.domain.refusals import Refused
from backend.domain.scoring.compute import compute_json
from backend.marks.aids import Aids, IdSupply
from backend.marks.assembly import assemble
from backend.marks.contests import Contests
from backend.marks.gathering import Gathering
from backend.marks.harvest import Harvest
from backend.marks.knowledge import Knowledge
from backend.marks.ledgers import Ledgers
from backend.marks.registers import Registers
from backend.marks.runs import Runs
from backend.marks.spans import month_span, span
from backend.marks.understanding import Understanding
from backend.office.cache import OfficeCache
from backend.ports.scoring import ScoringStore


class Marks:
    """Score sheets, runs and ledgers, as JSON-ready mappings.

    `settings` override for this one call (`jiesu score --set`); `as_of` counts what was known at that instant (ISO text
    or aware datetime; default: now).
    """

    def __init__(self, store: ScoringStore, office: OfficeCache, ids: IdSupply, aids: Aids | None = None) -> None:
        self.store, self.office, self.aids = store, office, aids or Aids()
        self.gathering = Gathering(store, office)
        self.inputs = self.gathering.inputs
        self.ledgers = Ledgers(store, office, ids, self.aids)
        self.contests = Contests(store, office, ids, self.aids)
        self.runs = Runs(
            store,
            office,
            ids,
            lambda period, scheme: self.inputs(span(period), scheme=scheme),
            self.aids,
            self.contests,
        )
        self.registers = Registers(store, office, ids, self.aids)
        self.knowledge = Knowledge(store, office, ids, self.aids)
        self.harvest = Harvest(store, office, self.ledgers, self.aids.render)
        self.understanding = Understanding(store, office, self.gathering)
        self.enter, self.review, self.draft = self.ledgers.enter, self.ledgers.review, self.ledgers.draft
        self.start_run, self.lock, self.appeal = self.runs.start, self.runs.lock, self.runs.appeal
        self.seen = self.runs.seen

    async def sheet(
        self, month: str, unit: str, scheme: str | None = None, settings: Mapping[str, str] | None = None,
        as_of: datetime | str | None = None,
    ) -> dict[str, Any]:  # fmt: skip
        """Compute one unit's sheet of a month. Refused `bad_month`, `unknown_unit`, `scheme_not_for_unit` …"""
        found = await self.month(month, scheme=scheme, unit=unit, settings=settings, as_of=as_of)
        if not found["units"]:
            raise Refused("scheme_not_for_unit", unit=unit, scheme=scheme or "")
        sheet: dict[str, Any] = found["units"][0]
        return sheet

    async def month(
        self, month: str, *, scheme: str | None = None, unit: str | None = None,
        settings: Mapping[str, str] | None = None, as_of: datetime | str | None = None, evidence: bool = True,
    ) -> dict[str, Any]:  # fmt: skip
        """Compute a month: `{"period", "units", "regions"}`; nothing is stored."""
        of = month_span(month)
        return assemble(await self.inputs(of, scheme=scheme, unit=unit, settings=settings, as_of=as_of,
                                          evidence=evidence))  # fmt: skip

    async def period(
        self, name: str, *, scheme: str | None = None, unit: str | None = None,
        settings: Mapping[str, str] | None = None, as_of: datetime | str | None = None, evidence: bool = True,
    ) -> dict[str, Any]:  # fmt: skip
        """Compute a month, quarter or year by its name (2026-10, 2026Q4, 2026). Refused `bad_period`."""
        return assemble(await self.inputs(span(name), scheme=scheme, unit=unit, settings=settings, as_of=as_of,
                                          evidence=evidence))  # fmt: skip

    async def facts(self, document: Mapping[str, Any], settings: Mapping[str, str] | None = None) -> dict[str, Any]:
        """Compute a sheet from given counts (`jiesu score --facts`), by the settings in force."""
        snapshot = await self.office.snapshot()
        return compute_json(document, snapshot.settings.with_changes(settings or {}).to_dict())

    async def scores(self, *, month: str, scheme: str | None, unit: str | None, actor: Actor) -> dict[str, Any]:
        """Return the month's sheets the actor may see: the locked ones, else a trial as of now.

        Refused `forbidden` if a unit asks for another unit's.
        """
        if actor.is_unit_member:
            if unit not in (None, actor.unit):
                raise Refused("forbidden", verb="scores")
            unit = actor.unit
        locked = await self.store.find_locked_run(month_span(month).name, scheme or "")
        if locked is None:
            return {**await self.month(month, scheme=scheme, unit=unit), "state": "trial", "run": None}
        result = dict(locked.sheet["result"])
        if unit is not None:
            result["units"] = [sheet for sheet in result["units"] if sheet["unit"] == unit]
            result["regions"] = []
        return {**result, "state": "locked", "run": locked.id}

    async def settled(self, period: str) -> bool:
        """Whether that period's run is locked."""
        return await self.store.find_locked_run(period, "") is not None
