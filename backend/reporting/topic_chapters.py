"""Write the chapters on hot spots, supervision, reviewed tickets, governance, knowledge, and notes (A17, A27)."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from backend.domain.masking import cut, mask
from backend.domain.records import Unit
from backend.domain.setting_words import word_value
from backend.domain.settings import Settings
from backend.ports.reporting import PeriodDetail, ProblemTicket
from backend.ports.scoring import LedgerEntry
from backend.reporting.document import Cell
from backend.reporting.document_builder import Writer
from backend.reporting.figures import PeriodFigures, compute_share, count_by
from backend.reporting.kinds import ReportPeriods, format_date, get_last_instant

MAX_PLACES = 10  # listed at most
TAIL = 4  # last characters of a ticket number that are printed
MAX_CHARS = {"title": 40, "said": 160}  # characters of masked texts
_MASK_REMAINS = re.compile(r"[0-9]{0,4}[*]{3,}[0-9]{0,4}")  # remains of a masked number
_HOUSE_NUMBER = re.compile(r"[0-9０-９#＃]")
#: Settings printed under the figures (the others are on the score sheets).
READINGS = (
    "profile", "workday.mode", "dispatch.general.limit", "dispatch.urgent.limit", "sign.general.limit",
    "sign.urgent.limit", "card.red_at", "scoring.closure_basis", "scoring.unreasonable_mode",
    "scoring.second_visit_unreached", "scoring.rounding",
)  # fmt: skip


def count_streets(places: Iterable[tuple[str, int]]) -> list[tuple[str, int]]:
    """Count places, cut before the first house number to leave a street or estate but no home; most frequent first."""
    found: Counter[str] = Counter()
    for place, n in places:
        name = _HOUSE_NUMBER.split(mask(place, strict=True).replace("*", "#"), maxsplit=1)[0].strip(" ,，、-—()（）")
        if len(name) > 1:
            found[cut(name, 24)] += n
    return sorted(((name, n) for name, n in found.items() if n > 1), key=lambda row: (-row[1], row[0]))[:MAX_PLACES]


def write_hot(w: Writer, now: PeriodFigures, before: PeriodFigures, detail: PeriodDetail) -> None:
    """Write chapter 5 热点."""
    w.add_heading("hot")
    regions = count_by(now.figures.received, lambda row: row.region)
    categories = count_by(now.figures.received, lambda row: row.category)
    top = max(categories.items(), key=lambda item: item[1], default=("", 0))
    place = max(regions.items(), key=lambda item: item[1], default=("", 0))
    whole = now.sum_received(lambda row: row.count)
    w.add_paragraph("hot", category=w.texts.get_word_or_value("category", top[0]) if top[0] else "", count=top[1], rate=compute_share(top[1], whole),
            region=place[0], region_count=place[1], repeated=now.sum_received(lambda row: row.repeated), mass=now.sum_received(lambda row: row.mass), urgent=now.urgent)  # fmt: skip
    w.add_parts_table("region", "region_name", regions, count_by(before.figures.received, lambda row: row.region))
    found = count_streets(detail.places)
    w.add_table("place", [w.make_column("place", 3), w.make_column("count")], found)


def write_supervised(w: Writer, now: PeriodFigures) -> None:
    """Write chapter 6 督办 (A15)."""
    w.add_heading("supervised")
    outcomes = now.figures.supervised
    if not outcomes:
        w.add_paragraph("supervised_none")
        return
    # an accepted answer ends the duty, so timely and late ones were answered
    w.add_paragraph("supervised", orders=sum(outcomes.values()), timely=outcomes.get("timely", 0), late=outcomes.get("late", 0),
            open=outcomes.get("", 0), void=outcomes.get("void", 0))  # fmt: skip


def write_reviewed(w: Writer, detail: PeriodDetail, units: Mapping[str, Unit]) -> None:
    """Write chapter 7 逐件评议 (A17): unsatisfied or badly handled tickets with conclusions; number tails, masked texts."""
    w.add_heading("reviewed")
    if not detail.problems:
        w.add_paragraph("reviewed_none")
        return
    done = sum(bool(p.conclusion) for p in detail.problems)
    unsatisfied, red = sum(p.unsatisfied for p in detail.problems), sum(p.red for p in detail.problems)
    w.add_paragraph("reviewed", count=detail.problems_in_all, unsatisfied=unsatisfied, red=red, done=done)
    if detail.problems_in_all > len(detail.problems):
        w.add_paragraph("reviewed_more", shown=len(detail.problems), count=detail.problems_in_all)
    columns = [
        w.make_column(k, n)
        for k, n in (("ticket", 0.9), ("matter", 2.3), ("unit", 1.6), ("reason", 1.5), ("review", 3.0))
    ]
    w.start_annex("reviewed")
    w.add_table("reviewed", columns, [_build_problem_row(w, p, units) for p in detail.problems], appended=True)


def _build_problem_row(w: Writer, p: ProblemTicket, units: Mapping[str, Unit]) -> tuple[Cell, ...]:
    why = [
        w.render(f"reason.{name}")
        for name, is_ in (("unsatisfied", p.unsatisfied), ("red", p.red), ("excluded", p.unreasonable))
        if is_
    ]
    kind = w.texts.get_word_or_value("category", p.category) if p.category else ""
    title = redact(p.title, p.name, "title")
    matter = w.render("list_mark").join(filter(None, (p.region, kind)))
    if title:
        matter = w.render("matter", region=p.region, category=kind, title=title)
    unit = units.get(p.unit)
    return (
        p.ticket_no[-TAIL:],
        matter,
        unit.name if unit else p.unit,
        w.render("list_mark").join(why),
        _describe_review(w, p),
    )


def _describe_review(w: Writer, p: ProblemTicket) -> str:
    if not p.conclusion:
        return w.render("not_reviewed")
    said = {"conclusion": p.conclusion, "responsibility": p.responsibility, "improvement": p.improvement}
    return w.render("review", **{name: redact(text, p.name, "said") for name, text in said.items()})


def redact(text: str, name: str | None, field: str) -> str:
    """Mask personal data in a text, then cut it to a length of LONGEST."""
    masked = _MASK_REMAINS.sub("****", mask(text, (name,) if name else (), strict=True))
    return cut(" ".join(masked.split()), MAX_CHARS[field])


def write_improved(w: Writer, ledger: Sequence[LedgerEntry], units: Mapping[str, Unit]) -> None:
    """Write chapters 8 治理 (每月1个同类问题) and 9 知识库, as accepted in the ledgers."""
    for heading, kind in (("governed", "governed_class"), ("knowledge", "knowledge")):
        w.add_heading(heading)
        rows = [e for e in ledger if e.kind == kind]
        if not rows:
            w.add_paragraph(f"{heading}_none")
            continue
        w.add_paragraph(heading, count=sum(e.count for e in rows), units=len({e.unit for e in rows}))
        columns = [w.make_column("unit", 2), w.make_column("count", 0.8), w.make_column("note", 4)]
        named = [(units[e.unit].name if e.unit in units else e.unit, e.count, redact(e.note or e.matter or "", None, "said"))
                 for e in rows]  # fmt: skip
        w.add_table(heading, columns, named, total=True)


def write_notes(
    w: Writer, spans: ReportPeriods, detail: PeriodDetail | None, settings: Settings, idle: Sequence[Unit], now: datetime, basis: str
) -> None:  # fmt: skip
    """Write chapter 10 数据说明: as of when, by which settings, idle units, late entries."""
    w.add_heading("notes")
    if spans.now.end > now:
        w.add_paragraph("unfinished", at=format_date(w.texts, now))
    w.add_paragraph("as_of", at=format_date(w.texts, now), first=format_date(w.texts, spans.now.start.astimezone(now.tzinfo)),
            last=format_date(w.texts, get_last_instant(spans.now.end).astimezone(now.tzinfo)))  # fmt: skip
    w.add_paragraph("basis", basis=basis)
    w.add_paragraph("rounding")
    if detail is not None and detail.late_lines:
        w.add_paragraph("late", count=detail.late_lines)
    if idle:
        names = w.render("list_mark").join(unit.name for unit in idle)
        w.add_paragraph("idle", count=len(idle), names=names)
    w.add_paragraph("private")
    labels = [(w.render(f"reading.{key}"), word_value(w.texts, key, settings.get(key))) for key in READINGS]
    w.add_table("readings", [w.make_column("reading", 3), w.make_column("value", 2)], labels)
