"""Build a period's picture for chat, in the bulletin's figures: six figures, bars and a line (/report, /rank)."""

from collections.abc import Mapping
from fractions import Fraction

from backend.bulletins import chapters
from backend.bulletins.document import Chart, Glance, RankGlance, Rate, Series, shown
from backend.bulletins.gathering import Material
from backend.bulletins.kinds import called, day
from backend.bulletins.ranking import Scores
from backend.bulletins.reckoning import by, change, points
from backend.bulletins.writing import Writer
from backend.domain.scoring.ranking import rank
from backend.domain.settings import Settings
from backend.domain.texts import Texts
from backend.scoring.periods import Period

ROWS = 20  # rows of a ranking picture


def glance(m: Material, words: Texts) -> Glance:
    """Build the picture of a period."""
    w = Writer(words)
    figures = []
    for key, of in chapters.COUNTS[:3]:
        grown = change(of(m.now), of(m.before))
        figures.append((w.render(f"name.{key}"), str(of(m.now)), _grown(w, grown)))
    rates = chapters.AGENCY_RATES if m.beijing else (*chapters.RATES[1:3], chapters.RATES[3])
    for key, measure in rates:
        now, before = m.now.rate(measure).rate, m.before.rate(measure).rate
        moved = chapters.moved(w, points(now, before))
        figures.append(
            (w.render(f"name.{key}"), shown(now), w.render("against", moved=moved) if moved else w.render("no_before"))
        )
    first = next((n for n, pair in enumerate(m.detail.months) if any(pair)), len(m.detail.months) - 1)
    pairs, names = m.detail.months[first:], m.spans.trend_months[first:]
    line = Chart("line", w.render("figure.trend"), "", "", tuple(f"{n[2:4]}.{n[5:]}" for n in names), (
        Series(w.render("column.received"), tuple(p[0] for p in pairs)), Series(w.render("column.closed"), tuple(p[1] for p in pairs)),
    ))  # fmt: skip
    kinds = by(m.now.figures.received, lambda row: row.category).most_common(6)
    labels = tuple(words.get_word_or_value("category", k) if k else w.render("unnamed") for k, _ in kinds) or (
        w.render("none"),
    )
    bars = Chart("bars", w.render("figure.category"), "", "", labels, (Series("", tuple(n for _, n in kinds) or (0,)),))
    foot = w.render("glance_foot", at=day(words, m.spans.now.as_of))
    title = w.render("glance_title", period=called(words, m.spans.period))
    issuer = w.render("list_mark").join(m.settings.strings("bulletin.name")) or w.render("masthead")
    return Glance(title, issuer, tuple(figures), (line, bars), foot)


def _grown(w: Writer, grown: Rate | None) -> str:
    if grown is None:
        return w.render("no_before")
    way = "level" if not grown.value else "up" if grown.value > 0 else "down"
    return w.render(f"before_{way}", rate=Rate(abs(grown.value)))


def ranked(scores: Scores, period: Period, settings: Settings, words: Texts, at: str) -> RankGlance | None:
    """Build the period's ranking, by ranks or tiers (`bulletin.ranking`). None if no unit has a score."""
    w = Writer(words)
    rows = [r for r in scores.units if r["total"] is not None and "mgmt" not in str(r.get("of") or r.get("scheme"))]
    if not rows:
        return None
    places: Mapping[str, int | None] = {r.code: r.rank for r in rank({r["unit"]: r["total"] for r in rows})}
    by_rank = settings.choice("bulletin.ranking") == "ranks"
    ordered = sorted(rows, key=lambda r: (-Fraction(r["total"]), r["unit"]))
    lines = []
    for row in ordered[:ROWS]:
        tier = words.get_word_or_value("tier", str(row["tier"])) if row.get("tier") else ""
        note = w.render("place", rank=places[row["unit"]]) if by_rank else tier
        lines.append((str(row.get("name") or row["unit"]), str(row["total"]), Fraction(row["total"]), note))
    settled = scores.whole is not None or (scores.locked and all(scores.locked.values()))
    subtitle = w.render("rank_locked" if settled else "rank_trial")
    more = w.render("rank_more", shown=ROWS, count=len(ordered)) if len(ordered) > ROWS else ""
    title = w.render("rank_title", period=called(words, period))
    return RankGlance(title, subtitle, tuple(lines), w.render("glance_foot", at=at) + more)
