"""Draw charts as PNG with matplotlib, readable in greys, values written beside the bars; runs in a child process."""

import io
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from matplotlib import font_manager
from matplotlib.figure import Figure

from backend.reporting.document import Chart, Glance, RankGlance

INK, DARK, MIDDLE, LIGHT, RED = "#1a1a1a", "#2f4b6e", "#7f97b2", "#d5dde7", "#b3201b"
MARKERS = ("o", "s", "^", "D")
DASHES = ("-", "--", "-.", ":")
SHADES = (DARK, MIDDLE, LIGHT, "#5b5b5b")
DPI = 200


def register_font() -> str:
    """Register the Chinese font of the `reports` extra with matplotlib and return its name."""
    from noto_cjk_sans_otc import FONT_PATH

    font_manager.fontManager.addfont(str(FONT_PATH))
    return str(font_manager.FontProperties(fname=str(FONT_PATH)).get_name())


def draw_chart(chart: Chart, family: str) -> bytes:
    """Draw one chart as PNG, 15 cm wide."""
    height = 2.5 if chart.form == "line" else 0.75 + 0.3 * max(2, len(chart.labels))
    figure = Figure(figsize=(6.0, height), dpi=DPI, layout="constrained")
    _draw_on(figure.add_subplot(), chart, family, 9)
    return _to_png(figure)


def _draw_on(axes: Any, chart: Chart, family: str, size: float) -> None:
    if chart.form == "line":
        _draw_lines(axes, chart, family, size)
    else:
        _draw_bars(axes, chart, family, size)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    axes.tick_params(length=0)
    for label in (*axes.get_xticklabels(), *axes.get_yticklabels()):
        label.set_fontfamily(family)
        label.set_fontsize(size)


def _draw_lines(axes: Any, chart: Chart, family: str, size: float) -> None:
    places = list(range(len(chart.labels)))
    for n, series in enumerate(chart.series):
        values = [None if v is None else float(v) for v in series.values]
        axes.plot(places, values, DASHES[n], marker=MARKERS[n], color=SHADES[n], linewidth=1.8, markersize=4.5,
                  label=series.name)  # fmt: skip
    newest = [(float(s.values[-1]), s.values[-1], n) for n, s in enumerate(chart.series) if s.values[-1] is not None]
    for above, (height, value, n) in enumerate(sorted(newest, reverse=True)):
        axes.annotate(_format_value(value), (places[-1], height), textcoords="offset points",
                      xytext=(5, 4 if above == 0 else -10), color=SHADES[n], fontsize=size, fontfamily=family)  # fmt: skip
    axes.set_ylim(bottom=0)
    axes.margins(x=0.05, y=0.15)
    axes.set_xticks(places, chart.labels)
    axes.grid(axis="y", color=LIGHT, linewidth=0.6)
    axes.set_axisbelow(True)
    axes.spines["left"].set_visible(False)
    axes.yaxis.get_major_locator().set_params(integer=True)
    if len(chart.series) > 1:
        axes.legend(prop={"family": family, "size": size}, frameon=False, loc="upper left", ncols=len(chart.series),
                    bbox_to_anchor=(0, 1.18), borderaxespad=0)  # fmt: skip


def _draw_bars(axes: Any, chart: Chart, family: str, size: float) -> None:
    series = chart.series[0]
    values = [0.0 if v is None else float(v) for v in series.values]
    axes.barh(list(range(len(values))), values, height=0.62, color=DARK, edgecolor=INK, linewidth=0.4)
    top = max([*values, 1.0])
    for place, value in enumerate(values):
        axes.text(value + top * 0.01, place, _format_value(series.values[place] or 0), va="center", fontsize=size,
                  fontfamily=family, color=INK)  # fmt: skip
    axes.set_yticks(list(range(len(values))), chart.labels)
    axes.invert_yaxis()
    axes.set_xlim(0, top * 1.12)
    axes.set_xticks([])
    axes.spines["bottom"].set_visible(False)


def _format_value(value: int | Fraction) -> str:
    return str(value) if isinstance(value, int) or value.denominator == 1 else f"{float(value):.2f}"


