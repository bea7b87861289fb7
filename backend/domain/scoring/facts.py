"""Parse a facts document (contract §4) into typed facts; bad input is refused with a code and its path."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from backend.domain.refusals import Refused
from backend.domain.scoring.exact import ZERO, format_value, parse_count, parse_number
from backend.domain.scoring.readings import Readings, is_known_setting
from backend.domain.scoring.scheme import LedgerItem, LedgerRule, RateItem, Scheme
from backend.domain.scoring.scheme_file import list_scheme_settings

#: levels a ledger row may carry even if its kind does not use them
LEVELS = frozenset({"national", "province", "city", "county"})

_LABELS = ("unit", "month", "period", "name", "note", "evidence", "region")
_SHEET_KEYS = ("scheme", "settings", "rates", "assignments", "in_hand", "open", "ledger", "last", "answers", *_LABELS)
_ENTRY_KEYS = (
    "kind",
    "unit",
    "month",
    "count",
    "level",
    "matter",
    "points",
    "already",
    "note",
    "evidence",
    "timely",
    "total",
)
_LEVEL_RULES = frozenset({LedgerRule.PER_LEVEL, LedgerRule.HIGHEST_PER_MATTER, LedgerRule.WORST_LEVEL})


@dataclass(frozen=True)
class Rate:
    """Numerator over denominator of one rate item."""

    numerator: int
    denominator: int


@dataclass(frozen=True)
class Answers:
    """What a satisfaction rate rests on (XD15): requesters reached, and those who answered."""

    reached: int
    answered: int


@dataclass(frozen=True)
class Entry:
    """One ledger row. `already`: the most points its matter earned earlier in the year (Q47)."""

    kind: str
    count: int = 1
    level: str | None = None
    matter: str | None = None
    points: Fraction | None = None
    already: Fraction = ZERO
    note: str = ""
    evidence: object = None


@dataclass(frozen=True)
class Facts:
    """What one unit did in one period. `last`: earlier item scores (Q9 carry_last); `evidence`, `answers`: by rate item.

    `assignments`: newly dispatched; `in_hand`: in hand, closed or returned; each None if not known. `open`: neither done
    nor late yet.
    """

    scheme: str
    rates: Mapping[str, Rate]
    ledger: tuple[Entry, ...]
    assignments: int | None
    in_hand: int | None
    open: int
    last: Mapping[str, Fraction]
    evidence: Mapping[str, tuple[object, ...]]
    answers: Mapping[str, Answers]

    @property
    def is_idle(self) -> bool:
        """Whether nothing was dispatched, in hand, closed or returned; unknown numbers are read from the rates (Q9)."""
        if self.assignments != 0 or self.in_hand:
            return False
        return self.in_hand == 0 or not any(rate.denominator for rate in self.rates.values())

    def list_entries(self, kind: str) -> tuple[Entry, ...]:
        """Return the ledger entries of a kind, in the given order."""
        return tuple(entry for entry in self.ledger if entry.kind == kind)


def parse_facts(document: Mapping[str, object], scheme: Scheme) -> Facts:
    """Parse the facts for a sheet of `scheme`. An absent rate is 0/0; `assignments` defaults to those of the sign rate.

    Refused `unknown_field unknown_item unknown_kind unknown_level level_missing unknown_setting not_a_number
    not_a_count negative numerator_over_denominator out_of_range points_missing points_not_taken matter_missing
    bad_facts`.
    """
    check_fields(document, _SHEET_KEYS, "")
    check_settings(document, (rate.item for rate in scheme.rates), scheme.list_settings())
    given = parse_object(document.get("rates", {}), "rates")
    rates = {rate.item: Rate(0, 0) for rate in scheme.rates}
    for item, pair in given.items():
        rate = _get_rate_item(scheme, item, f"rates.{item}")
        rates[item] = _parse_rate(rate, pair, f"rates.{item}")
    entries = []
    for n, row in enumerate(parse_array(document.get("ledger", []), "ledger")):
        path = f"ledger[{n}]"
        rate_row = _parse_rate_row(scheme, parse_object(row, path), path)
        if rate_row is not None:
            rates[rate_row[0]] = _add_rates(rates[rate_row[0]], rate_row[1])
        else:
            entries.append(_parse_entry(scheme, row, path))
    last = {
        item: _check_range(
            parse_number(value, f"last.{item}"),
            ZERO,
            _get_rate_item(scheme, item, f"last.{item}").points,
            f"last.{item}",
        )
        for item, value in parse_object(document.get("last", {}), "last").items()
    }
    evidence = document.get("evidence") or {}
    return Facts(
        scheme=scheme.id,
        rates=rates,
        ledger=tuple(entries),
        assignments=_parse_assignments(document, scheme, given, rates),
        in_hand=None if document.get("in_hand") is None else parse_count(document["in_hand"], "in_hand"),
        open=parse_count(document.get("open", 0), "open"),
        last=last,
        evidence={
            _get_rate_item(scheme, item, f"evidence.{item}").item: tuple(parse_array(rows, f"evidence.{item}"))
            for item, rows in parse_object(evidence, "evidence").items()
        },
        answers={
            item: _parse_answers(rates[_get_rate_item(scheme, item, f"answers.{item}").item], row, f"answers.{item}")
            for item, row in parse_object(document.get("answers") or {}, "answers").items()
        },
    )


def check_settings(
    document: Mapping[str, object], items: Iterable[str], scheme_settings: Mapping[str, str]
) -> dict[str, object]:
    """Return the document's own settings. Refused `unknown_setting`, `bad_setting`."""
    settings = parse_object(document.get("settings") or {}, "settings")
    items, scheme_settings = tuple(items), {**list_scheme_settings(), **scheme_settings}
    for key in settings:
        if not is_known_setting(key, scheme_settings, items):
            raise Refused("unknown_setting", path=f"settings.{key}", key=key)
    Readings.parse(settings, scheme_settings)
    return dict(settings)


