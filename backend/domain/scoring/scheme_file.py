"""Load a scheme's TOML file: unknown keys are refused, numbers are exact, the points must add up."""

import json
import tomllib
from collections.abc import Callable, Mapping
from enum import StrEnum
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any

from backend.domain.refusals import Refused
from backend.domain.scoring import parsing as read
from backend.domain.scoring.exact import ZERO, format_decimal
from backend.domain.scoring.measures import Measure
from backend.domain.scoring.scheme import (
    Amount,
    Carried,
    Example,
    Exemption,
    LedgerItem,
    LedgerRule,
    Part,
    RateItem,
    RateRule,
    Scheme,
    SchemeKind,
    Tier,
)

#: Finds a scheme by its id.
SchemeSource = Callable[[str], Scheme]

_SCHEME_KEYS = ("id", "name", "basis", "version", "kind")
_SCHEME_OPTIONAL = (
    "title",
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
    "carries",
    "exempts",
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
_REQUIRED_KEYS: Mapping[str, tuple[str, ...]] = MappingProxyType(
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
def list_scheme_ids() -> tuple[str, ...]:
    """Return the ids of the packaged schemes, sorted."""
    names = (entry.name for entry in (files("backend") / "data" / "schemes").iterdir())
    return tuple(sorted(name.removesuffix(".toml") for name in names if name.endswith(".toml")))


@cache
def load_scheme(scheme: str) -> Scheme:
    """Load the packaged scheme of that id. Refused `unknown_scheme`, `bad_scheme` (its file is wrong)."""
    if scheme not in list_scheme_ids():
        raise Refused("unknown_scheme", scheme=scheme[:60], known=", ".join(list_scheme_ids()))
    parsed = parse_scheme(read_scheme_text(scheme))
    if parsed.id != scheme:
        raise read.bad_scheme("id", parsed.id)
    return parsed


def read_scheme_text(scheme: str) -> str:
    """Return the text of a packaged scheme's file."""
    return (files("backend") / "data" / "schemes" / f"{scheme}.toml").read_text("utf-8")


def list_scheme_settings() -> dict[str, str]:
    """Return key → default of the settings the packaged schemes declare for their own numbers (Q5, Q6, Q49)."""
    return {key: value for name in list_scheme_ids() for key, value in load_scheme(name).list_settings().items()}


def parse_scheme(text: str) -> Scheme:
    """Parse a scheme from the text of its file. Refused `bad_scheme` with the path and the offending value."""
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as wrong:
        raise read.bad_scheme("file", str(wrong)) from wrong
    read.check_keys(table, "", _SCHEME_KEYS, _SCHEME_OPTIONAL)
    rates = tuple(_parse_rate(row, f"rate[{n}]") for n, row in enumerate(read.parse_rows(table, "rate")))
    lines = tuple(
        _parse_ledger_item(row, Part.BASE if name == "ledger" else Part(name), f"{name}[{n}]")
        for name in ("ledger", "bonus", "minus")
        for n, row in enumerate(read.parse_rows(table, name))
    )
    read.check_unique([rate.item for rate in rates] + [line.item for line in lines])
    worth = sum((rate.points for rate in rates), ZERO)
    worth += sum((line.points or ZERO for line in lines if line.part is Part.BASE), ZERO)
    if "points" in table and worth != read.parse_number(table["points"], "points"):
        raise read.bad_scheme("points", f"{format_decimal(worth)} != {table['points']}")
    names = read.parse_table(table.get("names", {}), "names")
    kinds = {line.kind for line in lines} | {rate.ledger_kind for rate in rates if rate.ledger_kind}
    return Scheme(
        **{key: read.parse_text(table[key], key) for key in _SCHEME_KEYS if key != "kind"},
        kind=read.parse_choice(SchemeKind, table["kind"], "kind"),
        title={
            language: read.parse_text(said, f"title.{language}")
            for language, said in read.parse_table(table.get("title", {}), "title").items()
        },
        totals=read.parse_flag(table, "totals", True),
        counts_assignments=read.parse_flag(table, "counts_assignments", False),
        readings=read.parse_texts(table.get("readings", []), "readings"),
        rates=rates,
        ledger=lines,
        examples=tuple(_parse_example(row, f"example[{n}]") for n, row in enumerate(read.parse_rows(table, "example"))),
        unit_scheme=read.parse_text(table.get("unit_scheme", ""), "unit_scheme"),
        names={key: read.parse_text(value, f"names.{key}") for key, value in names.items()},
        lengths={
            k: read.parse_integer(v, f"lengths.{k}")
            for k, v in read.parse_table(table.get("lengths", {}), "lengths").items()
        },
        carries=_parse_words(table, "carries", Carried, kinds),
        exempts=_parse_words(table, "exempts", Exemption, kinds),
        tiers=tuple(_parse_tier(row, f"tier[{n}]") for n, row in enumerate(read.parse_rows(table, "tier"))),
    )


def _parse_rate(row: Mapping[str, object], path: str) -> RateItem:
    read.check_keys(row, path, _RATE, _RATE_OPTIONAL)
    rule = read.parse_choice(RateRule, row["rule"], f"{path}.rule")
    read.check_keys(row, path, (*_RATE, *_REQUIRED_KEYS[rule]), _RATE_OPTIONAL)
    better = row["better"]
    if better not in ("higher", "lower"):
        raise read.bad_scheme(f"{path}.better", better)
    per = read.parse_number(row.get("per", 1), f"{path}.per")
    if per <= 0:
        raise read.bad_scheme(f"{path}.per", row["per"])
    points = read.parse_number(row.get("points", 0), f"{path}.points")
    cap = read.parse_amount(row.get("cap", 0), f"{path}.cap")
    if cap.value is not None and cap.value > points:
        raise read.bad_scheme(f"{path}.cap", row["cap"])
    return RateItem(
        item=read.parse_id(row["item"], f"{path}.item"),
        name=read.parse_text(row["name"], f"{path}.name"),
        source=read.parse_text(row["source"], f"{path}.source"),
        measure=read.parse_choice(Measure, row["measure"], f"{path}.measure"),
        rule=rule,
        points=points,
        higher_is_better=better == "higher",
        threshold=read.parse_amount(row.get("threshold", 0), f"{path}.threshold"),
        slope=read.parse_amount(row.get("slope", 0), f"{path}.slope"),
        per=per,
        cap=cap,
        at_most=read.parse_integer(row.get("at_most", 1), f"{path}.at_most"),
        flag_when_empty=read.parse_optional_id(row, "flag_when_empty", path),
        ledger_kind=read.parse_optional_id(row, "ledger_kind", path),
    )


def _parse_ledger_item(row: Mapping[str, object], part: Part, path: str) -> LedgerItem:
    """Parse a ledger item; base lines need an item id and points, others use their ledger kind as id (contract §4)."""
    required = (*_LINE, "item", "points") if part is Part.BASE else _LINE
    read.check_keys(row, path, required, _LINE_OPTIONAL)
    rule = read.parse_choice(LedgerRule, row["rule"], f"{path}.rule")
    read.check_keys(row, path, (*required, *_REQUIRED_KEYS[rule]), _LINE_OPTIONAL)
    points = read.parse_number(row["points"], f"{path}.points") if "points" in row else None
    levels = read.parse_table(row.get("levels", {}), f"{path}.levels")
    uncapped = read.parse_texts(row.get("uncapped_levels", []), f"{path}.uncapped_levels")
    absent = read.parse_optional_id(row, "absent_level", path)
    for level in (*uncapped, *([absent] if absent else [])):
        if level not in levels:
            raise read.bad_scheme(f"{path}.levels", level)
    block = read.parse_integer(row.get("block", 1), f"{path}.block")
    if block < 1:
        raise read.bad_scheme(f"{path}.block", block)
    kind = read.parse_id(row["kind"], f"{path}.kind")
    return LedgerItem(
        item=read.parse_id(row.get("item", kind), f"{path}.item"),
        name=read.parse_text(row["name"], f"{path}.name"),
        source=read.parse_text(row["source"], f"{path}.source"),
        kind=kind,
        part=part,
        rule=rule,
        points=points,
        amount=read.parse_amount(row.get("amount", 0), f"{path}.amount"),
        levels={level: read.parse_amount(value, f"{path}.levels.{level}") for level, value in levels.items()},
        absent_level=absent,
        block=block,
        lowest=read.parse_number(row.get("lowest", 0), f"{path}.lowest"),
        highest=read.parse_number(row.get("highest", 0), f"{path}.highest"),
        cap=read.parse_amount(row["cap"], f"{path}.cap") if "cap" in row else Amount(points),
        uncapped_levels=frozenset(uncapped),
    )


def _parse_words(
    table: Mapping[str, object], key: str, choice: type[StrEnum], kinds: set[str]
) -> Mapping[str, tuple[str, ...]]:
    """Parse words by ledger kind (carries, exempts); kinds the scheme does not have are refused."""
    rows = read.parse_table(table.get(key, {}), key)
    for kind in rows:
        if kind not in kinds:
            raise read.bad_scheme(key, kind)
    return {
        kind: tuple(read.parse_choice(choice, word, f"{key}.{kind}") for word in read.parse_texts(words, f"{key}.{kind}"))
        for kind, words in rows.items()
    }  # fmt: skip


def _parse_tier(row: Mapping[str, object], path: str) -> Tier:
    read.check_keys(row, path, ("id", "name", "at_least"), ())
    return Tier(
        read.parse_id(row["id"], f"{path}.id"),
        read.parse_text(row["name"], f"{path}.name"),
        read.parse_number(row["at_least"], f"{path}.at_least"),
    )


def _parse_example(row: Mapping[str, object], path: str) -> Example:
    """Parse an example; facts, `expect` and `with` are JSON text, so that a facts document can be pasted as it is."""
    read.check_keys(row, path, ("name", "facts", "expect"), ("with",))
    parsed: dict[str, Any] = {}
    for key in ("facts", "expect", "with"):
        try:
            parsed[key] = json.loads(read.parse_text(row.get(key, "[]"), f"{path}.{key}"))
        except json.JSONDecodeError as wrong:
            raise read.bad_scheme(f"{path}.{key}", str(wrong)) from wrong
    return Example(
        read.parse_text(row["name"], f"{path}.name"), parsed["facts"], parsed["expect"], tuple(parsed["with"])
    )
