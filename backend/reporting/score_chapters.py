"""Write the chapters with scores: quarterly ranking, annual assessment, the rates by unit (B12, A26, Q52)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from backend.domain.records import Unit
from backend.domain.scoring.measures import Measure, list_counted
from backend.domain.scoring.ranking import rank
from backend.domain.scoring.scheme import Scheme
from backend.domain.scoring.sheet import CONNECT_UNREPORTED, UNDECIDED
from backend.domain.settings import Settings
from backend.ports.scoring import UnitCount
from backend.reporting.document import Cell, Column, Number
from backend.reporting.document_builder import Writer
from backend.reporting.figures import Ratio
from backend.reporting.work_chapters import RateName

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Scores:
    """A period's result and what is printed beside it: monthly scores, volumes, and the runs they come from."""

    units: Sequence[Row]
    regions: Sequence[Row]
    months: Mapping[str, Mapping[str, str | None]]  # unit or region → month → total
    volumes: Mapping[str, int]  # unit → assignments
    small_samples: frozenset[str]
    month_runs: Mapping[str, int | None]  # month → id of the locked run, None for a trial
    period_run: int | None = None  # id of the period's own locked run
    month_names: Sequence[str] = field(default=())
    forced: Sequence[tuple[str, int, str]] = ()  # period, run, reason: locked by an administrator regardless (XD4)
    satisfaction: Mapping[str, "Satisfaction"] = field(default_factory=dict)  # by unit
    nothing_due: Mapping[str, Sequence[str]] = field(default_factory=dict)  # unit → months it is scored in all the same


@dataclass(frozen=True, slots=True)
class Satisfaction:
    """A unit's satisfaction rate over the period, and what it rests on (XD15); None: an older run did not know."""

    rate: Ratio
    reached: int | None
    answered: int | None


def write_status(w: Writer, found: Scores) -> None:
    """Write which runs the scores come from, what was forced, and how they are averaged."""
    runs = [
        w.render("run_locked", month=m, run=n) if n else w.render("run_trial", month=m)
        for m, n in found.month_runs.items()
    ]
    w.add_heading("score_status")
    if found.period_run is not None:
        w.add_paragraph("score_status_whole", run=found.period_run)
    elif runs:
        w.add_paragraph("score_status", runs=w.render("list_mark").join(runs))
    for period, run, reason in found.forced:
        w.add_paragraph("forced", period=period, run=run, reason=reason)
    w.add_paragraph("method")


def write_scores(w: Writer, found: Scores, units: Mapping[str, Unit], settings: Settings) -> None:
    """Write regions, institutions, units in peer groups, and departments without region; the unscored apart."""
    ranked = settings.choice("bulletin.ranking") == "ranks"
    scored = [r for r in found.units if r["total"] is not None]
    if not scored and not any(r["total"] is not None for r in found.regions):
        w.add_paragraph("no_scores")
    if any(r["total"] is not None for r in found.regions):
        w.add_heading("regions")
        rows = [r for r in found.regions if r["total"] is not None]
        _write_table(w, "regions", rows, found, "region", ranked=ranked, units=units)
        _write_unscored(w, [r["region"] for r in found.regions if r["total"] is None])
    handling = [r for r in scored if not _is_department(r, units) and not is_management(r, units)]
    for heading, rows in (("management", [r for r in scored if is_management(r, units)]), ("units", handling),
                          ("departments", [r for r in scored if _is_department(r, units) and not is_management(r, units)])):  # fmt: skip
        if not rows:
            continue
        w.add_heading(f"scores_{heading}")
        if heading != "units":
            _write_table(w, f"scores_{heading}", rows, found, "unit", ranked=ranked, units=units)
            continue
        w.add_paragraph(
            "peer_groups", large=settings.integer("bulletin.peer_large"), small=settings.integer("bulletin.peer_small")
        )
        for group, members in group_by_volume(rows, found.volumes, settings):
            if members:
                w.add_paragraph(f"group_{group}", count=len(members), large=settings.integer("bulletin.peer_large"),
                        small=settings.integer("bulletin.peer_small"))  # fmt: skip
                _write_table(w, f"group_{group}", members, found, "unit", ranked=ranked, units=units)
    _write_satisfaction(w, found, units)
    idle = [r for r in found.units if r["total"] is None]
    if idle:
        w.add_heading("unscored")
        open_ones = [r for r in idle if UNDECIDED in r.get("flags", ())]
        absent = [r for r in idle if r not in open_ones]
        for key, rows in (("unscored_management", [r for r in absent if is_management(r, units)]),
                          ("unscored_units", [r for r in absent if not is_management(r, units)]),
                          ("unscored_undecided", open_ones)):  # fmt: skip
            _write_unscored(w, [r.get("name") or r["unit"] for r in rows], key)


