"""The figures we aim at (G rows): their bars, how a test reports what it measured, and the table of `make soak`.

A test with the fixture `figures` calls `figures.report("G14", requests=10_000, violations=0)`; it fails if the bar is
missed. The same test runs small in `make test` and in full, marked `soak`, in `make soak` (`SIZES`).
"""

import json
import os
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.bars import BARS

PROPERTY = "figure"
#: parameter `size`: small by `make test`, soak by `make soak`
SIZES = pytest.mark.parametrize(
    "size",
    [
        pytest.param("small", marks=pytest.mark.small),
        pytest.param("soak", marks=[pytest.mark.soak, pytest.mark.timeout(7200)]),
    ],
)


def choose_size(size: str, *, small: int, quick: int, full: int) -> int:
    """Return how much a test of this `size` shall do; `make soak QUICK=1` runs `quick`."""
    return small if size == "small" else quick if os.environ.get("QUICK") else full


@dataclass(frozen=True)
class Figure:
    """What one test measured for one row."""

    row: str
    where: str
    measured: Mapping[str, float]
    is_soak: bool = True

    @property
    def verdict(self) -> str:
        """`missed`; `met`; or `met, smaller` if less was done than the bar names."""
        bar = BARS[self.row]
        if not bar.holds(self.measured) or (self.is_soak and not bar.timely(self.measured)):
            return "missed"
        return "met" if all(self.measured[name] >= least for name, least in bar.sizes.items()) else "met, smaller"


@dataclass
class Figures:
    """Given to a test as the fixture `figures`."""

    where: str
    is_soak: bool
    record: Callable[[str, object], None]

    def report(self, row: str, **measured: float) -> None:
        """Report what was measured for a row of `BARS`. Raises AssertionError if the bar is missed."""
        figure = Figure(row, self.where, measured, self.is_soak)
        self.record(PROPERTY, json.dumps([row, self.where, measured, self.is_soak]))
        assert figure.verdict != "missed", f"{row}: {BARS[row].words}; measured {render(measured)}"


@pytest.fixture
def figures(request: pytest.FixtureRequest, record_property: Callable[[str, object], None]) -> Figures:
    """Takes what a test measured."""
    is_soak = request.node.get_closest_marker("soak") is not None
    return Figures(request.node.name.removeprefix("test_"), is_soak, record_property)


def render(measured: Mapping[str, float]) -> str:
    """Render figures as `lost 0, p99_ms 12.5`."""
    return ", ".join(
        f"{name} {value:,.4g}" if isinstance(value, float) else f"{name} {value:,}" for name, value in measured.items()
    )


@dataclass(eq=False)
class FigureTable:
    """The plugin behind `pytest --figures`: it gathers every report, of all workers, and prints one table."""

    found: list[Figure] = field(default_factory=list)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when == "call":
            self.found += [
                Figure(*json.loads(str(value))) for name, value in report.user_properties if name == PROPERTY
            ]

    def list_missing(self) -> list[str]:
        """List the rows that nothing measured."""
        return [row for row in BARS if row not in {figure.row for figure in self.found}]

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        if self.list_missing() or any(figure.verdict == "missed" for figure in self.found):
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        rows = [(row, BARS[row].words, *self._summarise(row)) for row in sorted(BARS, key=lambda row: int(row[1:]))]
        terminalreporter.section("figures")
        for line in format_table([("id", "bar", "measured", "verdict"), *rows]):
            terminalreporter.write_line(line)

    def _summarise(self, row: str) -> tuple[str, str]:
        """Return what was measured for a row, by however many tests, and the worst verdict."""
        found = [figure for figure in self.found if figure.row == row]
        if not found:
            return "", "not measured"
        verdicts = {figure.verdict for figure in found}
        verdict = next(one for one in ("missed", "met", "met, smaller") if one in verdicts)
        return render(merge(BARS[row].sizes, [figure.measured for figure in found])), verdict


def merge(sizes: Collection[str], reports: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """Merge reports of one row: of sizes and times the greatest counts, everything else is added up."""
    merged: dict[str, float] = {}
    for name in dict.fromkeys(name for report in reports for name in report):
        values = [report[name] for report in reports if name in report]
        is_greatest = name in sizes or name.endswith(("seconds", "_ms", "ideal", "megabytes", "workers", "databases"))
        merged[name] = max(values) if is_greatest else sum(values)
    return merged


def format_table(rows: list[tuple[str, ...]]) -> list[str]:
    """Align the columns of rows of equal length."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
