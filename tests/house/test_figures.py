"""The figures we aim at: a missed bar fails its test and the whole run, and the table says what was measured (G rows)."""

import pytest

from tests.bars import BARS
from tests.figures import Figure, Figures, FigureTable, format_table, merge
from tests.house.faults import list_rows
from tests.house.source import ROOT


def test_every_bar_has_its_row_in_the_index() -> None:
    assert set(BARS) <= set(list_rows((ROOT / "docs" / "requirements.md").read_text("utf-8")))


def test_a_missed_bar_is_recorded_and_fails_the_test() -> None:
    recorded: list[object] = []
    figures = Figures("a test", True, lambda _name, value: recorded.append(value))
    figures.report("G14", requests=10, violations=0)
    with pytest.raises(AssertionError, match="G14"):
        figures.report("G14", requests=10_000, violations=1)
    assert len(recorded) == 2


@pytest.mark.parametrize(
    ("row", "measured", "is_soak", "verdict"),
    [
        ("G14", {"requests": 10_000, "violations": 0}, True, "met"),
        ("G14", {"requests": 9_999, "violations": 0}, True, "met, smaller"),
        ("G14", {"requests": 10_000, "violations": 1}, False, "missed"),
        ("G12", {"deadlines": 10_000, "left": 0, "twice": 0, "seconds": 61}, True, "missed"),
        ("G12", {"deadlines": 150, "left": 0, "twice": 0, "seconds": 61}, False, "met, smaller"),  # a busy machine
        ("G1", {"dispatches": 20_000, "disturbances": 200, "lost": 0, "in_hand": 0, "copies": 201}, True, "missed"),
    ],
)
def test_a_bar_judges_what_was_measured(row: str, measured: dict[str, float], is_soak: bool, verdict: str) -> None:
    assert Figure(row, "", measured, is_soak).verdict == verdict


def test_the_table_has_a_line_for_each_row_and_says_what_was_not_measured() -> None:
    table = FigureTable(
        [Figure("G14", "", {"requests": 5, "violations": 0}), Figure("G14", "", {"requests": 7, "violations": 2})]
    )
    assert table._summarise("G14") == ("requests 7, violations 2", "missed")
    assert table._summarise("G1") == ("", "not measured")
    assert set(table.list_missing()) == set(BARS) - {"G14"}
    assert merge(["rows"], [{"rows": 2, "lost": 1, "seconds": 3}, {"rows": 5, "lost": 1, "seconds": 1}]) == {
        "rows": 5, "lost": 2, "seconds": 3,
    }  # fmt: skip
    assert format_table([("id", "bar"), ("G1", "x")]) == ["id  bar", "G1  x"]
