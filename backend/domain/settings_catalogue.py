"""All settings: every key with its kind, bounds, default and Chinese label, and how a written value is parsed."""

import re
import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from difflib import get_close_matches
from enum import StrEnum
from functools import cache
from importlib.resources import files
from typing import Any

from backend.domain.limits import Limit, LimitUnit
from backend.domain.office_hours import OfficeHours
from backend.domain.refusals import Refused
from backend.domain.scoring.scheme import RateRule, SchemeKind
from backend.domain.scoring.scheme_file import list_scheme_ids, list_scheme_settings, load_scheme
from backend.domain.visit_days import DAY_WORDS, parse_day

_TRUE, _FALSE = frozenset({"true", "yes", "on", "1"}), frozenset({"false", "no", "off", "0"})
_COMMA = re.compile(r"[,，、]")
_MASK = re.compile(r"(?=.{11}$)[0-9]{0,4}\*{4,11}[0-9]{0,4}")
_RATE = re.compile(r"([0-9]{1,3})/([0-9]{1,4}d)")


class ValueKind(StrEnum):
    """How a value is parsed."""

    LIMIT = "limit"
    FLAG = "flag"
    INTEGER = "integer"
    DECIMAL = "decimal"
    CHOICE = "choice"
    LIST = "list"
    HOURS = "hours"
    QUIET = "quiet"
    MASK = "mask"
    RATE = "rate"
    DAYS = "days"


@dataclass(frozen=True, slots=True)
class SettingSpec:
    """One setting. `default` is None if it follows another key (`inherits`), or if each profile says it."""

    key: str
    label: str
    kind: ValueKind
    default: str | None
    inherits: str | None = None
    items: tuple[str, ...] = ()
    words: tuple[str, ...] = ()
    units: tuple[str, ...] = tuple(LimitUnit)
    low: Decimal = Decimal(0)
    high: Decimal = Decimal(10**6)
    is_needed: bool = False  # a list that may not be empty
    longest: int | None = None  # of a limit, in its unit
    per_unit: bool = False
    group: str = "scoring"  # heading it is shown under; all settings of scheme files concern scoring

    @property
    def is_of_profile(self) -> bool:
        """Whether there is no general default: each profile must name its own."""
        return self.default is None and self.inherits is None

    @property
    def allowed(self) -> str:
        """What may be written, for people: the words, or the form with its bounds."""
        return " | ".join((*self.words, *_FORMATS[self.kind](self)))


_FORMATS: dict[ValueKind, Callable[[SettingSpec], tuple[str, ...]]] = {
    ValueKind.LIMIT: lambda row: tuple(f"N{unit}" for unit in row.units),
    ValueKind.FLAG: lambda row: ("true", "false"),
    ValueKind.INTEGER: lambda row: (f"{row.low}–{row.high}",),
    ValueKind.DECIMAL: lambda row: (f"{row.low}–{row.high}",),
    ValueKind.CHOICE: lambda row: row.items,
    ValueKind.LIST: lambda row: (",".join(row.items or ("A", "B", "…")),),
    ValueKind.HOURS: lambda row: ("HH:MM-HH:MM,…", "MM-DD..MM-DD=HH:MM-HH:MM,…; *=HH:MM-HH:MM,…"),
    ValueKind.QUIET: lambda row: ("HH:MM-HH:MM", "none"),
    ValueKind.MASK: lambda row: ("138****1234",),
    ValueKind.RATE: lambda row: ("N/Nd",),
    ValueKind.DAYS: lambda row: ("YYYY-MM-DD,…", "MM-DD,…", *DAY_WORDS),
}


@cache
def load_catalogue() -> Mapping[str, SettingSpec]:
    """Return every setting by key, in display order; settings declared by scheme files are included."""
    rows = {row.key: row for row in _read_specs()}
    return rows | {row.key: row for row in _read_scheme_specs() if row.key not in rows}


@cache
def list_profile_ids() -> tuple[str, ...]:
    """Return the ids of the packaged profiles, sorted."""
    names = (entry.name for entry in (files("backend") / "data" / "profiles").iterdir())
    return tuple(sorted(name.removesuffix(".toml") for name in names if name.endswith(".toml")))


def find_setting(key: str) -> SettingSpec:
    """Return the row of a key (`KEY` or `KEY@UNIT`); raises `unknown_setting` with near names, or `not_per_unit`."""
    name, at, unit = key.partition("@")
    row = load_catalogue().get(name)
    if row is None or (at and not unit):
        raise Refused("unknown_setting", key=key, near=get_close_matches(name, load_catalogue(), n=3))
    if at and not row.per_unit:
        raise Refused("not_per_unit", key=name, unit=unit)
    return row


def parse_value(key: str, value: object) -> str:
    """Return the normal form of a value for a key.

    Raises `Refused("unknown_setting", key, near)`, `("not_per_unit", key, unit)` or
    `("bad_setting", key, value, allowed)`.
    """
    row = find_setting(key)
    text = _text(value)
    if text in row.words:
        return text
    try:
        return _PARSERS[row.kind](row, text)
    except (Refused, ValueError, InvalidOperation):
        raise Refused("bad_setting", key=key, value=text, allowed=row.allowed) from None


def split_list(text: str) -> list[str]:
    """Return the different words of a written list, in its order."""
    return list(dict.fromkeys(word.strip() for word in _COMMA.split(text) if word.strip()))


