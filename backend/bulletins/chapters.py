"""Write the chapters on the work: received, dispatched, handled, visited (B11, A16, practice 5.6 points 1-4)."""

from collections.abc import Callable, Mapping

from backend.bulletins.document import Cell, Number, Rate
from backend.bulletins.kinds import Spans
from backend.bulletins.reckoning import Work, by, change, points, share
from backend.bulletins.writing import Writer
from backend.domain.records import Unit
from backend.domain.scoring.measures import Measure

#: The main figures: (text key, how to get it); rates are compared by percentage points.
COUNTS: tuple[tuple[str, Callable[[Work], int]], ...] = (
    ("received", lambda w: w.got("count")), ("dispatched", lambda w: w.figures.dispatched_tickets),
    ("closed", lambda w: w.shut("count")), ("visited", lambda w: w.visited()), ("red", lambda w: w.held("red")),
)  # fmt: skip
RATES: tuple[tuple[str, Measure], ...] = (
    ("dispatch", Measure.DISPATCH), ("sign", Measure.SIGN), ("on_time", Measure.ON_TIME),
    ("satisfaction", Measure.SATISFACTION),
)  # fmt: skip
AGENCY_RATES: tuple[tuple[str, Measure], ...] = (
    ("response", Measure.RESPONSE), ("closure", Measure.CLOSURE), ("answered", Measure.ANSWERED_SATISFACTION),
)  # fmt: skip


def overview(w: Writer, now: Work, before: Work, year_ago: Work, rates: tuple[tuple[str, Measure], ...]) -> None:
    """Write the main figures beside those of the period before and the year before."""
    columns = [w.column(k, n) for k, n in (("figure", 1.5), ("now", 0.9), ("before", 0.9), ("change", 1.6),
                                           ("year_ago", 0.9), ("year_change", 1.6))]  # fmt: skip
    rows: list[tuple[Cell, ...]] = []
    for key, of in COUNTS:
        one, two, three = of(now), of(before), of(year_ago)
        two_, three_ = (None if work.empty else n for work, n in ((before, two), (year_ago, three)))
        rows.append((w.render(f"name.{key}"), one, two_, change(one, two), three_, change(one, three)))
    for key, measure in rates:
        first, second, third = (work.rate(measure).rate for work in (now, before, year_ago))
        rows.append(
            (
                w.render(f"name.{key}"),
                first,
                second,
                moved(w, points(first, second)),
                third,
                moved(w, points(first, third)),
            )
        )
    w.table("overview", columns, rows)


def moved(w: Writer, by_points: Number | None) -> str | None:
    """Describe the change of a rate: up, down or level, in percentage points."""
    if by_points is None:
        return None
    size = Number(abs(by_points.value))
    if size.text == "0.00":
        return w.render("level")
    return w.render("points_up" if by_points.value > 0 else "points_down", points=size)


def _against(w: Writer, key: str, grown: Rate | None) -> str:
    """Describe a change; "" if there is none to compare."""
    if grown is None:
        return ""
    way = "level" if grown.text in ("0.00%", "-0.00%") else "up" if grown.value > 0 else "down"
    return w.render(f"{key}_{way}", rate=Rate(abs(grown.value)))


def received(w: Writer, now: Work, before: Work, year_ago: Work) -> None:
    """Write chapter 1 受理."""
    w.heading("received")
    one = now.got("count")
    w.prose("received", count=one, before=_against(w, "before", change(one, before.got("count"))),
            year=_against(w, "year", change(one, year_ago.got("count"))), urgent=now.urgent, direct=now.got("direct"),
            mass=now.got("mass"), repeated=now.got("repeated"))  # fmt: skip
    if now.got("merged") or now.got("cancelled"):
        w.prose("received_apart", merged=now.got("merged"), cancelled=now.got("cancelled"))
    for key, group in (("channel", "channel"), ("category", "category"), ("grade", "grade")):
        parts = by(now.figures.received, lambda row, key=key: str(getattr(row, key)))  # type: ignore[misc]
        earlier = by(before.figures.received, lambda row, key=key: str(getattr(row, key)))  # type: ignore[misc]
        made = w.parts(key, group, parts, earlier)
        if key == "category" and made is not None:
            w.chart(
                "bars",
                key,
                made,
                [str(row[0]) for row in made.rows],
                {w.render("column.count"): [int(str(row[1])) for row in made.rows]},
            )


