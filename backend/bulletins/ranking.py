"""Write the chapters with scores: quarterly ranking, annual assessment, the agencies' three rates (B12, A26, Q52)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from backend.bulletins.document import Cell, Number
from backend.bulletins.reckoning import Pair
from backend.bulletins.writing import Writer
from backend.domain.records import Unit
from backend.domain.scoring.measures import Measure
from backend.domain.scoring.ranking import rank
from backend.domain.settings import Settings
from backend.ports.scoring import UnitCount

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Scores:
    """A period's result and what is printed beside it: monthly scores, volumes, and the runs they come from."""

    units: Sequence[Row]
    regions: Sequence[Row]
    months: Mapping[str, Mapping[str, str | None]]  # unit or region → month → total
    volumes: Mapping[str, int]  # unit → assignments
    small: frozenset[str]
    locked: Mapping[str, int | None]  # month → id of the locked run, None for a trial
    whole: int | None = None  # id of the period's own locked run
    month_names: Sequence[str] = field(default=())


def scores(w: Writer, found: Scores, units: Mapping[str, Unit], settings: Settings) -> None:
    """Write regions, institutions, units in peer groups, and departments without region; the unscored apart."""
    runs = [
        w.render("run_locked", month=m, run=n) if n else w.render("run_trial", month=m) for m, n in found.locked.items()
    ]
    w.heading("standing")
    if found.whole is not None:
        w.prose("standing_whole", run=found.whole)
    elif runs:
        w.prose("standing", runs=w.render("list_mark").join(runs))
    w.prose("method")
    ranked = settings.choice("bulletin.ranking") == "ranks"
    scored = [r for r in found.units if r["total"] is not None]
    if not scored and not any(r["total"] is not None for r in found.regions):
        w.prose("no_scores")
    if any(r["total"] is not None for r in found.regions):
        w.heading("regions")
        rows = [r for r in found.regions if r["total"] is not None]
        _board(w, "regions", rows, found, "region", ranked=ranked, units=units)
        _unscored(w, [r["region"] for r in found.regions if r["total"] is None])
    handling = [r for r in scored if not _apart(r, units) and not _manages(r, units)]
    for heading, rows in (("management", [r for r in scored if _manages(r, units)]), ("units", handling),
                          ("departments", [r for r in scored if _apart(r, units) and not _manages(r, units)])):  # fmt: skip
        if not rows:
            continue
        w.heading(f"scores_{heading}")
        if heading != "units":
            _board(w, f"scores_{heading}", rows, found, "unit", ranked=ranked, units=units)
            continue
        for group, members in groups(rows, found.volumes, settings):
            if members:
                w.prose(f"group_{group}", count=len(members), large=settings.integer("bulletin.peer_large"),
                        small=settings.integer("bulletin.peer_small"))  # fmt: skip
                _board(w, f"group_{group}", members, found, "unit", ranked=ranked, units=units)
    idle = [r for r in found.units if r["total"] is None]
    if idle:
        w.heading("unscored")
        _unscored(w, [r.get("name") or r["unit"] for r in idle])


def _manages(row: Row, units: Mapping[str, Unit]) -> bool:
    return row["unit"] in units and units[row["unit"]].kind == "management"


def _apart(row: Row, units: Mapping[str, Unit]) -> bool:
    unit = units.get(row["unit"])
    return unit is not None and (unit.province_department or not unit.region)


def groups(
    rows: Sequence[Row], volumes: Mapping[str, int], settings: Settings
) -> list[tuple[str, list[Row]]]:  # fmt: skip
    """Group units by volume (`bulletin.peer_large`, `bulletin.peer_small`): few tickets are not ranked with many."""
    large, small = settings.integer("bulletin.peer_large"), settings.integer("bulletin.peer_small")
    found: dict[str, list[Row]] = {"large": [], "middle": [], "small": []}
    for row in rows:
        n = volumes.get(row["unit"], 0)
        found["large" if n >= large else "small" if n < small else "middle"].append(row)
    return list(found.items())


