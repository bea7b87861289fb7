"""Measures ours and a baseline alternating in one run (A B A B …): median ratio, spread, target, verdict."""

import os
import statistics
import sys
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

PAIRS = 5


@dataclass(frozen=True)
class Figure:
    """One line of the table. `low` and `high` are the spread over all pairs; `met` None: no target, for information."""

    id: str
    what: str
    baseline: str
    value: float
    low: float
    high: float
    target: str
    is_met: bool | None
    note: str = ""
    unit: str = "×"

    def format(self) -> str:
        """Format the line as it is printed."""
        verdict = {True: "ok", False: "MISSED", None: "–"}[self.is_met]
        spread = f"{self.low:.3g}–{self.high:.3g}"
        figure = f"{self.value:8.3g} {self.unit:<3} ({spread})"
        return f"{self.id:<5} {self.what:<58} {figure:<32} {self.target:<8} {verdict:<7} {self.baseline}" + (
            f"  [{self.note}]" if self.note else ""
        )


def is_small() -> bool:
    """Whether the quick form was requested (`SMALL=1`)."""
    return os.environ.get("SMALL", "") not in ("", "0")


def judge(
    id: str, what: str, baseline: str, values: Sequence[float], *, least: float | None = None,
    most: float | None = None, note: str = "", unit: str = "×",
) -> Figure:  # fmt: skip
    """Build a figure of many values: the median against a target (at least, or at most)."""
    value = statistics.median(values)
    target, met = "", None
    if least is not None:
        target, met = f"≥ {least:g}", value >= least
    elif most is not None:
        target, met = f"≤ {most:g}", value <= most
    return Figure(id, what, baseline, value, min(values), max(values), target, met, note, unit)


async def measure(
    ours: Callable[[], Awaitable[float]], theirs: Callable[[], Awaitable[float]], pairs: int = PAIRS
) -> list[tuple[float, float]]:
    """Measure both sides alternating; return the values of each pair."""
    taken = []
    for _ in range(max(pairs, PAIRS)):
        a = await ours()
        taken.append((a, await theirs()))
    return taken


def compute_ratios(taken: Sequence[tuple[float, float]]) -> list[float]:
    """Return ours over theirs, pair by pair."""
    return [a / b for a, b in taken]


def format_rates(taken: Sequence[tuple[float, float]], unit: str = "/s") -> str:
    """Format both medians, for orientation only: absolute figures mean nothing on shared machines."""
    a, b = (statistics.median(side) for side in zip(*taken, strict=True))
    return f"{a:,.0f} vs {b:,.0f}{unit}" if a > 20 else f"{a:.3g} vs {b:.3g}{unit}"


def percentile(values: Sequence[float], share: float) -> float:
    """Return the value below which `share` (0-1) of all values lies."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def print_figures(figures: Sequence[Figure]) -> None:
    """Print figures as they come."""
    for figure in figures:
        print(figure.format(), flush=True)


def print_remark(words: str) -> None:
    """Print a remark to stderr."""
    print(words, file=sys.stderr, flush=True)
