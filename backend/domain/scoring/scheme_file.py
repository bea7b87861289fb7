"""Load a scheme's TOML file: unknown keys are refused, numbers are exact, the points must add up."""

import json
import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any

from backend.domain.refusals import Refused
from backend.domain.scoring import scheme_words as read
from backend.domain.scoring.exact import ZERO, plain
from backend.domain.scoring.measures import Measure
from backend.domain.scoring.scheme import (
    Amount,
    Example,
    Kind,
    LedgerItem,
    LedgerRule,
    Part,
    RateItem,
    RateRule,
    Scheme,
    Tier,
)

_HEAD = ("id", "name", "basis", "version", "kind")
_OPTIONAL = (
    "points",
    "totals",
    "counts_assignments",
    "readings",
    "rate",
    "ledger",
    "bonus",
    "minus",
    "example",
    "unit_scheme",
    "names",
    "lengths",
    "tier",
)
_RATE = ("item", "name", "source", "measure", "rule")
_RATE_OPTIONAL = ("points", "better", "threshold", "slope", "per", "cap", "at_most", "flag_when_empty", "ledger_kind")
_LINE = ("name", "source", "kind", "rule")
_LINE_OPTIONAL = (
    "item",
    "points",
    "amount",
    "levels",
    "absent_level",
    "block",
    "lowest",
    "highest",
    "cap",
    "uncapped_levels",
)
#: the keys each rule requires
_NEEDS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        RateRule.SLOPE: ("points", "better", "threshold", "slope", "per", "cap"),
        RateRule.WEIGHTED: ("points", "better"),
        RateRule.SHOWN: ("better",),
        LedgerRule.PER_EVENT: ("amount",),
        LedgerRule.PER_LEVEL: ("levels",),
        LedgerRule.HIGHEST_PER_MATTER: ("levels",),
        LedgerRule.WORST_LEVEL: ("levels", "absent_level"),
        LedgerRule.ABSENT: ("amount",),
        LedgerRule.BEYOND_FIRST: ("amount",),
        LedgerRule.PER_BLOCK: ("amount", "block"),
        LedgerRule.GRADED: ("lowest", "highest"),
    }
)


@cache
def scheme_ids() -> tuple[str, ...]:
    """Return the ids of the packaged schemes, sorted."""
    names = (entry.name for entry in (files("backend") / "data" / "schemes").iterdir())
    return tuple(sorted(name.removesuffix(".toml") for name in names if name.endswith(".toml")))


@cache
def load_scheme(scheme: str) -> Scheme:
    """Load the packaged scheme of that id. Refused `unknown_scheme`, `bad_scheme` (its file is wrong)."""
    if scheme not in scheme_ids():
        raise Refused("unknown_scheme", scheme=scheme[:60], known=", ".join(scheme_ids()))
    text = (files("backend") / "data" / "schemes" / f"{scheme}.toml").read_text("utf-8")
    parsed = parse_scheme(text)
    if parsed.id != scheme:
        raise read.bad("id", parsed.id)
    return parsed


def all_knobs() -> dict[str, str]:
    """Return key → default of the settings the packaged schemes declare for their own numbers (Q5, Q6, Q49)."""
    return {key: value for name in scheme_ids() for key, value in load_scheme(name).knobs().items()}


def parse_scheme(text: str) -> Scheme:
    """Parse a scheme from the text of its file. Refused `bad_scheme` with the path and the offending value."""
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as wrong:
        raise read.bad("file", str(wrong)) from wrong
    read.keys(table, "", _HEAD, _OPTIONAL)
    rates = tuple(_rate(row, f"rate[{n}]") for n, row in enumerate(read.rows(table, "rate")))
    lines = tuple(
        _line(row, Part.BASE if name == "ledger" else Part(name), f"{name}[{n}]")
        for name in ("ledger", "bonus", "minus")
        for n, row in enumerate(read.rows(table, name))
    )
    read.distinct([rate.item for rate in rates] + [line.item for line in lines])
    worth = sum((rate.points for rate in rates), ZERO)
    worth += sum((line.points or ZERO for line in lines if line.part is Part.BASE), ZERO)
    if "points" in table and worth != read.exact_number(table["points"], "points"):
        raise read.bad("points", f"{plain(worth)} != {table['points']}")
    names = read.table(table.get("names", {}), "names")
    return Scheme(
        **{key: read.text(table[key], key) for key in _HEAD if key != "kind"},
        kind=read.word(Kind, table["kind"], "kind"),
        totals=read.flag(table, "totals", True),
        counts_assignments=read.flag(table, "counts_assignments", False),
        readings=read.texts(table.get("readings", []), "readings"),
        rates=rates,
        ledger=lines,
        examples=tuple(_example(row, f"example[{n}]") for n, row in enumerate(read.rows(table, "example"))),
        unit_scheme=read.text(table.get("unit_scheme", ""), "unit_scheme"),
        names={key: read.text(value, f"names.{key}") for key, value in names.items()},
        lengths={k: read.whole(v, f"lengths.{k}") for k, v in read.table(table.get("lengths", {}), "lengths").items()},
        tiers=tuple(_tier(row, f"tier[{n}]") for n, row in enumerate(read.rows(table, "tier"))),
    )