def _text(value: object) -> str:
    """Write a JSON or TOML value as a person would by hand."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list | tuple):
        return ",".join(str(one) for one in value)
    return str(value).strip()


def _limit(row: SettingSpec, text: str) -> str:
    limit = Limit.parse(text)
    if limit.unit not in row.units:
        raise ValueError
    return str(limit)


def _flag(row: SettingSpec, text: str) -> str:
    word = text.lower()
    if word not in _TRUE | _FALSE:
        raise ValueError
    return "true" if word in _TRUE else "false"


def _integer(row: SettingSpec, text: str) -> str:
    if not re.fullmatch(r"-?[0-9]{1,7}", text) or not row.low <= int(text) <= row.high:
        raise ValueError
    return str(int(text))


def _decimal(row: SettingSpec, text: str) -> str:
    if not re.fullmatch(r"-?[0-9]{1,7}(\.[0-9]{1,6})?", text) or not row.low <= Decimal(text) <= row.high:
        raise ValueError
    return f"{Decimal(text).normalize():f}"


def _choice(row: SettingSpec, text: str) -> str:
    if text not in row.items:
        raise ValueError
    return text


def _list(row: SettingSpec, text: str) -> str:
    words = split_list(text)
    if row.items and not set(words) <= set(row.items):
        raise ValueError
    return ",".join(words)


def _hours(row: SettingSpec, text: str) -> str:
    return OfficeHours.parse(text.replace(" ", ""), overnight=row.kind is ValueKind.QUIET).text


def _mask(row: SettingSpec, text: str) -> str:
    if not _MASK.fullmatch(text):
        raise ValueError
    return text


def _rate(row: SettingSpec, text: str) -> str:
    found = _RATE.fullmatch(text)
    if not found:
        raise ValueError
    return f"{int(found[1])}/{Limit.parse(found[2])}"


def _days(row: SettingSpec, text: str) -> str:
    return ",".join(parse_day(day) for day in _list(row, text).split(",") if day)


_PARSERS: dict[ValueKind, Callable[[SettingSpec, str], str]] = {
    ValueKind.LIMIT: _limit,
    ValueKind.FLAG: _flag,
    ValueKind.INTEGER: _integer,
    ValueKind.DECIMAL: _decimal,
    ValueKind.CHOICE: _choice,
    ValueKind.LIST: _list,
    ValueKind.HOURS: _hours,
    ValueKind.QUIET: _hours,
    ValueKind.MASK: _mask,
    ValueKind.RATE: _rate,
    ValueKind.DAYS: _days,
}


@cache
def _load_file() -> dict[str, Any]:
    return tomllib.loads(files("backend").joinpath("data/settings.toml").read_text("utf-8"))


def _read_specs() -> Iterator[SettingSpec]:
    names = {rate.item: rate.name for scheme in map(load_scheme, list_scheme_ids()) for rate in scheme.rates}
    for pattern, entry in _load_file().items():
        for item in entry.get("each", ("",)):
            yield SettingSpec(
                key=pattern.format(item=item),
                label=entry["label"].format(item=names.get(item, item)),
                kind=ValueKind(entry["kind"]),
                default=entry.get("default"),
                inherits=entry.get("inherits"),
                items=_list_items(pattern, entry),
                words=tuple(entry.get("words", ())),
                units=tuple(entry.get("units", tuple(LimitUnit))),
                low=Decimal(entry.get("min", 0)),
                high=Decimal(entry.get("max", 10**6)),
                is_needed=entry.get("needed", False),
                longest=entry.get("longest"),
                per_unit=entry.get("per_unit", False),
                group=entry["group"],
            )


def _list_items(pattern: str, entry: Mapping[str, Any]) -> tuple[str, ...]:
    """List what a choice or list may name: as written, or what files there are."""
    if pattern == "profile":
        return list_profile_ids()
    return tuple(entry.get("items", ())) or _list_schemes(entry.get("schemes"))


def _list_schemes(kind: str | None) -> tuple[str, ...]:
    """List the schemes of a kind; sheets are of `institution`s or of `unit`s, by what they measure."""
    of_institutions = {name for name in list_scheme_ids() if load_scheme(name).scores_institutions}
    wanted = SchemeKind.SHEET if kind in ("unit", "institution") else kind
    return tuple(
        name
        for name in list_scheme_ids()
        if load_scheme(name).kind == wanted and (wanted == kind or (name in of_institutions) == (kind == "institution"))
    )


def _read_scheme_specs() -> Iterator[SettingSpec]:
    """Yield the settings that scheme files declare for their own numbers, and the slope mode of each of their rates."""
    for key, default in list_scheme_settings().items():
        yield SettingSpec(key, key, ValueKind.DECIMAL, default, words=("none",))
    modes, label = (
        tuple(_load_file()["scoring.slope_mode"]["items"]),
        _load_file()["scoring.{item}.slope_mode"]["label"],
    )
    for scheme in map(load_scheme, list_scheme_ids()):
        for rate in (rate for rate in scheme.rates if rate.rule is RateRule.SLOPE):
            key = f"scoring.{rate.item}.slope_mode"
            yield SettingSpec(
                key, label.format(item=rate.name), ValueKind.CHOICE, None, inherits="scoring.slope_mode", items=modes
            )
