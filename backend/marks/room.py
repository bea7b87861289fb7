"""The room of the marks: what doors ask, from one unit's sheet to a year's, and who may see which (Q52)."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from backend.domain.acts import Actor
from backend.domain.refusals import Refused
from backend.domain.scoring.reckon import reckon_json
from backend.domain.scoring.scheme_file import load_scheme
from backend.domain.scoring.sheet import NO_DATA
from backend.domain.settings import Settings
from backend.marks.assembly import assemble
from backend.marks.inputs import REGION, documents, question, schemes_of
from backend.marks.ledgers import IdSupply, Ledgers
from backend.marks.runs import Runs
from backend.marks.spans import Span, bounds, instant_of, month_span, shifted, span
from backend.office import Office, Standing
from backend.ports.marks import MarksStore

JILIN = "jilin"
BACK = 11  # months looked back for a score to carry (Q9 `carry_last`)


class Marks:
    """Score sheets, runs and ledgers; mappings in and out.

    `settings` are overrides for this one question (`jiesu score --set`), `as_of` what was known at that instant
    (an ISO text or an aware datetime; default: now).
    """

    def __init__(self, store: MarksStore, office: Office, ids: IdSupply) -> None:
        self.store, self.office = store, office
        self.ledgers = Ledgers(store, office, ids)
        self.runs = Runs(store, office, ids, lambda period, scheme: self.inputs(span(period), scheme=scheme))
        self.enter, self.review = self.ledgers.enter, self.ledgers.review
        self.start_run, self.lock, self.appeal = self.runs.start, self.runs.lock, self.runs.appeal

    async def sheet(
        self, month: str, unit: str, scheme: str | None = None, settings: Mapping[str, str] | None = None,
        as_of: datetime | str | None = None,
    ) -> dict[str, Any]:  # fmt: skip
        """One unit's sheet of a month. Refused `bad_month`, `unknown_unit`, `scheme_not_for_unit` …"""
        found = await self.month(month, scheme=scheme, unit=unit, settings=settings, as_of=as_of)
        if not found["units"]:
            raise Refused("scheme_not_for_unit", unit=unit, scheme=scheme or "")
        sheet: dict[str, Any] = found["units"][0]
        return sheet

    async def month(
        self, month: str, *, scheme: str | None = None, unit: str | None = None,
        settings: Mapping[str, str] | None = None, as_of: datetime | str | None = None, evidence: bool = True,
    ) -> dict[str, Any]:  # fmt: skip
        """A month counted anew: `{"period", "units", "regions"}`; nothing is stored."""
        return assemble(await self._month(month_span(month).name, scheme, unit, settings, as_of, evidence))

    async def period(
        self, name: str, *, scheme: str | None = None, unit: str | None = None,
        settings: Mapping[str, str] | None = None, as_of: datetime | str | None = None, evidence: bool = True,
    ) -> dict[str, Any]:  # fmt: skip
        """A month, quarter or year by its name (2026-10, 2026Q4, 2026); Refused `bad_period`."""
        return assemble(await self.inputs(span(name), scheme=scheme, unit=unit, settings=settings, as_of=as_of,
                                          evidence=evidence))  # fmt: skip

    async def facts(self, document: Mapping[str, Any], settings: Mapping[str, str] | None = None) -> dict[str, Any]:
        """A sheet from given counts (`jiesu score --facts`), by the settings in force."""
        standing = await self.office.standing()
        return reckon_json(document, standing.settings.with_(settings or {}).view())

    async def scores(self, *, month: str, scheme: str | None, unit: str | None, actor: Actor) -> dict[str, Any]:
        """The month's sheets as the actor may see them: the locked ones, else a trial as of now.

        Refused `forbidden` when a unit asks for another one's.
        """
        if actor.of_unit:
            if unit not in (None, actor.unit):
                raise Refused("forbidden", verb="scores")
            unit = actor.unit
        locked = await self.store.locked(month_span(month).name, scheme or "")
        if locked is None:
            return {**await self.month(month, scheme=scheme, unit=unit), "state": "trial", "run": None}
        result = dict(locked.sheet["result"])
        if unit is not None:
            result["units"] = [sheet for sheet in result["units"] if sheet["unit"] == unit]
            result["regions"] = []
        return {**result, "state": "locked", "run": locked.id}

    # -- inputs

    async def inputs(
        self, of: Span, *, scheme: str | None = None, unit: str | None = None,
        settings: Mapping[str, str] | None = None, as_of: datetime | str | None = None, evidence: bool = True,
    ) -> dict[str, Any]:  # fmt: skip
        """All that a period's result is reckoned from. Months not begun are left out; locked months stay as locked."""
        if of.kind == "month":
            return await self._month(of.name, scheme, unit, settings, as_of, evidence)
        at = self._moment(as_of)
        standing = await self.office.standing()
        months = []
        for month in of.months:
            if bounds(month, self.office.clock.zone)[0] > at:
                continue
            locked = (
                await self.store.locked(month, scheme or "")
                if not settings and unit is None and as_of is None
                else None
            )
            months.append(
                await self._month(month, scheme, unit, settings, at, evidence=False)
                if locked is None
                else locked.sheet["inputs"]
            )
        view = standing.settings.with_(settings or {}).view()
        return {"period": of.name, "kind": of.kind, "settings": view, "months": months}

    async def _month(
        self, month: str, scheme: str | None, unit: str | None, settings: Mapping[str, str] | None,
        as_of: datetime | str | None, evidence: bool,
    ) -> dict[str, Any]:  # fmt: skip
        standing = await self.office.standing()
        rules = standing.settings.with_(settings or {})
        at = self._moment(as_of)
        asked = question(month, standing, rules, at, unit)
        wanted = None if scheme == REGION else scheme
        units: list[dict[str, Any]] = []
        for name, members in schemes_of(standing, rules, wanted, unit).items():
            found = await documents(self.store, load_scheme(name), members, month, asked, rules, evidence=evidence)
            if rules.text("scoring.zero_denominator") == "carry_last":
                await self._carry(name, found, month, standing, rules, at)
            units += found
        apart = [u.code for u in standing.config.units.values() if u.province_department]
        regional = unit is None and scheme in (None, REGION) and rules.text("profile") == JILIN
        names = sorted({d["region"] for d in units if d["region"] and d["unit"] not in apart}) if regional else []
        return {
            "period": month, "as_of": at.isoformat(), "settings": rules.view(), "apart": apart,
            "units": units, "regions": names,
        }  # fmt: skip

    async def _carry(
        self, scheme: str, found: list[dict[str, Any]], month: str, standing: Standing, rules: Settings, at: datetime
    ) -> None:
        """Give documents the last item scores of earlier months for items without data (Q9)."""
        plain = rules.with_({"scoring.zero_denominator": "full"})
        by_unit = {d["unit"]: d for d in found}
        lacking = {(d["unit"], item) for d in found for item, pair in d["rates"].items() if not pair[1]}
        members = [standing.config.units[code] for code in by_unit]
        for back in range(1, BACK + 1):
            if not lacking:
                return
            earlier = shifted(month, -back)
            asked = question(earlier, standing, plain, at, None)
            for document in await documents(
                self.store, load_scheme(scheme), members, earlier, asked, plain, evidence=False
            ):
                sheet = reckon_json(document, plain.view())
                for line in sheet["lines"]:
                    place = (document["unit"], line["item"])
                    if place in lacking and line["note"] != NO_DATA:
                        by_unit[place[0]].setdefault("last", {})[line["item"]] = line["score"]
                        lacking.discard(place)

    def _moment(self, as_of: datetime | str | None) -> datetime:
        if as_of is None:
            return self.office.clock.now()
        return instant_of(as_of, self.office.clock.zone) if isinstance(as_of, str) else as_of
