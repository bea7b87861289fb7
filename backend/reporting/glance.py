"""Build a period's picture for chat, in the bulletin's figures: six figures, bars and a line (/report, /rank)."""

from collections.abc import Mapping
from fractions import Fraction

from backend.domain.records import Unit
from backend.domain.scoring.ranking import rank
from backend.domain.settings import Settings
from backend.domain.texts import Texts
from backend.reporting import work_chapters
from backend.reporting.document import Chart, Glance, Percent, RankGlance, Series, format_cell
from backend.reporting.document_builder import Writer
from backend.reporting.figures import compute_growth, compute_point_change, count_by
from backend.reporting.gather import Material
from backend.reporting.kinds import format_date, format_period
from backend.reporting.score_chapters import Scores, is_management
from backend.scoring.periods import Period

MAX_ROWS = 20  # rows of a ranking picture
MAX_RATES = 3  # rates of a picture


def build_glance(m: Material, texts: Texts) -> Glance:
    """Build the picture of a period."""
    w = Writer(texts)
    figures = []
    for key, of in work_chapters.COUNTS[:3]:
        grown = compute_growth(of(m.now), of(m.before))
        figures.append((w.render(f"name.{key}"), str(of(m.now)), _describe_growth(w, grown)))
    rates = m.own_rates[:MAX_RATES] or work_chapters.RATES[-MAX_RATES:]
    for key, measure in rates:
        now, before = m.now.get_ratio(measure).percent, m.before.get_ratio(measure).percent
        change_text = work_chapters.describe_change(w, compute_point_change(now, before))
        answers = m.now.get_answers(measure)  # what the rate rests on says more than how it moved (XD15)
        against = w.render("against", moved=change_text) if change_text else w.render("no_before")
        figures.append(
            (
                w.render(f"name.{key}"),
                format_cell(now),
                texts.render("score.answers_short", **answers) if answers else against,
            )
        )
    first = next((n for n, pair in enumerate(m.detail.months) if any(pair)), len(m.detail.months) - 1)
    pairs, names = m.detail.months[first:], m.spans.trend_months[first:]
    line = Chart("line", w.render("figure.trend"), "", "", tuple(f"{n[2:4]}.{n[5:]}" for n in names), (
        Series(w.render("column.received"), tuple(p[0] for p in pairs)), Series(w.render("column.closed"), tuple(p[1] for p in pairs)),
    ))  # fmt: skip
    kinds = count_by(m.now.figures.received, lambda row: row.category).most_common(6)
    labels = tuple(texts.get_word_or_value("category", k) if k else w.render("unnamed") for k, _ in kinds) or (
        w.render("none"),
    )
    bars = Chart("bars", w.render("figure.category"), "", "", labels, (Series("", tuple(n for _, n in kinds) or (0,)),))
    foot = w.render("glance_foot", at=format_date(texts, m.spans.now.as_of))
    title = w.render("glance_title", period=format_period(texts, m.spans.period))
    issuer = w.render("list_mark").join(m.settings.strings("bulletin.name")) or w.render("masthead")
    return Glance(title, issuer, tuple(figures), (line, bars), foot)


def _describe_growth(w: Writer, grown: Percent | None) -> str:
    if grown is None:
        return w.render("no_before")
    way = "level" if not grown.value else "up" if grown.value > 0 else "down"
    return w.render(f"before_{way}", rate=Percent(abs(grown.value)))


def build_ranking(
    scores: Scores, period: Period, settings: Settings, texts: Texts, at: str, units: Mapping[str, Unit]
) -> RankGlance | None:
    """Build the period's ranking, by ranks or tiers (`bulletin.ranking`). None if no unit has a score."""
    w = Writer(texts)
    rows = [r for r in scores.units if r["total"] is not None and not is_management(r, units)]
    if not rows:
        return None
    ranks: Mapping[str, int | None] = {r.code: r.rank for r in rank({r["unit"]: r["total"] for r in rows})}
    by_rank = settings.choice("bulletin.ranking") == "ranks"
    ordered = sorted(rows, key=lambda r: (-Fraction(r["total"]), r["unit"]))
    lines = []
    for row in ordered[:MAX_ROWS]:
        tier = texts.get_word_or_value("tier", str(row["tier"])) if row.get("tier") else ""
        note = w.render("place", rank=ranks[row["unit"]]) if by_rank else tier
        lines.append((str(row.get("name") or row["unit"]), str(row["total"]), Fraction(row["total"]), note))
    is_locked = scores.period_run is not None or (scores.month_runs and all(scores.month_runs.values()))
    subtitle = w.render("rank_locked" if is_locked else "rank_trial")
    more = w.render("rank_more", shown=MAX_ROWS, count=len(ordered)) if len(ordered) > MAX_ROWS else ""
    title = w.render("rank_title", period=format_period(texts, period))
    return RankGlance(title, subtitle, tuple(lines), w.render("glance_foot", at=at) + more)
