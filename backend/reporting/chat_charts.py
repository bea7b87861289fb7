"""Render chat pictures: today at a glance, and a ranking; None without the `reports` extra."""

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import structlog

from backend.domain.refusals import Refused
from backend.domain.texts import Texts
from backend.reporting.document import RankGlance
from backend.reporting.typesetting import render_picture, run_in_process

log = structlog.get_logger("chat_charts")
MAX_BARS = 12  # what a phone screen shows
MAX_NAME_CHARS = 13  # characters beside a bar
INK, GREY, PALE, BLUE, RED = "#1a1a1a", "#555555", "#f2f5f8", "#7f97b2", "#b3201b"
WIDTH = 6.0  # inches


@dataclass(frozen=True, slots=True)
class TodayPicture:
    """Data of the picture of today: figures by name, and units with their open and overdue tickets."""

    title: str
    at: str
    figures: tuple[tuple[str, int], ...]
    caption: str
    units: tuple[tuple[str, int, int, str], ...]  # name, open, overdue, both as text
    foot: str


async def render_today(
    texts: Texts, at: str, figures: Sequence[tuple[str, int]], units: Sequence[tuple[str, int, int]]
) -> bytes | None:
    """Render today as PNG: up to six figures, and (name, open, overdue) tickets of up to MOST_BARS units."""
    say = texts.render
    rows = tuple(
        (name, held, late, say("drawn.held", n=held, late=late or "")) for name, held, late in units[:MAX_BARS]
    )
    return await _render(
        run_in_process,
        draw_today,
        TodayPicture(say("drawn.status"), at, tuple(figures[:6]), say("drawn.open"), rows, say("drawn.foot")),
    )


async def render_ranking(texts: Texts, period: str, state: str, rows: Sequence[tuple[str, str, str]]) -> bytes | None:
    """Render a ranking as PNG; rows: name, score as published, rank or tier. None without rows."""
    if not rows:
        return None
    drawn = tuple((name, score, Fraction(score), note) for name, score, note in rows)
    title = texts.render("drawn.rank", period=period)
    return await _render(render_picture, RankGlance(title, state, drawn, texts.render("drawn.foot")))


async def _render(work: Callable[..., Any], *given: object) -> bytes | None:
    try:
        picture: bytes = await work(*given)
    except Refused as refused:
        log.info("picture_not_rendered", code=refused.code)
        return None
    return picture


def draw_today(picture: TodayPicture) -> bytes:
    """Draw the PNG; runs in a child process because matplotlib is heavy."""
    from matplotlib.figure import Figure

    from backend.reporting.charts import register_font

    family = register_font()
    high = 3.9 + 0.36 * max(1, len(picture.units))
    figure = Figure(figsize=(WIDTH, high), dpi=180)
    figure.patch.set_facecolor("white")
    figure.text(0.06, 1 - 0.46 / high, picture.title, fontsize=16, fontfamily=family, color=RED)
    figure.text(0.06, 1 - 0.78 / high, picture.at, fontsize=9, fontfamily=family, color=GREY)
    for n, (name, value) in enumerate(picture.figures):
        box = figure.add_axes((0.06 + 0.30 * (n % 3), 1 - (1.72 + 0.82 * (n // 3)) / high, 0.28, 0.72 / high))
        _hide_axes(box)
        box.set_facecolor(PALE)
        box.text(0.07, 0.76, name, va="center", fontsize=9, fontfamily=family, color=GREY)
        box.text(0.07, 0.34, str(value), va="center", fontsize=17, fontfamily=family, color=INK)
    if picture.units:
        figure.text(0.06, 1 - 2.98 / high, picture.caption, fontsize=10, fontfamily=family, color=INK)
        _draw_bars(figure.add_axes((0.33, 0.42 / high, 0.44, (high - 3.58) / high)), picture, family)
    figure.text(0.06, 0.16 / high, picture.foot, fontsize=7.5, fontfamily=family, color=GREY)
    out = io.BytesIO()
    figure.savefig(out, format="png", metadata={"Software": None})
    return out.getvalue()


def _hide_axes(axes: Any) -> None:
    axes.set_xticks([])
    axes.set_yticks([])
    for spine in axes.spines.values():
        spine.set_visible(False)


def _draw_bars(axes: Any, picture: TodayPicture, family: str) -> None:
    """Draw one bar per unit, its overdue part red; the figures are also written, so that greys suffice."""
    _hide_axes(axes)
    top = max(held for _, held, _, _ in picture.units)
    for place, (name, held, late, words) in enumerate(picture.units):
        red = min(late, held)
        axes.barh(place, red, height=0.62, color=RED)
        axes.barh(place, held - red, left=red, height=0.62, color=BLUE)
        axes.text(held + top * 0.03, place, words, va="center", fontsize=9, fontfamily=family, color=INK)
        shown = name if len(name) <= MAX_NAME_CHARS else name[: MAX_NAME_CHARS - 1] + "…"
        axes.text(-top * 0.03, place, shown, va="center", ha="right", fontsize=9, fontfamily=family, color=INK)
    axes.set_xlim(0, top)
    axes.set_ylim(len(picture.units) - 0.4, -0.6)