def trend(w: Writer, spans: Spans, months: tuple[tuple[int, int], ...]) -> None:
    """Write received and closed over the last thirteen months, from the first month with data."""
    first = next((n for n, pair in enumerate(months) if any(pair)), len(months))
    names, pairs = spans.trend_months[first:], months[first:]
    columns = [w.column("month", 1.4), w.column("received"), w.column("closed")]
    made = w.table("trend", columns, [(name, *pair) for name, pair in zip(names, pairs, strict=True)], annex=True)
    if len(pairs) > 1:
        w.chart("line", "trend", made, [f"{name[2:4]}.{name[5:]}" for name in names],
                {w.render("column.received"): [p[0] for p in pairs], w.render("column.closed"): [p[1] for p in pairs]})  # fmt: skip


def dispatched(w: Writer, now: Work) -> None:
    """Write chapter 2 派单."""
    w.heading("dispatched")
    w.prose("dispatched", tickets=now.figures.dispatched_tickets, given=now.sent("count"),
            assists=now.sent("count") - now.sent("leads"), rate=w.counted(now.rate(Measure.DISPATCH)), hours=now.hours)  # fmt: skip
    w.prose("returned", asked=now.asked("return"), accepted=now.asked("return", "accepted"),
            refused=now.asked("return", "refused"), withdrawn=now.asked("return", "withdrawn"),
            open=now.asked("return", ""), bounced=now.got("bounced"))  # fmt: skip


def handled(w: Writer, now: Work, units: Mapping[str, Unit]) -> None:
    """Write chapter 3 办理, with each unit's volumes by unit code: work, neither scores nor ranks (B11)."""
    w.heading("handled")
    w.prose("signed", rate=w.counted(now.rate(Measure.SIGN)), auto=now.sent("auto"), waiting=now.sent("waiting"))
    w.prose("closed", due=now.held("due"), closed=now.shut("count"), rate=w.counted(now.rate(Measure.ON_TIME)),
            explained=now.shut("explained"), once=now.shut("once"), twice=now.shut("twice"))  # fmt: skip
    w.prose("cards", yellow=now.held("yellow"), red=now.held("red"), open=now.held("open"), overdue=now.held("overdue"))
    given = {row.unit: row for row in now.figures.dispatches}
    closed = {row.unit: row for row in now.figures.closed}
    held = {row.unit: row for row in now.figures.in_hand}
    rows: list[tuple[Cell, ...]] = []
    for code in sorted({*given, *closed, *held}):
        unit, g, c, h = units.get(code), given.get(code), closed.get(code), held.get(code)
        line = (g.count if g else 0, g.auto if g else 0, c.count if c else 0, c.once + c.twice if c else 0,
                h.yellow if h else 0, h.red if h else 0, h.open if h else 0, h.overdue if h else 0)  # fmt: skip
        if any(line):
            rows.append((unit.name if unit else code, *line))
    heads = ("unit", "given", "auto", "closed", "extended", "yellow", "red", "open", "overdue")
    w.table("units", [w.column(k, 2.6 if k == "unit" else 1.0) for k in heads], rows)


def visited(w: Writer, now: Work) -> None:
    """Write chapter 4 回访, deemed results apart from real answers (Q35-Q39)."""
    w.heading("visited")
    reached = now.visited(reached=True)
    w.prose("visited", visited=now.visited(), reached=reached, rate=w.counted(now.rate(Measure.SATISFACTION)))
    verdicts = ("satisfied", "basically_satisfied", "unsatisfied", "deemed", "open")
    whole = now.visited()
    rows = [(w.render(f"verdict.{v}"), now.visited(v), share(now.visited(v), whole)) for v in verdicts]
    if whole:
        w.table("verdicts", [w.column("verdict", 2), w.column("count"), w.column("share", share=1)], rows)
    doubted = now.visited(doubted=True, manual=True)
    w.prose("second", doubted=now.visited(doubted=True), manual=doubted,
            good=now.visited("satisfied", "basically_satisfied", doubted=True, manual=True),
            bad=now.visited("unsatisfied", doubted=True, manual=True),
            deemed=now.visited("deemed", doubted=True, manual=True), excluded=now.visited(excluded=True))  # fmt: skip
