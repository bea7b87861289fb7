"""Write the chapters on the work: received, dispatched, handled, visited (B11, A16, practice 5.6 points 1-4)."""

from collections.abc import Callable, Mapping

from backend.domain.records import Unit
from backend.domain.scoring.measures import Measure
from backend.ports.reporting import ReceivedCount, VisitedCount
from backend.reporting.document import Cell, Number, Percent
from backend.reporting.document_builder import Writer
from backend.reporting.figures import PeriodFigures, compute_growth, compute_point_change, compute_share, count_by
from backend.reporting.kinds import ReportPeriods

#: The main figures: (text key, how to get it); rates are compared by percentage points.
COUNTS: tuple[tuple[str, Callable[[PeriodFigures], int]], ...] = (
    ("received", lambda w: w.sum_received(lambda row: row.count)), ("dispatched", lambda w: w.figures.dispatched_tickets),
    ("closed", lambda w: w.sum_closed(lambda row: row.count)), ("visited", lambda w: w.count_visited()), ("red", lambda w: w.sum_in_hand(lambda row: row.red)),
)  # fmt: skip
RateName = tuple[str, Measure]  # the text key and what it counts
#: Measures whose text key is not what they are stored as.
RATE_KEYS: Mapping[Measure, str] = {Measure.ANSWERED_SATISFACTION: "answered"}
RATES: tuple[RateName, ...] = (
    ("dispatch", Measure.DISPATCH), ("sign", Measure.SIGN), ("on_time", Measure.ON_TIME),
    ("satisfaction", Measure.SATISFACTION),
)  # fmt: skip
#: What received demands are grouped by: (text key, how to get it).
GROUPS: tuple[tuple[str, Callable[[ReceivedCount], str]], ...] = (
    ("channel", lambda row: row.channel),
    ("category", lambda row: row.category),
    ("grade", lambda row: row.grade),
)


def write_overview(
    w: Writer,
    now: PeriodFigures,
    before: PeriodFigures,
    year_ago: PeriodFigures,
    rates: tuple[RateName, ...],
) -> None:
    """Write the main figures beside those of the period before and the year before."""
    columns = [w.make_column(k, n) for k, n in (("figure", 1.5), ("now", 0.9), ("before", 0.9), ("change", 1.6),
                                           ("year_ago", 0.9), ("year_change", 1.6))]  # fmt: skip
    rows: list[tuple[Cell, ...]] = []
    for key, of in COUNTS:
        one, two, three = of(now), of(before), of(year_ago)
        two_, three_ = (None if work.is_empty else n for work, n in ((before, two), (year_ago, three)))
        rows.append((w.render(f"name.{key}"), one, two_, compute_growth(one, two), three_, compute_growth(one, three)))
    for key, measure in rates:
        first, second, third = (work.get_ratio(measure).percent for work in (now, before, year_ago))
        rows.append(
            (
                w.render(f"name.{key}"),
                first,
                second,
                describe_change(w, compute_point_change(first, second)),
                third,
                describe_change(w, compute_point_change(first, third)),
            )
        )
        rows += _list_answers(w, measure, now, before, year_ago)
    w.add_table("overview", columns, rows)


def _list_answers(
    w: Writer, measure: Measure, now: PeriodFigures, before: PeriodFigures, year_ago: PeriodFigures
) -> list[tuple[Cell, ...]]:
    """List what a satisfaction rate rests on, as rows under it (XD15); none under other rates."""
    rows: list[tuple[Cell, ...]] = []
    for key, one in now.get_answers(measure).items():
        two, three = (None if work.is_empty else work.get_answers(measure)[key] for work in (before, year_ago))
        grown = (compute_growth(one, two or 0), compute_growth(one, three or 0))
        rows.append((w.render(f"name.basis_{key}"), one, two, grown[0], three, grown[1]))
    return rows


def describe_change(w: Writer, points: Number | None) -> str | None:
    """Describe the change of a rate: up, down or level, in percentage points."""
    if points is None:
        return None
    size = Number(abs(points.value))
    if size.text == "0.00":
        return w.render("level")
    return w.render("points_up" if points.value > 0 else "points_down", points=size)


def _describe_growth(w: Writer, key: str, grown: Percent | None) -> str:
    """Describe a change; "" if there is none to compare."""
    if grown is None:
        return ""
    way = "level" if grown.text in ("0.00%", "-0.00%") else "up" if grown.value > 0 else "down"
    return w.render(f"{key}_{way}", rate=Percent(abs(grown.value)))


def write_received(w: Writer, now: PeriodFigures, before: PeriodFigures, year_ago: PeriodFigures) -> None:
    """Write chapter 1 受理."""
    w.add_heading("received")
    one = now.sum_received(lambda row: row.count)
    w.add_paragraph(
        "received",
        count=one,
        before=_describe_growth(w, "before", compute_growth(one, before.sum_received(lambda row: row.count))),
        year=_describe_growth(w, "year", compute_growth(one, year_ago.sum_received(lambda row: row.count))),
        urgent=now.urgent,
        direct=now.sum_received(lambda row: row.direct),
        mass=now.sum_received(lambda row: row.mass),
        repeated=now.sum_received(lambda row: row.repeated),
    )
    if now.sum_received(lambda row: row.merged) or now.sum_received(lambda row: row.cancelled):
        w.add_paragraph(
            "received_apart",
            merged=now.sum_received(lambda row: row.merged),
            cancelled=now.sum_received(lambda row: row.cancelled),
        )
    for key, group_of in GROUPS:
        parts, earlier = (count_by(period.figures.received, group_of) for period in (now, before))
        made = w.add_parts_table(key, key, parts, earlier)
        if key == "category" and made is not None:
            w.add_chart(
                "bars",
                key,
                made,
                [str(row[0]) for row in made.rows],
                {w.render("column.count"): [int(str(row[1])) for row in made.rows]},
            )


