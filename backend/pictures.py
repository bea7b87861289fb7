"""Pictures for a chat: what stands in a list, as bars; None where the reports extra is not installed."""

from collections.abc import Sequence
from fractions import Fraction

import structlog

from backend.bulletins.document import Chart, Glance, RankGlance, Series
from backend.bulletins.press import pictured
from backend.domain.refusals import Refused
from backend.domain.texts import Catalogue

log = structlog.get_logger("pictures")
MOST_BARS = 12  # of a telephone's screen


async def bars(catalogue: Catalogue, at: str, figures: Sequence[tuple[str, int]], units: Sequence[tuple[str, int, int]]
               ) -> bytes | None:  # fmt: skip
    """Today: up to six figures, and the units' open tickets with their overdue ones (name, open, late)."""
    say = catalogue.say
    shown = units[:MOST_BARS]
    open_ = _bars(say("drawn.open"), [(name, held) for name, held, _ in shown])
    late = _bars(say("drawn.late"), [(name, behind) for name, _, behind in shown])
    charts = tuple(chart for chart in (open_, late) if chart.labels)
    cells = tuple((name, str(value), "") for name, value in figures)
    return await _printed(Glance(say("drawn.status"), at, cells, charts, say("drawn.foot")))


def _bars(caption: str, rows: Sequence[tuple[str, int]]) -> Chart:
    there = [(name, value) for name, value in rows if value]
    values = tuple(value for _, value in there)
    return Chart("bars", caption, "", "", tuple(name for name, _ in there), (Series(caption, values),))


async def ranking(catalogue: Catalogue, period: str, state: str, rows: Sequence[tuple[str, str, str]]) -> bytes | None:
    """A ranking (name, score as published, rank or band); None without a score."""
    if not rows:
        return None
    drawn = tuple((name, score, Fraction(score), note) for name, score, note in rows)
    title = catalogue.say("drawn.rank", period=period)
    return await _printed(RankGlance(title, state, drawn, catalogue.say("drawn.foot")))


async def _printed(picture: Glance | RankGlance) -> bytes | None:
    try:
        return await pictured(picture)
    except Refused as refused:
        log.info("not_drawn", code=refused.code)
        return None
