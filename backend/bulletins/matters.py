"""Write the chapters on hot spots, supervision, reviewed tickets, governance, knowledge, and notes (A17, A27)."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from backend.bulletins.document import Cell
from backend.bulletins.kinds import Spans, day, last_instant
from backend.bulletins.reckoning import Work, by, share
from backend.bulletins.writing import Writer
from backend.domain.limits import Limit
from backend.domain.masking import cut, mask
from backend.domain.records import Unit
from backend.domain.refusals import Refused
from backend.domain.settings import Settings
from backend.ports.reporting import PeriodDetail, ProblemTicket
from backend.ports.scoring import LedgerEntry

PLACES = 10  # listed at most
TAIL = 4  # last characters of a ticket number that are printed
LONGEST = {"title": 40, "said": 160}  # characters of masked texts
_LEFT_OVER = re.compile(r"[0-9]{0,4}[*]{3,}[0-9]{0,4}")  # remains of a masked number
_DOOR = re.compile(r"[0-9０-９#＃]")
#: Settings printed under the figures (the others are on the score sheets).
READINGS = (
    "profile", "workday.mode", "dispatch.general.limit", "dispatch.urgent.limit", "sign.general.limit",
    "sign.urgent.limit", "card.red_at", "scoring.closure_basis", "scoring.unreasonable_mode",
    "scoring.second_visit_unreached", "scoring.rounding",
)  # fmt: skip


def streets(places: Iterable[tuple[str, int]]) -> list[tuple[str, int]]:
    """Count places, cut before the first house number to leave a street or estate but no home; most frequent first."""
    found: Counter[str] = Counter()
    for place, n in places:
        name = _DOOR.split(mask(place, strict=True).replace("*", "#"), maxsplit=1)[0].strip(" ,，、-—()（）")
        if len(name) > 1:
            found[cut(name, 24)] += n
    return sorted(((name, n) for name, n in found.items() if n > 1), key=lambda row: (-row[1], row[0]))[:PLACES]


def hot(w: Writer, now: Work, before: Work, detail: PeriodDetail) -> None:
    """Write chapter 5 热点."""
    w.heading("hot")
    regions = by(now.figures.received, lambda row: row.region)
    categories = by(now.figures.received, lambda row: row.category)
    top = max(categories.items(), key=lambda item: item[1], default=("", 0))
    place = max(regions.items(), key=lambda item: item[1], default=("", 0))
    whole = now.got("count")
    w.prose("hot", category=w.words.get_word_or_value("category", top[0]) if top[0] else "", count=top[1], rate=share(top[1], whole),
            region=place[0], region_count=place[1], repeated=now.got("repeated"), mass=now.got("mass"), urgent=now.urgent)  # fmt: skip
    w.parts("region", "region_name", regions, by(before.figures.received, lambda row: row.region))
    found = streets(detail.places)
    w.table("place", [w.column("place", 3), w.column("count")], found)


def supervised(w: Writer, now: Work) -> None:
    """Write chapter 6 督办 (A15)."""
    w.heading("supervised")
    became = now.figures.supervised
    if not became:
        w.prose("supervised_none")
        return
    # an accepted answer ends the duty, so timely and late ones were answered
    w.prose("supervised", orders=sum(became.values()), timely=became.get("timely", 0), late=became.get("late", 0),
            open=became.get("", 0), void=became.get("void", 0))  # fmt: skip


def reviewed(w: Writer, detail: PeriodDetail, units: Mapping[str, Unit]) -> None:
    """Write chapter 7 逐件评议 (A17): unsatisfied or badly handled tickets with conclusions; number tails, masked texts."""
    w.heading("reviewed")
    if not detail.problems:
        w.prose("reviewed_none")
        return
    done = sum(bool(p.conclusion) for p in detail.problems)
    sad, red = (sum(getattr(p, n) for p in detail.problems) for n in ("unsatisfied", "red"))
    w.prose("reviewed", count=detail.problems_in_all, unsatisfied=sad, red=red, done=done)
    if detail.problems_in_all > len(detail.problems):
        w.prose("reviewed_more", shown=len(detail.problems), count=detail.problems_in_all)
    columns = [
        w.column(k, n) for k, n in (("ticket", 0.9), ("matter", 2.3), ("unit", 1.6), ("reason", 1.5), ("review", 3.0))
    ]
    w.table("reviewed", columns, [_problem(w, p, units) for p in detail.problems])


def _problem(w: Writer, p: ProblemTicket, units: Mapping[str, Unit]) -> tuple[Cell, ...]:
    why = [
        w.render(f"reason.{name}")
        for name, is_ in (("unsatisfied", p.unsatisfied), ("red", p.red), ("excluded", p.excluded))
        if is_
    ]
    kind = w.words.get_word_or_value("category", p.category) if p.category else ""
    title = plain(p.title, p.name, "title")
    told = w.render("list_mark").join(filter(None, (p.region, kind)))
    if title:
        told = w.render("matter", region=p.region, category=kind, title=title)
    unit = units.get(p.unit)
    return (p.no[-TAIL:], told, unit.name if unit else p.unit, w.render("list_mark").join(why), _said(w, p))


def _said(w: Writer, p: ProblemTicket) -> str:
    if not p.conclusion:
        return w.render("not_reviewed")
    facts = {n: plain(getattr(p, n), p.name, "said") for n in ("conclusion", "responsibility", "improvement")}
    return w.render("review", **facts)


def plain(text: str, name: str | None, longest: str) -> str:
    """Mask personal data in a text, then cut it to a length of LONGEST."""
    masked = _LEFT_OVER.sub("****", mask(text, (name,) if name else (), strict=True))
    return cut(" ".join(masked.split()), LONGEST[longest])


def improved(w: Writer, ledger: Sequence[LedgerEntry], units: Mapping[str, Unit]) -> None:
    """Write chapters 8 治理 (每月1个同类问题) and 9 知识库, as accepted in the ledgers."""
    for heading, kind in (("governed", "governed_class"), ("knowledge", "knowledge")):
        w.heading(heading)
        rows = [e for e in ledger if e.kind == kind]
        if not rows:
            w.prose(f"{heading}_none")
            continue
        w.prose(heading, count=sum(e.count for e in rows), units=len({e.unit for e in rows}))
        columns = [w.column("unit", 2), w.column("count", 0.8), w.column("note", 4)]
        named = [(units[e.unit].name if e.unit in units else e.unit, e.count, plain(e.note or e.matter or "", None, "said"))
                 for e in rows]  # fmt: skip
        w.table(heading, columns, named)


def noted(
    w: Writer, spans: Spans, detail: PeriodDetail | None, settings: Settings, idle: Sequence[Unit], now: datetime, basis: str
) -> None:  # fmt: skip
    """Write chapter 10 数据说明: as of when, by which settings, idle units, late entries."""
    w.heading("notes")
    if spans.now.end > now:
        w.prose("unfinished", at=day(w.words, now))
    w.prose("as_of", at=day(w.words, now), first=day(w.words, spans.now.start.astimezone(now.tzinfo)),
            last=day(w.words, last_instant(spans.now.end).astimezone(now.tzinfo)))  # fmt: skip
    w.prose("basis", basis=basis)
    w.prose("rounding")
    if detail is not None and detail.late_lines:
        w.prose("late", count=detail.late_lines)
    if idle:
        names = w.render("list_mark").join(unit.name for unit in idle)
        w.prose("idle", count=len(idle), names=names)
    w.prose("private")
    labels = [(w.render(f"reading.{key}"), spoken(w, settings, key)) for key in READINGS]
    w.table("readings", [w.column("reading", 3), w.column("value", 2)], labels)


def spoken(w: Writer, settings: Settings, key: str) -> str:
    """Format a setting's value, in words if the catalogue has them."""
    value = settings.get(key)
    if w.words.has(f"word.reading_value.{value}"):
        return w.words.get_word("reading_value", value)
    try:
        limit = Limit.parse(value)
    except Refused:
        return value
    return w.render("limit", amount=limit.amount, unit=w.words.get_word("limit_unit", str(limit.unit)))