def draw_glance(picture: Glance) -> bytes:
    """Draw a period at a glance as PNG, in portrait for a phone."""
    family = register_font()
    figure = Figure(figsize=(6.0, 7.6), dpi=180)
    figure.patch.set_facecolor("white")
    _draw_head(figure, picture.title, picture.subtitle, family, 7.6)
    for n, (name, value, against) in enumerate(picture.figures[:6]):
        left, bottom = 0.06 + 0.30 * (n % 3), 0.725 - 0.125 * (n // 3)
        axes = figure.add_axes((left, bottom, 0.28, 0.11))
        axes.set_facecolor("#f2f5f8")
        axes.set_xticks([])
        axes.set_yticks([])
        for spine in axes.spines.values():
            spine.set_visible(False)
        axes.text(0.06, 0.80, name, va="center", fontsize=9, fontfamily=family, color="#444444")
        axes.text(0.06, 0.47, value, va="center", fontsize=17, fontfamily=family, color=INK)
        axes.text(0.06, 0.15, against, va="center", fontsize=7.5, fontfamily=family, color="#444444")
    boxes = ((0.10, 0.345, 0.83, 0.165), (0.16, 0.075, 0.77, 0.175))
    for chart, box in zip(picture.charts, boxes, strict=False):
        figure.text(0.06, box[1] + box[3] + 0.045, chart.caption, fontsize=10, fontfamily=family, color=INK)
        _draw_on(figure.add_axes(box), chart, family, 8)
    figure.text(0.06, 0.022, picture.foot, fontsize=7.5, fontfamily=family, color="#444444")
    return _to_png(figure)


def draw_ranking(picture: RankGlance) -> bytes:
    """Draw a ranking as PNG: bars from 0 to 100."""
    family = register_font()
    rows = picture.rows
    height = 1.7 + 0.34 * max(3, len(rows))
    figure = Figure(figsize=(6.0, height), dpi=180)
    figure.patch.set_facecolor("white")
    _draw_head(figure, picture.title, picture.subtitle, family, height)
    axes = figure.add_axes((0.30, 0.55 / height, 0.56, (height - 1.65) / height))
    values = [float(row[2]) for row in rows]
    top = max([100.0, *values])
    axes.barh(list(range(len(rows))), values, height=0.62, color=DARK, edgecolor=INK, linewidth=0.4)
    for place, (_, score, length, note) in enumerate(rows):
        inside = float(length) > top * 0.3
        axes.text(float(length) - top * 0.01 if inside else float(length) + top * 0.01, place, score, va="center",
                  ha="right" if inside else "left", fontsize=9, fontfamily=family, color="white" if inside else INK)  # fmt: skip
        axes.text(top * 1.02, place, note, va="center", fontsize=9, fontfamily=family, color=INK)
    axes.set_yticks(list(range(len(rows))), [_shorten(row[0]) for row in rows])
    axes.invert_yaxis()
    axes.set_xlim(0, top)
    axes.set_xticks([])
    for spine in axes.spines.values():
        spine.set_visible(False)
    axes.tick_params(length=0)
    for label in axes.get_yticklabels():
        label.set_fontfamily(family)
        label.set_fontsize(9)
    figure.text(0.06, 0.14 / height, picture.foot, fontsize=7.5, fontfamily=family, color="#444444")
    return _to_png(figure)


def _draw_head(figure: Any, title: str, subtitle: str, family: str, height: float) -> None:
    figure.text(0.06, 1 - 0.48 / height, title, fontsize=16, fontfamily=family, color=RED)
    figure.text(0.06, 1 - 0.80 / height, subtitle, fontsize=9, fontfamily=family, color="#444444")
    figure.add_artist(_make_rule(1 - 0.92 / height))


def _make_rule(at: float) -> object:
    from matplotlib.lines import Line2D

    return Line2D((0.06, 0.94), (at, at), color=RED, linewidth=1.6)


def _shorten(name: str, longest: int = 13) -> str:
    return name if len(name) <= longest else name[: longest - 1] + "…"


def _to_png(figure: Any) -> bytes:
    out = io.BytesIO()
    figure.savefig(out, format="png", metadata={"Software": None})
    return out.getvalue()


def draw_charts(charts: Sequence[Chart]) -> list[bytes]:
    """Draw all charts of a document as PNG, in order."""
    family = register_font() if charts else ""
    return [draw_chart(chart, family) for chart in charts]