def _rate(row: Mapping[str, Any], path: str) -> RateItem:
    read.keys(row, path, _RATE, _RATE_OPTIONAL)
    rule = read.word(RateRule, row["rule"], f"{path}.rule")
    read.keys(row, path, (*_RATE, *_NEEDS[rule]), _RATE_OPTIONAL)
    better = row["better"]
    if better not in ("higher", "lower"):
        raise read.bad(f"{path}.better", better)
    per = read.exact_number(row.get("per", 1), f"{path}.per")
    if per <= 0:
        raise read.bad(f"{path}.per", row["per"])
    points = read.exact_number(row.get("points", 0), f"{path}.points")
    cap = read.amount(row.get("cap", 0), f"{path}.cap")
    if cap.value is not None and cap.value > points:
        raise read.bad(f"{path}.cap", row["cap"])
    return RateItem(
        item=read.ident(row["item"], f"{path}.item"),
        name=read.text(row["name"], f"{path}.name"),
        source=read.text(row["source"], f"{path}.source"),
        measure=read.word(Measure, row["measure"], f"{path}.measure"),
        rule=rule,
        points=points,
        higher_is_better=better == "higher",
        threshold=read.amount(row.get("threshold", 0), f"{path}.threshold"),
        slope=read.amount(row.get("slope", 0), f"{path}.slope"),
        per=per,
        cap=cap,
        at_most=read.whole(row.get("at_most", 1), f"{path}.at_most"),
        flag_when_empty=read.maybe(row, "flag_when_empty", path),
        ledger_kind=read.maybe(row, "ledger_kind", path),
    )


def _line(row: Mapping[str, Any], part: Part, path: str) -> LedgerItem:
    """Parse a ledger item; base lines need an item id and points, others use their ledger kind as id (contract §4)."""
    required = (*_LINE, "item", "points") if part is Part.BASE else _LINE
    read.keys(row, path, required, _LINE_OPTIONAL)
    rule = read.word(LedgerRule, row["rule"], f"{path}.rule")
    read.keys(row, path, (*required, *_NEEDS[rule]), _LINE_OPTIONAL)
    points = read.exact_number(row["points"], f"{path}.points") if "points" in row else None
    levels = read.table(row.get("levels", {}), f"{path}.levels")
    uncapped = read.texts(row.get("uncapped_levels", []), f"{path}.uncapped_levels")
    absent = read.maybe(row, "absent_level", path)
    for level in (*uncapped, *([absent] if absent else [])):
        if level not in levels:
            raise read.bad(f"{path}.levels", level)
    block = read.whole(row.get("block", 1), f"{path}.block")
    if block < 1:
        raise read.bad(f"{path}.block", block)
    kind = read.ident(row["kind"], f"{path}.kind")
    return LedgerItem(
        item=read.ident(row.get("item", kind), f"{path}.item"),
        name=read.text(row["name"], f"{path}.name"),
        source=read.text(row["source"], f"{path}.source"),
        kind=kind,
        part=part,
        rule=rule,
        points=points,
        amount=read.amount(row.get("amount", 0), f"{path}.amount"),
        levels={level: read.amount(value, f"{path}.levels.{level}") for level, value in levels.items()},
        absent_level=absent,
        block=block,
        lowest=read.exact_number(row.get("lowest", 0), f"{path}.lowest"),
        highest=read.exact_number(row.get("highest", 0), f"{path}.highest"),
        cap=read.amount(row["cap"], f"{path}.cap") if "cap" in row else Amount(points),
        uncapped_levels=frozenset(uncapped),
    )


def _tier(row: Mapping[str, Any], path: str) -> Tier:
    read.keys(row, path, ("id", "name", "at_least"), ())
    return Tier(
        read.ident(row["id"], f"{path}.id"),
        read.text(row["name"], f"{path}.name"),
        read.exact_number(row["at_least"], f"{path}.at_least"),
    )


def _example(row: Mapping[str, Any], path: str) -> Example:
    """Parse an example; facts, `expect` and `with` are JSON text, so that a facts document can be pasted as it is."""
    read.keys(row, path, ("name", "facts", "expect"), ("with",))
    parsed: dict[str, Any] = {}
    for key in ("facts", "expect", "with"):
        try:
            parsed[key] = json.loads(read.text(row.get(key, "[]"), f"{path}.{key}"))
        except json.JSONDecodeError as wrong:
            raise read.bad(f"{path}.{key}", str(wrong)) from wrong
    return Example(read.text(row["name"], f"{path}.name"), parsed["facts"], parsed["expect"], tuple(parsed["with"]))
