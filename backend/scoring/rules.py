"""The rules a run was computed by, kept with it: its settings and the text of its scheme files (B3, XD9)."""

import hashlib
from collections.abc import Iterator, Mapping
from functools import cache
from types import MappingProxyType
from typing import Any
from zoneinfo import ZoneInfo

from backend.domain.scoring.scheme import Scheme
from backend.domain.scoring.scheme_file import SchemeSource, load_scheme, parse_scheme, read_scheme_text
from backend.domain.settings import Settings
from backend.domain.settings_catalogue import load_catalogue
from backend.scoring.shapes import RuleChange

#: Settings by which scores are computed; others (texts, telephone …) are no rules of a run.
RULE_PREFIXES = ("scoring.", "region.", "period.", "profile")
#: What held before there was a setting for it, where that is not its default (XD2).
BEFORE_THE_SETTING: Mapping[str, str] = MappingProxyType({"scoring.participation": "dispatched"})
Inputs = Mapping[str, Any]

_parse_kept = cache(parse_scheme)


def build_source(inputs: Inputs) -> SchemeSource:
    """Return what finds a scheme by its id: as kept with these inputs, else as packaged."""
    kept: Mapping[str, str] = inputs.get("schemes") or {}

    def find(scheme: str) -> Scheme:
        return _parse_kept(kept[scheme]) if scheme in kept else load_scheme(scheme)

    return find


def keep_schemes(inputs: Inputs, earlier: Inputs | None = None) -> dict[str, Any]:
    """Return inputs with the text of each scheme file they are computed by: the earlier run's, else as packaged."""
    kept: Mapping[str, str] = (earlier or {}).get("schemes") or {}
    of_period = "months" in inputs
    used = {find_period_scheme(inputs)} if of_period else {document["scheme"] for document in inputs["units"]}
    if inputs.get("regions"):
        used.add(find_region_scheme(inputs))
    texts = {scheme: kept.get(scheme) or read_scheme_text(scheme) for scheme in sorted(used)}
    found = {**inputs, "schemes": inputs.get("schemes") or texts}
    if of_period:
        found["months"] = [keep_schemes(month, find_month(earlier, month["period"])) for month in inputs["months"]]
    return found


def find_region_scheme(inputs: Inputs) -> str:
    """Return the id of the scheme that these inputs score regions by (B10)."""
    return _read_setting(inputs, "region.scheme")


def find_period_scheme(inputs: Inputs) -> str:
    """Return the id of the scheme by which these inputs make quarters and years of months (B12)."""
    return _read_setting(inputs, "period.scheme")


def _read_setting(inputs: Inputs, key: str) -> str:
    """Return a setting of these inputs; of a run before there was that setting, what its profile or the default says."""
    own: Mapping[str, str] = inputs["settings"]
    return own.get(key) or Settings({"profile": own["profile"]} if "profile" in own else {}).get(key)


def find_month(inputs: Inputs | None, month: str) -> Inputs | None:
    """Return the inputs of one month within those of a longer period."""
    return next((one for one in (inputs or {}).get("months", ()) if one["period"] == month), None)


def restore_settings(inputs: Inputs, zone: ZoneInfo) -> Settings:
    """Return the settings a run was computed by; what was not yet a setting then is as it was, or has its default."""
    known = load_catalogue()
    chosen = {**BEFORE_THE_SETTING, **inputs["settings"]}
    kept = {key: value for key, value in chosen.items() if key.partition("@")[0] in known}
    return Settings(kept, zone)


def diff_rules(old: Inputs, new: Inputs) -> list[RuleChange]:
    """List the rules that changed between two runs: `{key, old, new}`, with the month where a part of them differs."""
    before, after = dict(_list_rules(old)), dict(_list_rules(new))
    changed = {place: (before[place], after[place]) for place in sorted(before.keys() & after.keys())
               if before[place] != after[place]}  # fmt: skip
    return [
        {"key": key, "month": month, "old": was, "new": now}
        for (month, key), (was, now) in changed.items()
        if changed.get((month, _find_inherited(key))) != (was, now)  # changed with it, so told once
    ]


def _find_inherited(key: str) -> str:
    """Return the setting this one takes its value from unless it has its own; "" if none."""
    row = load_catalogue().get(key.partition("@")[0])
    return "" if row is None or row.inherits is None else row.inherits


def _list_rules(inputs: Inputs) -> Iterator[tuple[tuple[str, str], str]]:
    """Return (month, rule) → its value; a scheme file is named by its version and the beginning of its hash."""
    period = str(inputs["period"])
    for key, value in inputs["settings"].items():
        if key.startswith(RULE_PREFIXES):
            yield (period, key), str(value)
    for scheme, text in (inputs.get("schemes") or {}).items():
        version = _parse_kept(text).version
        yield (period, f"scheme.{scheme}"), f"{version} ({hashlib.sha256(text.encode()).hexdigest()[:8]})"
    for month in inputs.get("months", ()):
        yield from _list_rules(month)