def check_fields(document: Mapping[str, object], allowed: Iterable[str], path: str) -> None:
    """Refuse `unknown_field`: a mistyped field name must not pass as an absent value."""
    for key in document:
        if key not in allowed:
            raise Refused("unknown_field", path=f"{path}.{key}".lstrip("."), field=format_value(key))


def parse_object(value: object, path: str) -> Mapping[str, object]:
    """Return a JSON object. Refused `bad_facts`."""
    if not isinstance(value, Mapping) or not all(isinstance(key, str) for key in value):
        raise Refused("bad_facts", path=path, found=format_value(value))
    return value


def parse_array(value: Any, path: str) -> list[Any]:
    """Return a JSON array. Refused `bad_facts`."""
    if not isinstance(value, (list, tuple)):
        raise Refused("bad_facts", path=path, found=format_value(value))
    return list(value)


def _get_rate_item(scheme: Scheme, item: str, path: str) -> RateItem:
    rate = scheme.find_rate(item)
    if rate is None:
        raise Refused("unknown_item", path=path, item=item[:40], known=", ".join(r.item for r in scheme.rates))
    return rate


def _parse_rate(rate: RateItem, pair: object, path: str) -> Rate:
    if not isinstance(pair, (list, tuple)) or len(pair) != 2:
        raise Refused("bad_facts", path=path, found=format_value(pair))
    parsed = Rate(parse_count(pair[0], f"{path}[0]"), parse_count(pair[1], f"{path}[1]"))
    if parsed.numerator > parsed.denominator * rate.at_most:
        raise Refused(
            "numerator_over_denominator", path=path, numerator=parsed.numerator, denominator=parsed.denominator
        )
    return parsed


