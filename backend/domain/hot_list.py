"""The hot list (热点): what came more often than other matters in some days, and than in the days before (A27)."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Mention:
    """One ticket and what it counts towards."""

    ticket_no: str
    category: str | None
    topics: tuple[str, ...]
    places: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class HotTopic:
    """A row of the list: its count now, in as many days before, and the newest tickets."""

    name: str
    count: int
    before: int
    tickets: tuple[str, ...]

    @property
    def growth(self) -> str | None:
        """Growth in per cent, one decimal (`-12.5`); None if there was none before."""
        return None if not self.before else f"{100 * (self.count - self.before) / self.before:.1f}"


def rank_hot_topics(
    now: Sequence[Mention], before: Iterable[Mention], kind: str, min_count: int = 2, limit: int = 20
) -> list[HotTopic]:
    """Return the rows of one kind (`categories`, `topics`, `places`): most frequent first, then faster growing.

    A ticket counts once for each of its topics and places. `now` is newest first.
    """
    tickets: defaultdict[str, list[str]] = defaultdict(list)
    for one in now:
        for name in _names(one, kind):
            tickets[name].append(one.ticket_no)
    past = Counter(name for one in before for name in _names(one, kind))
    rows = [
        HotTopic(name, len(nos), past[name], tuple(nos[:5])) for name, nos in tickets.items() if len(nos) >= min_count
    ]
    return sorted(rows, key=lambda r: (-r.count, r.before - r.count, r.name))[:limit]


def find_common_regions(regions: Sequence[str], share: int = 80) -> frozenset[str]:
    """Return regions that more than `share` % of the tickets carry: the office's own, which locate nothing (A27)."""
    return frozenset(r for r, n in Counter(r for r in regions if r).items() if 100 * n > share * len(regions))


def _names(one: Mention, kind: str) -> tuple[str, ...]:
    if kind == "categories":
        return (one.category,) if one.category else ()
    return tuple(dict.fromkeys(one.topics if kind == "topics" else one.places))