def _write_satisfaction(w: Writer, found: Scores, units: Mapping[str, Unit]) -> None:
    """Write each unit's satisfaction rate with those reached, those who answered, and the deemed (XD15)."""
    rows: list[tuple[Cell, ...]] = []
    for code, one in sorted(found.satisfaction.items()):
        whole = one.rate.denominator
        deemed = None if one.answered is None else whole - one.answered
        name = units[code].name if code in units else code
        rows.append((name, one.rate.numerator, whole, one.rate.percent, one.reached, one.answered, deemed))
    heads = ("satisfied_of", "satisfied_all")
    columns = [
        w.make_column("unit", 2.6),
        *(w.make_column(head) for head in heads),
        w.make_column("satisfaction", 1.1, ratio=(1, 2)),
        *(w.make_column(f"basis_{key}") for key in ("reached", "answered", "deemed")),
    ]
    if rows:
        w.add_heading("satisfaction")
        w.add_paragraph("satisfaction")
        w.add_table("satisfaction", columns, rows, total=True)


def is_management(row: Row, units: Mapping[str, Unit]) -> bool:
    """Whether a row is of a management institution."""
    return row["unit"] in units and units[row["unit"]].kind == "management"


def _is_department(row: Row, units: Mapping[str, Unit]) -> bool:
    unit = units.get(row["unit"])
    return unit is not None and (unit.province_department or not unit.region)


def group_by_volume(rows: Sequence[Row], volumes: Mapping[str, int], settings: Settings) -> list[tuple[str, list[Row]]]:
    """Group units by volume (`bulletin.peer_large`, `bulletin.peer_small`): few tickets are not ranked with many."""
    large, small = settings.integer("bulletin.peer_large"), settings.integer("bulletin.peer_small")
    found: dict[str, list[Row]] = {"large": [], "middle": [], "small": []}
    for row in rows:
        n = volumes.get(row["unit"], 0)
        found["large" if n >= large else "small" if n < small else "middle"].append(row)
    return list(found.items())


def _write_table(
    w: Writer, key: str, rows: Sequence[Row], found: Scores, name: str, *, ranked: bool, units: Mapping[str, Unit]
) -> None:
    """Write one score table: by rank (ties share one), or by tier with the units of a tier by code."""
    ranks = {r.code: r.rank for r in rank({row[name]: row["total"] for row in rows})}
    if ranked:
        ordered = sorted(rows, key=lambda r: (ranks[r[name]] or 0, r[name]))
    else:
        ordered = sorted(rows, key=lambda r: (_get_tier_order(w, r), r[name]))
    monthly = len(found.month_names) <= 3
    of_unit = name == "unit"
    heads = [*(["rank"] if ranked else ["tier"]), "unit" if of_unit else "region", *(["volume"] if of_unit else [])]
    columns = [w.make_column(h, {"unit": 2.6, "region": 2.6}.get(h, 0.9)) for h in heads]
    months = [Column(w.texts.render(f"bulletin.month.{int(m[5:])}"), 0.9) for m in found.month_names]
    after = [
        w.make_column("score", 1.0),
        *([w.make_column("tier", 0.9)] if ranked else []),
        w.make_column("remark", 1.2),
    ]
    lines: list[tuple[Cell, ...]] = []
    full: list[tuple[Cell, ...]] = []
    for row in ordered:
        first: tuple[Cell, ...] = (ranks[row[name]] if ranked else _format_tier(w, row), row.get("name") or row[name])
        if of_unit:
            first = (*first, found.volumes.get(row["unit"], 0))
        month_cells = tuple(make_score_cell(found.months.get(row[name], {}).get(m)) for m in found.month_names)
        remark = w.render("list_mark").join(_list_remarks(w, row, found, row[name]))
        last = (make_score_cell(row["total"]), *((_format_tier(w, row),) if ranked else ()), remark)
        lines.append((*first, *(month_cells if monthly else ()), *last))
        full.append((*first, *month_cells, *last))
    w.add_table(key, [*columns, *(months if monthly else ()), *after], lines)
    if not monthly:
        w.add_table(f"{key}_months", [*columns, *months, *after], full, annex=True)


