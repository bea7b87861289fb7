"""Suggests a unit for a demand, from catalogue entries that fit and what became of similar tickets (A6)."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

ENTRY_SCORE = 0.30  # an entry that fits at all
KEYWORD_SCORE, EXTRA_KEYWORD_SCORE = 0.30, 0.05  # its first keyword found, and each further one
CATEGORY_SCORE, REGION_SCORE = 0.08, 0.17  # an entry for this category, this region
CLOSED_WEIGHT = 0.5  # a similar ticket closed by a unit, times its similarity
OPEN_WEIGHT = 0.2  # a similar ticket a unit is still working on
RETURN_FACTOR = 0.45  # factor on a unit's score for each similar ticket it rightly returned


@dataclass(frozen=True, slots=True)
class CatalogueEntry:
    """An entry of the dispatch catalogue (派单目录): category × keywords × region → unit. Blank means any."""

    id: int
    unit: str
    category: str | None = None
    keywords: tuple[str, ...] = ()
    region: str = ""
    basis: str = ""  # the document it is based on
    valid_from: date | None = None  # first day it holds
    valid_to: date | None = None  # last day it holds

    def is_valid_on(self, day: date) -> bool:
        """Return whether the entry is valid on a day."""
        return (self.valid_from is None or self.valid_from <= day) and (self.valid_to is None or day <= self.valid_to)


@dataclass(frozen=True, slots=True)
class Demand:
    """What is known of a demand before it is dispatched."""

    category: str | None
    region: str
    words: str  # title, text and place in one


@dataclass(frozen=True, slots=True)
class Reason:
    """A reason for or against a unit: `catalogue`, `closed`, `open`, `returned`, with facts for its sentence."""

    kind: str
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Precedent:
    """A similar ticket: who had it, whether it was closed there, who rightly returned it."""

    ticket_no: str
    score: float  # similarity 0…1
    unit: str | None
    closed: bool
    returned_by: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A suggested unit, how much speaks for it (0…1), and why."""

    unit: str
    score: float
    reasons: tuple[Reason, ...]


def score_entry(entry: CatalogueEntry, demand: Demand, day: date) -> tuple[float, tuple[str, ...]] | None:
    """Return how well an entry fits a demand (0…1) and which of its keywords were found; None if it does not fit."""
    if not entry.is_valid_on(day) or (entry.category is not None and entry.category != demand.category):
        return None
    if entry.region and not is_in_region(entry.region, demand):
        return None
    found = tuple(word for word in entry.keywords if word in demand.words)
    if entry.keywords and not found:
        return None
    score = ENTRY_SCORE + (CATEGORY_SCORE if entry.category else 0) + (REGION_SCORE if entry.region else 0)
    if found:
        score += KEYWORD_SCORE + EXTRA_KEYWORD_SCORE * min(len(found) - 1, 3)
    return min(score, 0.98), found


def is_in_region(region: str, demand: Demand) -> bool:
    """Return whether a demand comes from a region: its own is or lies in it, or, if it has none, its words name it."""
    return region in demand.region if demand.region else region in demand.words


def suggest(
    entries: Iterable[CatalogueEntry], demand: Demand, precedents: Sequence[Precedent], day: date, allowed: Iterable[str],
    limit: int = 5,
) -> list[Suggestion]:  # fmt: skip
    """Return the best-supported units, best first; only those `allowed` (active, not the institution itself)."""
    doubts: dict[str, float] = {}  # remaining doubt about each unit
    reasons: dict[str, list[Reason]] = {}
    allowed_units = set(allowed)

    def add_evidence(unit: str, weight: float, reason: Reason | None = None) -> None:
        doubts[unit] = doubts.get(unit, 1.0) * (1 - weight)
        if reason is not None:
            reasons.setdefault(unit, []).append(reason)

    best: dict[str, tuple[float, CatalogueEntry, tuple[str, ...]]] = {}
    for entry in entries:
        fitting = score_entry(entry, demand, day)
        if fitting is not None and entry.unit in allowed_units and fitting[0] > best.get(entry.unit, (0.0,))[0]:
            best[entry.unit] = (fitting[0], entry, fitting[1])
    for unit, (score, entry, found) in best.items():
        add_evidence(unit, score, Reason("catalogue", {
            "row": entry.id, "keywords": found, "category": entry.category, "region": entry.region, "basis": entry.basis,
        }))  # fmt: skip
    for kind, weight, closed in (("closed", CLOSED_WEIGHT, True), ("open", OPEN_WEIGHT, False)):
        by_unit: dict[str, list[Precedent]] = {}
        for one in precedents:
            if one.unit in allowed_units and one.closed is closed and one.unit not in one.returned_by:
                by_unit.setdefault(str(one.unit), []).append(one)
        for unit, group in by_unit.items():
            for one in group:
                add_evidence(unit, weight * one.score)
            reasons.setdefault(unit, []).append(Reason(kind, _tickets(group)))
    returned: dict[str, list[Precedent]] = {}
    for one in precedents:
        for unit in one.returned_by:
            returned.setdefault(unit, []).append(one)
    for unit, group in returned.items():
        if unit in doubts:
            reasons.setdefault(unit, []).append(Reason("returned", _tickets(group)))
    scored = [
        Suggestion(unit, round((1 - doubt) * RETURN_FACTOR ** len(returned.get(unit, ())), 2), tuple(reasons[unit]))
        for unit, doubt in doubts.items()
    ]
    return sorted(scored, key=lambda s: (-s.score, s.unit))[:limit]


def _tickets(precedents: Sequence[Precedent]) -> dict[str, Any]:
    numbers = [one.ticket_no for one in sorted(precedents, key=lambda one: -one.score)]
    return {"count": len(numbers), "tickets": numbers[:5]}


@dataclass(frozen=True, slots=True)
class DispatchErrors:
    """How many dispatches of one table row went to the wrong unit."""

    name: str
    dispatches: int
    returned: int  # returned, and the reviewer agreed
    reassigned: int

    @property
    def rate(self) -> str | None:
        """(returned + reassigned) / dispatches in per cent, two decimals; None if nothing was dispatched."""
        wrong = self.returned + self.reassigned
        return f"{100 * wrong / self.dispatches:.2f}" if self.dispatches else None