def _parse_answers(rate: Rate, row: object, path: str) -> Answers:
    fields = parse_object(row, path)
    check_fields(fields, ("reached", "answered"), path)
    found = Answers(*(parse_count(fields.get(key, 0), f"{path}.{key}") for key in ("reached", "answered")))
    if found.answered > rate.denominator:
        raise Refused(
            "numerator_over_denominator",
            path=f"{path}.answered",
            numerator=found.answered,
            denominator=rate.denominator,
        )
    return found


def _add_rates(one: Rate, other: Rate) -> Rate:
    return Rate(one.numerator + other.numerator, one.denominator + other.denominator)


def _parse_assignments(
    document: Mapping[str, object], scheme: Scheme, given: Mapping[str, object], rates: Mapping[str, Rate]
) -> int | None:
    if document.get("assignments") is not None:
        return parse_count(document["assignments"], "assignments")
    return rates["sign"].denominator if scheme.counts_assignments and "sign" in given else None


def _parse_rate_row(scheme: Scheme, row: Mapping[str, object], path: str) -> tuple[str, Rate] | None:
    """Return item and rate of a ledger row that feeds a rate (`connect` with `timely` and `total`, B15), else None."""
    rate = next((rate for rate in scheme.rates if rate.ledger_kind and rate.ledger_kind == row.get("kind")), None)
    if rate is None:
        return None
    check_fields(row, _ENTRY_KEYS, path)
    if "timely" not in row or "total" not in row:
        raise Refused("bad_facts", path=path, found="timely, total")
    return rate.item, _parse_rate(rate, (row["timely"], row["total"]), path)


def _parse_entry(scheme: Scheme, row: Mapping[str, object], path: str) -> Entry:
    check_fields(row, _ENTRY_KEYS, path)
    row = {key: value for key, value in row.items() if value not in (None, "")}
    kind = row.get("kind")
    lines = [line for line in scheme.ledger if line.kind == kind]
    if not isinstance(kind, str) or not lines:
        raise Refused(
            "unknown_kind", path=f"{path}.kind", kind=format_value(kind), known=", ".join(sorted(scheme.list_kinds()))
        )
    already = parse_number(row["already"], f"{path}.already") if "already" in row else ZERO
    if already < 0:
        raise Refused("negative", path=f"{path}.already", value=format_value(row["already"]))
    if already and "matter" not in row:
        raise Refused("matter_missing", path=f"{path}.matter")
    return Entry(
        kind=kind,
        count=parse_count(row.get("count", 1), f"{path}.count"),
        level=_parse_level(lines, row.get("level"), f"{path}.level"),
        matter=str(row["matter"]) if "matter" in row else None,
        points=_parse_points(lines, row.get("points"), f"{path}.points"),
        already=already,
        note=str(row.get("note", "")),
        evidence=row.get("evidence"),
    )


def _parse_level(lines: list[LedgerItem], level: object, path: str) -> str | None:
    wanted = [line for line in lines if line.rule in _LEVEL_RULES]
    allowed = sorted({word for line in wanted for word in line.levels}) or sorted(LEVELS)
    if level is None and wanted:
        if wanted[0].absent_level is None:
            raise Refused("level_missing", path=path, allowed=", ".join(allowed))
        return wanted[0].absent_level
    if level is not None and level not in allowed:
        raise Refused("unknown_level", path=path, level=format_value(level), allowed=", ".join(allowed))
    return level if isinstance(level, str) else None


def _parse_points(lines: list[LedgerItem], points: object, path: str) -> Fraction | None:
    graded = next((line for line in lines if line.rule is LedgerRule.GRADED), None)
    if graded is None:
        if points is not None:
            raise Refused("points_not_taken", path=path, kind=lines[0].kind)
        return None
    if points is None:
        raise Refused("points_missing", path=path, kind=graded.kind)
    return _check_range(parse_number(points, path), graded.lowest, graded.highest, path)


def _check_range(value: Fraction, lowest: Fraction, highest: Fraction, path: str) -> Fraction:
    if not lowest <= value <= highest:
        raise Refused("out_of_range", path=path, value=str(value), lowest=str(lowest), highest=str(highest))
    return value