def _list_remarks(w: Writer, row: Row, found: Scores, code: str) -> list[str]:
    """Return what must be known beside a score: a small sample, counts never reported (XD14), months with nothing due to
    be closed, months without a score."""
    totals = found.months.get(code, {})
    missing = [m for m in found.month_names if totals.get(m) is None]
    remarks: tuple[tuple[str, bool, Sequence[str]], ...] = (
        ("small_sample", code in found.small_samples, ()),
        ("unreported", CONNECT_UNREPORTED in row.get("flags", ()), ()),
        ("nothing_due", code in found.nothing_due, found.nothing_due.get(code, ())),
        ("months_missing", bool(missing), missing),
    )
    return [w.render(key, months=_name_months(w, months)) for key, said, months in remarks if said]


def _name_months(w: Writer, months: Sequence[str]) -> str:
    return w.render("list_mark").join(w.texts.render(f"bulletin.month.{int(month[5:])}") for month in months)


def _get_tier_order(w: Writer, row: Row) -> int:
    order = ("excellent", "good", "fair", "poor")
    return order.index(row["tier"]) if row.get("tier") in order else len(order)


def _format_tier(w: Writer, row: Row) -> str:
    return w.texts.get_word_or_value("tier", str(row["tier"])) if row.get("tier") else ""


def make_score_cell(total: str | None) -> Cell:
    """Convert a published score to a cell."""
    return None if total is None else Number(Fraction(total))


def _write_unscored(w: Writer, names: Sequence[str], key: str = "unscored") -> None:
    """Name who has no score; `key`: the sentence that says why."""
    if names:
        w.add_paragraph(key, count=len(names), names=w.render("list_mark").join(names))


def write_agencies(
    w: Writer, scheme: Scheme, rates: Sequence[RateName], spans: Sequence[Mapping[Measure, Sequence[UnitCount]] | None],
    units: Mapping[str, Unit],
) -> None:  # fmt: skip
    """Write the scheme's rates by unit, of the period and, if it is given, of the year to date (A26, A35, Q41)."""
    names = w.render("list_mark").join(w.render(f"name.{key}") for key, _ in rates)
    w.add_heading("agencies")
    w.add_paragraph("agencies", names=names, no_total="" if scheme.totals else w.render("no_total"))
    as_said = Measure.VISIT_REACHED in list_counted(measure for _, measure in rates)
    if as_said:
        w.add_paragraph("agencies_as_said")
    for table, source in zip(("agencies", "agencies_year"), spans, strict=True):
        if source is None:
            continue
        pairs = {m: {c.unit: Ratio(c.numerator, c.denominator) for c in rows} for m, rows in source.items()}
        columns = [w.make_column("unit", 2.4)]
        for n, (key, _) in enumerate(rates):
            ratio = (3 * n + 1, 3 * n + 2)
            columns += [w.make_column(f"{key}_of", 0.9), w.make_column(f"{key}_all", 0.9)]
            columns.append(w.make_column(key, 1.1, ratio=ratio))
        columns += [w.make_column("visit_reached", 0.9)] if as_said else []
        rows = []
        for code in sorted({code for counts in pairs.values() for code in counts}):
            line: list[Cell] = [units[code].name if code in units else code]
            for _, measure in rates:
                pair = pairs.get(measure, {}).get(code, Ratio())
                line += [pair.numerator, pair.denominator, pair.percent]
            line += [pairs.get(Measure.VISIT_REACHED, {}).get(code, Ratio()).numerator] if as_said else []
            rows.append(line)
        w.add_table(table, columns, rows, total=True)
