"""Compose a bulletin from its material, chapter by chapter; decides which chapters each kind has."""

from backend.domain.records import Unit
from backend.domain.texts import Texts
from backend.ports.reporting import BulletinIssue
from backend.reporting import connect_chapter, score_chapters, topic_chapters, work_chapters
from backend.reporting.document import Document, Labels
from backend.reporting.document_builder import Writer
from backend.reporting.gather import Material
from backend.reporting.kinds import BulletinKind, format_date, format_period


def compose(m: Material, issue: BulletinIssue, texts: Texts) -> Document:
    """Compose the whole document. A period without data gets a document that says so."""
    w = Writer(texts)
    period = format_period(texts, m.spans.period)
    _write_body(w, m, period)
    idle = _list_idle(m)
    topic_chapters.write_notes(
        w, m.spans, m.detail, m.settings, idle, issue.made_at, m.settings.profile.basis[texts.language]
    )
    names = w.render("list_mark")
    labels = Labels(w.render("label.table"), w.render("label.figure"), w.render("label.send_to"), w.render("label.copy_to"),
                    w.render("label.printed"), texts.language.partition("_")[0])  # fmt: skip
    return Document(
        stem=w.render(f"stem.{m.kind}", period=m.spans.period.name),
        masthead=names.join(m.settings.strings("bulletin.name")) or w.render("masthead"),
        issue_line=w.render("issue_line", year=issue.year, number=issue.number),
        issuer=names.join(m.settings.strings("bulletin.issuer"))
        or _find_institution(m, issue.made_by)
        or w.render("issuer"),
        date=format_date(texts, issue.made_at),
        title=w.render(f"title.{m.kind}", period=period),
        blocks=tuple(w.blocks),
        send_to=names.join(m.settings.strings("bulletin.send_to")),
        copy_to=names.join(m.settings.strings("bulletin.copy_to")),
        labels=labels,
    )


def _write_body(w: Writer, m: Material, period: str) -> None:
    rates = work_chapters.RATES
    if m.own_rates:
        rates = tuple(dict.fromkeys((*rates[:-1], *m.own_rates)))  # the scheme's satisfaction, not the general one
    send_to = w.render("list_mark").join(m.settings.strings("bulletin.send_to"))
    w.add_paragraph(f"opening.{m.kind}", period=period, send_to=send_to)
    units = m.snapshot.config.units
    if m.now.is_empty and m.scores is None:
        w.add_paragraph("no_data", period=period)
        return
    if m.now.is_empty:
        w.add_paragraph("no_data", period=period)
    else:
        work_chapters.write_overview(w, m.now, m.before, m.year_ago, rates)
        work_chapters.write_trend(w, m.spans, m.detail.months)
    if m.kind in (BulletinKind.MONTHLY, BulletinKind.ANALYSIS):
        work_chapters.write_received(w, m.now, m.before, m.year_ago)
        if m.connect is not None:
            connect_chapter.write_connect(w, m.connect)
            connect_chapter.write_unreported(w, m.connect, m.spans.period, units)
        work_chapters.write_dispatched(w, m.now)
        work_chapters.write_handled(w, m.now, units)
        work_chapters.write_visited(w, m.now)
        topic_chapters.write_hot(w, m.now, m.before, m.detail)
        topic_chapters.write_supervised(w, m.now)
        if m.agencies is not None:
            score_chapters.write_agencies(w, m.scheme, m.own_rates, (m.agencies, m.agencies_year), units)
        topic_chapters.write_reviewed(w, m.detail, units)
        topic_chapters.write_improved(w, m.ledger, units)
        return
    if m.scores is not None:
        score_chapters.write_status(w, m.scores)
        if m.connect is not None:
            connect_chapter.write_unreported(w, m.connect, m.spans.period, units)
        score_chapters.write_scores(w, m.scores, units, m.settings)
    if m.agencies is not None:
        score_chapters.write_agencies(w, m.scheme, m.own_rates, (m.agencies, None), units)


def _list_idle(m: Material) -> list[Unit]:
    """Return active units that were given nothing and closed nothing in the period (零工单)."""
    if m.now.is_empty:
        return []
    busy = {row.unit for row in m.now.figures.dispatches} | {row.unit for row in m.now.figures.closed}
    units = m.snapshot.config.units
    return [u for code, u in sorted(units.items()) if u.active and u.kind == "handling" and code not in busy]


def _find_institution(m: Material, made_by: str) -> str:
    """Return the name of the institution of who made the issue, else of the one above all; "" without."""
    units, maker = m.snapshot.config.units, m.snapshot.by_code.get(made_by)
    home = units.get(maker.unit) if maker else None
    found = m.snapshot.find_institution(home.region if home else "", home.code if home else None)
    return units[found].name if found else ""
