"""Suggests a unit for a demand, from catalogue entries that fit and what became of similar tickets (A6)."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

BY_ROW = 0.30  # an entry that fits at all
BY_WORD, MORE_WORDS = 0.30, 0.05  # its first keyword found, and each further one
BY_CATEGORY, BY_REGION = 0.08, 0.17  # an entry for this category, this region
BY_LIKE = 0.5  # a similar ticket closed by a unit, times its similarity
BY_OPEN = 0.2  # a similar ticket a unit is still working on
AFTER_RETURN = 0.45  # factor on a unit's score for each similar ticket it rightly returned


@dataclass(frozen=True, slots=True)
class Responsibility:
    """An entry of the dispatch catalogue (派单目录): category × keywords × region → unit. Blank means any."""

    id: int
    unit: str
    category: str | None = None
    keywords: tuple[str, ...] = ()
    region: str = ""
    basis: str = ""  # the document it is based on
    valid_from: date | None = None  # first day it holds
    valid_to: date | None = None  # last day it holds

    def holds(self, day: date) -> bool:
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

    no: str
    score: float  # similarity 0…1
    unit: str | None
    closed: bool
    refused_by: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A suggested unit, how much speaks for it (0…1), and why."""

    unit: str
    score: float
    reasons: tuple[Reason, ...]


def fit(row: Responsibility, demand: Demand, day: date) -> tuple[float, tuple[str, ...]] | None:
    """Return how well an entry fits a demand (0…1) and which of its keywords were found; None if it does not fit."""
    if not row.holds(day) or (row.category is not None and row.category != demand.category):
        return None
    if row.region and not in_region(row.region, demand):
        return None
    found = tuple(word for word in row.keywords if word in demand.words)
    if row.keywords and not found:
        return None
    score = BY_ROW + (BY_CATEGORY if row.category else 0) + (BY_REGION if row.region else 0)
    if found:
        score += BY_WORD + MORE_WORDS * min(len(found) - 1, 3)
    return min(score, 0.98), found


def in_region(region: str, demand: Demand) -> bool:
    """Return whether a demand comes from a region: its own is or lies in it, or, if it has none, its words name it."""
    return region in demand.region if demand.region else region in demand.words


def suggest(
    rows: Iterable[Responsibility], demand: Demand, like: Sequence[Precedent], day: date, allowed: Iterable[str],
    most: int = 5,
) -> list[Suggestion]:  # fmt: skip
    """Return the best-supported units, best first; only those `allowed` (active, not the institution itself)."""
    left: dict[str, float] = {}  # remaining doubt about each unit
    why: dict[str, list[Reason]] = {}
    may = set(allowed)

    def speak(unit: str, weight: float, reason: Reason | None = None) -> None:
        left[unit] = left.get(unit, 1.0) * (1 - weight)
        if reason is not None:
            why.setdefault(unit, []).append(reason)

    best: dict[str, tuple[float, Responsibility, tuple[str, ...]]] = {}
    for row in rows:
        fitting = fit(row, demand, day)
        if fitting is not None and row.unit in may and fitting[0] > best.get(row.unit, (0.0,))[0]:
            best[row.unit] = (fitting[0], row, fitting[1])
    for unit, (score, row, found) in best.items():
        speak(unit, score, Reason("catalogue", {
            "row": row.id, "keywords": found, "category": row.category, "region": row.region, "basis": row.basis,
        }))  # fmt: skip
    for kind, weight, closed in (("closed", BY_LIKE, True), ("open", BY_OPEN, False)):
        of: dict[str, list[Precedent]] = {}
        for one in like:
            if one.unit in may and one.closed is closed and one.unit not in one.refused_by:
                of.setdefault(str(one.unit), []).append(one)
        for unit, some in of.items():
            for one in some:
                speak(unit, weight * one.score)
            why.setdefault(unit, []).append(Reason(kind, _tickets(some)))
    against: dict[str, list[Precedent]] = {}
    for one in like:
        for unit in one.refused_by:
            against.setdefault(unit, []).append(one)
    for unit, some in against.items():
        if unit in left:
            why.setdefault(unit, []).append(Reason("returned", _tickets(some)))
    scored = [
        Suggestion(unit, round((1 - doubt) * AFTER_RETURN ** len(against.get(unit, ())), 2), tuple(why[unit]))
        for unit, doubt in left.items()
    ]
    return sorted(scored, key=lambda s: (-s.score, s.unit))[:most]


def _tickets(some: Sequence[Precedent]) -> dict[str, Any]:
    numbers = [one.no for one in sorted(some, key=lambda one: -one.score)]
    return {"count": len(numbers), "tickets": numbers[:5]}


@dataclass(frozen=True, slots=True)
class Misses:
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
