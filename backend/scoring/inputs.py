"""Collect the inputs of a period's result, under the rules in force when it was settled (B3, Q15)."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from backend.domain.records import Unit
from backend.domain.refusals import Refused
from backend.domain.scoring.compute import compute_json
from backend.domain.scoring.scheme import Scheme
from backend.domain.scoring.sheet import NO_DATA
from backend.domain.settings import Settings
from backend.domain.ticket_enums import UnitKind
from backend.office.cache import OfficeCache, OfficeSnapshot
from backend.ports.scoring import PendingRequest, ScoringStore
from backend.scoring.documents import UNSCORED, build_documents, build_query, group_by_scheme
from backend.scoring.periods import Period, compute_settlement, get_month_bounds, parse_instant, shift_month
from backend.scoring.rules import build_source, find_month, restore_settings

CARRY_MONTHS = 11  # months to look back for a score to carry (Q9 `carry_last`)


class ScoringInputs:
    """Collects the inputs of months, quarters and years."""

    def __init__(self, store: ScoringStore, office: OfficeCache) -> None:
        self.store, self.office = store, office

    async def collect(
        self, period: Period, *, scheme: str | None = None, unit: str | None = None,
        settings: Mapping[str, str] | None = None, as_of: datetime | str | None = None, evidence: bool = True,
        kept: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:  # fmt: skip
        """Collect a period's inputs. Months not begun are left out; locked months keep their locked inputs.

        `kept`: the inputs of an earlier run, whose rules apply instead of those in force (XD9).
        """
        if period.kind == "month":
            return await self.collect_month(period.name, scheme, unit, settings, as_of, evidence, kept=kept)
        at = self.resolve_instant(as_of)
        snapshot = await self.office.snapshot()
        months = []
        for month in period.months:
            if get_month_bounds(month, self.office.clock.zone)[0] > at:
                continue
            locked = (
                await self.store.find_locked_run(month, scheme or "")
                if not settings and unit is None and as_of is None
                else None
            )
            months.append(
                await self.collect_month(
                    month, scheme, unit, settings, at, evidence=False, kept=find_month(kept, month)
                )
                if locked is None
                else locked.sheet["inputs"]
            )
        rules, since = await self._choose_rules(period.months, snapshot, kept)
        return {"period": period.name, "kind": period.kind, "rules_as_of": since, "settings": rules.with_changes(settings or {}).to_dict(),
                "months": months}  # fmt: skip

    async def collect_month(
        self, month: str, scheme: str | None, unit: str | None, settings: Mapping[str, str] | None,
        as_of: datetime | str | None, evidence: bool, granted: tuple[PendingRequest, ...] = (),
        kept: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:  # fmt: skip
        """Collect a month's inputs; `granted` requests count as if decided in favour, `kept` as in `collect`."""
        snapshot, find_scheme = await self.office.snapshot(), build_source(kept or {})
        rules, since = await self._choose_rules((month,), snapshot, kept)
        rules = rules.with_changes(settings or {})
        at = self.resolve_instant(as_of)
        query = replace(build_query(month, snapshot, rules, at, unit), granted=granted)
        of_regions = rules.choice("region.scheme")
        wanted = None if scheme == of_regions else scheme
        units: list[dict[str, Any]] = []
        for name, members in group_by_scheme(snapshot, rules, wanted, unit).items():
            found = await build_documents(
                self.store, find_scheme(name), members, month, query, rules, evidence=evidence
            )
            if rules.text("scoring.zero_denominator") == "carry_last":
                await self._carry_last(find_scheme(name), found, month, snapshot, rules, at)
            units += found
        apart = [u.code for u in snapshot.config.units.values() if u.province_department or _is_below(u, snapshot)]
        regional = unit is None and scheme in (None, of_regions) and of_regions != UNSCORED
        names = sorted({d["region"] for d in units if d["region"] and d["unit"] not in apart}) if regional else []
        return {
            "period": month, "as_of": at.isoformat(), "rules_as_of": since, "settings": rules.to_dict(), "apart": apart,
            "units": units, "regions": names,
        }  # fmt: skip

    async def _choose_rules(
        self, months: tuple[str, ...], snapshot: OfficeSnapshot, kept: Mapping[str, Any] | None
    ) -> tuple[Settings, str | None]:
        if kept is None:
            return await self.load_rules(months, snapshot)
        return restore_settings(kept, snapshot.settings.zone), kept.get("rules_as_of")

    async def load_rules(self, months: tuple[str, ...], snapshot: OfficeSnapshot) -> tuple[Settings, str | None]:
        """Return the settings of a period, and the ISO instant they are read at (None: now).

        A settled period keeps the versions in force at its settlement, whatever is set later; one settled before
        this installation kept any records uses the current settings.
        """
        zone = self.office.clock.zone
        try:
            now_rules = snapshot.settings
            day = compute_settlement(months, now_rules.text("settlement_day"), snapshot.calendar, zone)
        except Refused:  # past the calendar's end nothing is settled
            return snapshot.settings, None
        if self.office.clock.now() < day:
            return now_rules, None
        opened = await self.store.find_first_record()
        if opened is None or opened > day:
            return now_rules, None
        chosen: dict[str, str] = {}
        own: set[str] = set()
        for version in await self.office.store.list_versions():
            key = version.key if version.unit is None else f"{version.key}@{version.unit}"
            own.add(key)
            if version.from_at <= day:
                chosen[key] = version.value
        kept = {key: value for key, value in now_rules.overrides.items() if key not in own}
        return Settings({**kept, **chosen}, now_rules.zone), day.isoformat()

    async def _carry_last(
        self,
        scheme: Scheme,
        found: list[dict[str, Any]],
        month: str,
        snapshot: OfficeSnapshot,
        rules: Settings,
        at: datetime,
    ) -> None:
        """Add the last item scores of earlier months to documents, for items without data (Q9)."""
        plain = rules.with_changes({"scoring.zero_denominator": "full"})
        by_unit = {d["unit"]: d for d in found}
        lacking = {(d["unit"], item) for d in found for item, pair in d["rates"].items() if not pair[1]}
        members = [snapshot.config.units[code] for code in by_unit]
        for back in range(1, CARRY_MONTHS + 1):
            if not lacking:
                return
            earlier = shift_month(month, -back)
            query = build_query(earlier, snapshot, plain, at, None)
            for document in await build_documents(self.store, scheme, members, earlier, query, plain, evidence=False):
                sheet = compute_json(document, plain.to_dict())
                for line in sheet["lines"]:
                    place = (document["unit"], line["item"])
                    if place in lacking and line["note"] != NO_DATA:
                        by_unit[place[0]].setdefault("last", {})[line["item"]] = line["score"]
                        lacking.discard(place)

    def resolve_instant(self, as_of: datetime | str | None) -> datetime:
        """Resolve `as_of` (ISO text, instant, None for now) to an instant. Refused `bad_time`."""
        if as_of is None:
            return self.office.clock.now()
        return parse_instant(as_of, self.office.clock.zone) if isinstance(as_of, str) else as_of


def _is_below(unit: Unit, snapshot: OfficeSnapshot) -> bool:
    """Whether it is an institution, but not the one its region is scored by (B10, XM1)."""
    return unit.kind is UnitKind.MANAGEMENT and snapshot.find_institution(unit.region) != unit.code
