"""The small line beside a trend: it names its months, breaks where a month has no score, and needs two in a row."""

import re

from backend.web.console.sparkline import draw_sparkline

MONTHS = ("2026-07", "2026-08", "2026-09", "2026-10")


def test_a_line_runs_from_low_to_high_and_names_its_months() -> None:
    drawn = draw_sparkline("签收率<1>", MONTHS, ("10.00", "12.50", "15.00", "12.50"))
    points = re.search(r'points="([^"]+)"', drawn)
    assert points is not None
    heights = [float(pair.partition(",")[2]) for pair in points[1].split()]
    assert heights[0] == max(heights) and heights[2] == min(heights) and heights[1] == heights[3]
    assert "<title>签收率&lt;1&gt;</title>" in drawn and "2026-09 15.00" in drawn and "style" not in drawn


def test_a_month_without_a_score_breaks_the_line_and_single_months_draw_none() -> None:
    drawn = draw_sparkline("x", MONTHS, ("1", None, "2", "3"))
    assert drawn.count("<polyline") == 1 and drawn.count("<circle") == 2 and "2026-08 —" in drawn
    assert draw_sparkline("x", MONTHS, (None, "1", None, None)) == ""