def write_trend(w: Writer, spans: ReportPeriods, months: tuple[tuple[int, int], ...]) -> None:
    """Write received and closed over the last thirteen months, from the first month with data."""
    first = next((n for n, pair in enumerate(months) if any(pair)), len(months))
    names, pairs = spans.trend_months[first:], months[first:]
    columns = [w.make_column("month", 1.4), w.make_column("received"), w.make_column("closed")]
    made = w.add_table("trend", columns, [(name, *pair) for name, pair in zip(names, pairs, strict=True)], annex=True)
    if len(pairs) > 1:
        w.add_chart(
            "line",
            "trend",
            made,
            [f"{name[2:4]}.{name[5:]}" for name in names],
            {w.render("column.received"): [p[0] for p in pairs], w.render("column.closed"): [p[1] for p in pairs]},
        )


def write_dispatched(w: Writer, now: PeriodFigures) -> None:
    """Write chapter 2 派单."""
    w.add_heading("dispatched")
    w.add_paragraph(
        "dispatched",
        tickets=now.figures.dispatched_tickets,
        given=now.sum_given(lambda row: row.count),
        assists=now.sum_given(lambda row: row.count) - now.sum_given(lambda row: row.leads),
        rate=w.format_ratio(now.get_ratio(Measure.DISPATCH)),
        hours=now.hours if now.figures.dispatch_waited else "",
        waited=now.figures.dispatch_waited or "",
    )
    w.add_paragraph(
        "returned",
        asked=now.count_requests("return"),
        accepted=now.count_requests("return", "accepted"),
        refused=now.count_requests("return", "refused"),
        withdrawn=now.count_requests("return", "withdrawn"),
        open=now.count_requests("return", ""),
        bounced=now.sum_received(lambda row: row.bounced),
    )


def write_handled(w: Writer, now: PeriodFigures, units: Mapping[str, Unit]) -> None:
    """Write chapter 3 办理, with each unit's volumes by unit code: work, neither scores nor ranks (B11)."""
    w.add_heading("handled")
    w.add_paragraph(
        "signed",
        rate=w.format_ratio(now.get_ratio(Measure.SIGN)),
        auto=now.sum_given(lambda row: row.auto),
        waiting=now.sum_given(lambda row: row.waiting),
    )
    w.add_paragraph(
        "closed",
        due=now.sum_in_hand(lambda row: row.due),
        closed=now.sum_closed(lambda row: row.count),
        rate=w.format_ratio(now.get_ratio(Measure.ON_TIME)),
        explained=now.sum_closed(lambda row: row.explained),
        once=now.sum_closed(lambda row: row.once),
        twice=now.sum_closed(lambda row: row.twice),
    )
    w.add_paragraph(
        "cards",
        yellow=now.sum_in_hand(lambda row: row.yellow),
        red=now.sum_in_hand(lambda row: row.red),
        open=now.sum_in_hand(lambda row: row.open),
        overdue=now.sum_in_hand(lambda row: row.overdue),
    )
    given = {row.unit: row for row in now.figures.dispatches}
    closed = {row.unit: row for row in now.figures.closed}
    in_hand = {row.unit: row for row in now.figures.in_hand}
    rows: list[tuple[Cell, ...]] = []
    for code in sorted({*given, *closed, *in_hand}):
        unit, g, c, h = units.get(code), given.get(code), closed.get(code), in_hand.get(code)
        line = (
            g.count if g else 0,
            g.auto if g else 0,
            c.count if c else 0,
            c.once + c.twice if c else 0,
            h.yellow if h else 0,
            h.red if h else 0,
            h.open if h else 0,
            h.overdue if h else 0,
        )
        if any(line):
            rows.append((unit.name if unit else code, *line))
    heads = ("unit", "given", "auto", "closed", "extended", "yellow", "red", "open", "overdue")
    w.add_table("units", [w.make_column(k, 2.6 if k == "unit" else 1.0) for k in heads], rows, total=True)


def _is_second(row: VisitedCount) -> bool:
    """Whether a person visited after the automatic visit heard 不满意."""
    return row.doubted and row.manual


def write_visited(w: Writer, now: PeriodFigures) -> None:
    """Write chapter 4 回访, deemed results apart from real answers (Q35-Q39)."""
    w.add_heading("visited")
    reached = now.count_visited(where=lambda row: row.reached)
    w.add_paragraph(
        "visited",
        visited=now.count_visited(),
        reached=reached,
        rate=w.format_ratio(now.get_ratio(Measure.SATISFACTION)),
        **{f"rated_{key}": n for key, n in now.get_answers(Measure.SATISFACTION).items()},
    )
    verdicts = ("satisfied", "basically_satisfied", "unsatisfied", "deemed", "open")
    whole = now.count_visited()
    rows = [
        (w.render(f"verdict.{v}"), now.count_visited(v), compute_share(now.count_visited(v), whole)) for v in verdicts
    ]
    if whole:
        w.add_table(
            "verdicts",
            [w.make_column("verdict", 2), w.make_column("count"), w.make_column("share", share=1)],
            rows,
            total=True,
        )
    doubted = now.count_visited(where=_is_second)
    w.add_paragraph(
        "second",
        doubted=now.count_visited(where=lambda row: row.doubted),
        manual=doubted,
        good=now.count_visited("satisfied", "basically_satisfied", where=_is_second),
        bad=now.count_visited("unsatisfied", where=_is_second),
        deemed=now.count_visited("deemed", where=_is_second),
        excluded=now.count_visited(where=lambda row: row.unreasonable),
    )
