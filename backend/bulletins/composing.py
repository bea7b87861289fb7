"""Compose a bulletin from its material, chapter by chapter; decides which chapters each kind has."""

from backend.bulletins import chapters, matters, ranking
from backend.bulletins.document import Document, Labels
from backend.bulletins.gathering import Material
from backend.bulletins.kinds import Kind, called, day
from backend.bulletins.writing import Writer
from backend.domain.records import Unit
from backend.domain.texts import Texts
from backend.ports.reporting import BulletinIssue


def compose(m: Material, issue: BulletinIssue, words: Texts) -> Document:
    """Compose the whole document. A period without data gets a document that says so."""
    w = Writer(words)
    period = called(words, m.spans.period)
    _body(w, m, period)
    idle = _idle(m)
    matters.noted(
        w, m.spans, m.detail, m.settings, idle, issue.made_at, w.render(f"basis_of.{m.settings.text('profile')}")
    )
    names = w.render("list_mark")
    labels = Labels(w.render("label.table"), w.render("label.figure"), w.render("label.send_to"), w.render("label.copy_to"),
                    w.render("label.printed"), words.language.partition("_")[0])  # fmt: skip
    return Document(
        stem=w.render(f"stem.{m.kind}", period=m.spans.period.name),
        masthead=names.join(m.settings.strings("bulletin.name")) or w.render("masthead"),
        issue_line=w.render("issue_line", year=issue.year, number=issue.number),
        issuer=names.join(m.settings.strings("bulletin.issuer")) or _institution(m) or w.render("issuer"),
        date=day(words, issue.made_at),
        title=w.render(f"title.{m.kind}", period=period),
        blocks=tuple(w.blocks),
        send_to=names.join(m.settings.strings("bulletin.send_to")),
        copy_to=names.join(m.settings.strings("bulletin.copy_to")),
        labels=labels,
    )  # fmt: skip


def _body(w: Writer, m: Material, period: str) -> None:
    rates = chapters.AGENCY_RATES if m.beijing else chapters.RATES
    if m.beijing:
        rates = (chapters.RATES[0], chapters.RATES[1], chapters.RATES[2], *rates)
    w.prose(f"opening.{m.kind}", period=period)
    units = m.standing.config.units
    if m.now.empty and m.scores is None:
        w.prose("no_data", period=period)
        return
    if m.now.empty:
        w.prose("no_data", period=period)
    else:
        chapters.overview(w, m.now, m.before, m.year_ago, rates)
        chapters.trend(w, m.spans, m.detail.months)
    if m.kind in (Kind.MONTHLY, Kind.ANALYSIS):
        chapters.received(w, m.now, m.before, m.year_ago)
        chapters.dispatched(w, m.now)
        chapters.handled(w, m.now, units)
        chapters.visited(w, m.now)
        matters.hot(w, m.now, m.before, m.detail)
        matters.supervised(w, m.now)
        if m.agencies is not None:
            ranking.agencies(w, m.agencies, m.agencies_year, units)
        matters.reviewed(w, m.detail, units)
        matters.improved(w, m.ledger, units)
        return
    if m.scores is not None:
        ranking.scores(w, m.scores, units, m.settings)
    if m.agencies is not None:
        ranking.agencies(w, m.agencies, None, units)


def _idle(m: Material) -> list[Unit]:
    """Return active units that were given nothing and closed nothing in the period (零工单)."""
    if m.now.empty:
        return []
    busy = {row.unit for row in m.now.figures.dispatches} | {row.unit for row in m.now.figures.closed}
    units = m.standing.config.units
    return [u for code, u in sorted(units.items()) if u.active and u.kind == "handling" and code not in busy]


def _institution(m: Material) -> str:
    """Return the name of the top management institution: the one without a parent."""
    managing = [u for _, u in sorted(m.standing.config.units.items()) if u.kind == "management" and u.active]
    return next((u.name for u in managing if not u.parent), managing[0].name if managing else "")