def _board(
    w: Writer, key: str, rows: Sequence[Row], found: Scores, name: str, *, ranked: bool, units: Mapping[str, Unit]
) -> None:  # fmt: skip
    """Write one score table: by rank (ties share one), or by tier with the units of a tier by code."""
    places = {r.code: r.rank for r in rank({row[name]: row["total"] for row in rows})}
    if ranked:
        ordered = sorted(rows, key=lambda r: (places[r[name]] or 0, r[name]))
    else:
        ordered = sorted(rows, key=lambda r: (_band(w, r), r[name]))
    monthly = len(found.month_names) <= 3
    of_unit = name == "unit"
    heads = [*(["rank"] if ranked else ["tier"]), "unit" if of_unit else "region", *(["volume"] if of_unit else [])]
    columns = [w.column(h, {"unit": 2.6, "region": 2.6}.get(h, 0.9)) for h in heads]
    months = [w.column_named(w.words.render(f"bulletin.month.{int(m[5:])}"), 0.9) for m in found.month_names]
    after = [w.column("score", 1.0), *([w.column("tier", 0.9)] if ranked else []), w.column("remark", 1.2)]
    lines: list[tuple[Cell, ...]] = []
    full: list[tuple[Cell, ...]] = []
    for row in ordered:
        first: tuple[Cell, ...] = (places[row[name]] if ranked else _tier(w, row), row.get("name") or row[name])
        if of_unit:
            first = (*first, found.volumes.get(row["unit"], 0))
        marks = tuple(mark(found.months.get(row[name], {}).get(m)) for m in found.month_names)
        remark = w.render("small_sample") if row[name] in found.small else ""
        last = (mark(row["total"]), *((_tier(w, row),) if ranked else ()), remark)
        lines.append((*first, *(marks if monthly else ()), *last))
        full.append((*first, *marks, *last))
    w.table(key, [*columns, *(months if monthly else ()), *after], lines)
    if not monthly:
        w.table(f"{key}_months", [*columns, *months, *after], full, annex=True)


def _band(w: Writer, row: Row) -> int:
    order = ("excellent", "good", "fair", "poor")
    return order.index(row["tier"]) if row.get("tier") in order else len(order)


def _tier(w: Writer, row: Row) -> str:
    return w.words.get_word_or_value("tier", str(row["tier"])) if row.get("tier") else ""


def mark(total: str | None) -> Cell:
    """Convert a published score to a cell."""
    return None if total is None else Number(Fraction(total))


def _unscored(w: Writer, names: Sequence[str]) -> None:
    if names:
        w.prose("unscored", count=len(names), names=w.render("list_mark").join(names))


def agencies(
    w: Writer, counted: Mapping[Measure, Sequence[UnitCount]], to_date: Mapping[Measure, Sequence[UnitCount]] | None,
    units: Mapping[str, Unit],
) -> None:  # fmt: skip
    """Write 响应率、办结率、满意率 by agency, of the period and of the year to date (A26, A35, Q41)."""
    w.heading("agencies")
    w.prose("agencies")
    for key, source in (("agencies", counted), ("agencies_year", to_date)):
        if source is None:
            continue
        pairs = {m: {c.unit: Pair(c.numerator, c.denominator) for c in rows} for m, rows in source.items()}
        codes = sorted({code for rows in pairs.values() for code in rows})
        columns = [w.column("unit", 2.4)]
        for n, head in enumerate(("response", "closure", "answered")):
            columns += [
                w.column(f"{head}_of", 0.9),
                w.column(f"{head}_all", 0.9),
                w.column(head, 1.1, ratio=(3 * n + 1, 3 * n + 2)),
            ]
        rows = []
        for code in codes:
            line: list[Cell] = [units[code].name if code in units else code]
            for measure in (Measure.RESPONSE, Measure.CLOSURE, Measure.ANSWERED_SATISFACTION):
                pair = pairs.get(measure, {}).get(code, Pair())
                line += [pair.numerator, pair.denominator, pair.rate]
            rows.append(line)
        w.table(key, columns, rows)
