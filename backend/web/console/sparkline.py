"""Draws a small line chart over months as SVG, styled by the style sheet, with a description for screen readers."""

from collections.abc import Sequence

from markupsafe import Markup, escape

WIDTH, HEIGHT, EDGE = 96, 24, 3  # SVG units


def draw_sparkline(title: str, months: Sequence[str], values: Sequence[str | None]) -> Markup:
    """Draw the months' scores as a line, interrupted where a month has none; empty with fewer than two scores.

    The chart spans the lowest to the highest score; a level line runs in the middle.
    """
    numbers = [float(v) for v in values if v is not None]
    if len(numbers) < 2:
        return Markup()
    low, high = min(numbers), max(numbers)
    step = (WIDTH - 2 * EDGE) / max(1, len(values) - 1)

    def y(value: float) -> float:
        share = 0.5 if high == low else (value - low) / (high - low)
        return HEIGHT - EDGE - share * (HEIGHT - 2 * EDGE)

    parts: list[list[tuple[float, float]]] = [[]]
    for n, value in enumerate(values):
        if value is None:
            parts.append([])
        else:
            parts[-1].append((EDGE + n * step, y(float(value))))
    lines = Markup().join(
        Markup('<polyline points="{}"/>').format(" ".join(f"{a:.1f},{b:.1f}" for a, b in part))
        for part in parts
        if len(part) > 1
    )
    dots = Markup().join(
        Markup('<circle cx="{}" cy="{}" r="2"/>').format(f"{part[-1][0]:.1f}", f"{part[-1][1]:.1f}")
        for part in parts
        if len(part) == 1 or (part and part is parts[-1])
    )
    description = ", ".join(f"{m} {v or '—'}" for m, v in zip(months, values, strict=True))
    return Markup(
        '<svg class="spark" role="img" viewBox="0 0 {} {}"><title>{}</title><desc>{}</desc>{}{}</svg>'
    ).format(WIDTH, HEIGHT, escape(title), escape(description), lines, dots)
