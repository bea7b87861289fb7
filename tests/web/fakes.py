"""Scoring and imports as the small office of these tests has them: they remember what they were asked."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from backend.domain.acts import Actor
from backend.domain.refusals import Refused

AT = "2026-11-10T09:00:00+08:00"
RUN = {
    "id": 1, "period": "2026-10", "scheme": None, "state": "trial", "hash": "h", "by": "C1", "at": AT, "locked_by": None,
    "locked_at": None, "revision_of": None, "check_until": None, "forced": None, "figures_hash": "f", "changed": {},
    "units": [], "regions": [],
}  # fmt: skip
CONTEST = {
    "id": 2, "run": 1, "period": "2026-10", "unit": "U01", "item": "sign", "words": "…", "by": "L1", "at": AT, "files": [],
    "tickets": [], "state": "open", "proposal": None, "proposed_by": None, "decided_by": None, "decided_at": None,
}  # fmt: skip
LEDGER_LINE = {
    "id": 3, "kind": "absence", "unit": "U01", "month": "2026-10", "count": 1, "level": None, "matter": None, "points": None,
    "note": "", "evidence": "", "document_date": None, "files": [], "tickets": [], "state": "entered", "entered_by": "C1",
    "entered_at": AT, "reviewed_by": None, "reviewed_at": None, "replaces": None, "reason": "",
}  # fmt: skip


@dataclass
class FakeScoring:
    """Remembers what it was asked."""

    asked: list[tuple[Any, ...]] = field(default_factory=list)

    async def get_scores(self, *, month: str, scheme: str | None, unit: str | None, actor: Actor) -> Mapping[str, Any]:
        self.asked.append(("scores", month, scheme, unit, actor.code))
        line = {"item": "sign", "name": "及时签收率", "part": "base", "points": "15", "numerator": 112, "denominator": 120, "rate": "93.33",
                "deduction": "1.67", "score": "13.33", "note": "", "evidence": [{"ticket": "T1", "failed": True}, {"more": 7}]}  # fmt: skip
        sheet = {"unit": unit or "U01", "name": "住建局", "region": "A市", "scheme": "jilin-unit", "scheme_version": "1",
                 "total": "95.05", "raw_total": "95.05", "base": "90.15", "bonus": "4.90", "minus": "0.00", "flags": [],
                 "readings": {"sign.general.limit": "1wd"}, "lines": [line], "figures_hash": "f"}  # fmt: skip
        return {"period": month, "units": [sheet], "regions": [], "state": "trial", "run": None, "forced": None}

    async def start_run(self, period: str, scheme: str | None, actor: Actor) -> Mapping[str, Any]:
        self.asked.append(("start_run", period, scheme, actor.code))
        return RUN

    async def lock_run(self, run_id: int, actor: Actor, *, force: bool = False, reason: str = "") -> Mapping[str, Any]:
        if run_id != 1:
            raise Refused("not_found", run=run_id)
        return {**RUN, "id": run_id, "state": "locked"}

    async def submit_contest(self, run_id: int, arguments: Mapping[str, Any], actor: Actor) -> Mapping[str, Any]:
        self.asked.append(("contest", run_id, dict(arguments), actor.code))
        return CONTEST

    async def enter_ledger(self, entry: Mapping[str, Any], actor: Actor) -> Mapping[str, Any]:
        self.asked.append(("enter", dict(entry), actor.code))
        return LEDGER_LINE

    async def review_ledger(
        self, entry_id: int, accept: bool, actor: Actor, exemption: str | None = None
    ) -> Mapping[str, Any]:
        return {**LEDGER_LINE, "id": entry_id, "state": "accepted" if accept else "refused"}


@dataclass
class FakeImports:
    """Remembers which files it was given."""

    asked: list[tuple[Any, ...]] = field(default_factory=list)

    async def import_file(
        self, kind: str, name: str, content: bytes, by: Actor, *, dry_run: bool, preset: Mapping[str, str]
    ) -> Mapping[str, Any]:
        self.asked.append((kind, name, content, by.code, dry_run, dict(preset)))
        return {"read": 1, "imported": 1, "already": 0, "refused": [], "ignored": []}
