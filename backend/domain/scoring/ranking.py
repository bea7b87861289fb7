"""Rank scored units or regions, ties sharing a rank; tiers (分档) are the gentler alternative (Q52)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction

from backend.domain.scoring.exact import number
from backend.domain.scoring.scheme import Tier


@dataclass(frozen=True)
class Ranked:
    """A code with its published total and rank; both None for the unscored, who are listed apart."""

    code: str
    total: str | None
    rank: int | None


def rank(totals: Mapping[str, str | None]) -> tuple[Ranked, ...]:
    """Rank by published total, best first; equal totals share a rank (1, 2, 2, 4). The unscored come last, by code."""
    marks = {code: number(total, code) for code, total in totals.items() if total is not None}
    ordered = sorted(marks.values(), reverse=True)
    place: dict[Fraction, int] = {}
    for n, mark in enumerate(ordered, start=1):
        place.setdefault(mark, n)
    scored = [Ranked(code, totals[code], place[mark]) for code, mark in marks.items()]
    apart = [Ranked(code, None, None) for code, total in totals.items() if total is None]
    return (*sorted(scored, key=lambda r: (r.rank or 0, r.code)), *sorted(apart, key=lambda r: r.code))


def tier(total: str | None, tiers: Iterable[Tier]) -> Tier | None:
    """Return the highest tier whose floor the total reaches (inclusive); None for the unscored or below all."""
    if total is None:
        return None
    mark = number(total, "total")
    reached = [band for band in tiers if mark >= band.at_least]
    return max(reached, key=lambda band: band.at_least, default=None)
