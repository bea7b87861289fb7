"""Rank scored units or regions, ties sharing a rank; tiers (分档) are the gentler alternative (Q52)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction

from backend.domain.scoring.exact import parse_number
from backend.domain.scoring.scheme import Tier


@dataclass(frozen=True)
class RankedScore:
    """A code with its published total and rank; both None for the unscored, who are listed apart."""

    code: str
    total: str | None
    rank: int | None


def rank(totals: Mapping[str, str | None]) -> tuple[RankedScore, ...]:
    """Rank by published total, best first; equal totals share a rank (1, 2, 2, 4). The unscored come last, by code."""
    scores = {code: parse_number(total, code) for code, total in totals.items() if total is not None}
    ordered = sorted(scores.values(), reverse=True)
    ranks: dict[Fraction, int] = {}
    for n, score in enumerate(ordered, start=1):
        ranks.setdefault(score, n)
    scored = [RankedScore(code, totals[code], ranks[score]) for code, score in scores.items()]
    unscored = [RankedScore(code, None, None) for code, total in totals.items() if total is None]
    return (*sorted(scored, key=lambda r: (r.rank or 0, r.code)), *sorted(unscored, key=lambda r: r.code))


def find_tier(total: str | None, tiers: Iterable[Tier]) -> Tier | None:
    """Return the highest tier whose floor the total reaches (inclusive); None for the unscored or below all."""
    if total is None:
        return None
    score = parse_number(total, "total")
    reached = [band for band in tiers if score >= band.at_least]
    return max(reached, key=lambda band: band.at_least, default=None)
