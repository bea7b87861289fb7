"""The settings scoring obeys (readings): defaults, allowed values, and those in force for one sheet (readings §4)."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from types import MappingProxyType

from backend.domain.refusals import Refused
from backend.domain.scoring.exact import Rounding, format_value, parse_count, parse_number

NONE = "none"

#: key → allowed values; the first is the default.
CHOICES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "scoring.slope_mode": ("proportional", "step_floor", "step_ceil"),  # Q1, Q3
        "scoring.participation": ("in_hand", "dispatched"),  # Q9, XD2
        "scoring.zero_denominator": ("full", "exclude_and_rescale", "carry_last"),  # Q9
        "scoring.rounding_stage": ("published", "total_only"),  # Q13
        "scoring.closure_basis": ("closed", "due"),  # Q16
        "scoring.return_basis": ("accepted", "submitted"),  # Q20
        "scoring.unreasonable_mode": ("keep_in_denominator", "remove_both"),  # Q37
        "scoring.second_visit_unreached": ("satisfied", "keep_first"),  # Q36
        "scoring.sign_month": ("dispatched", "due"),  # Q14
        "scoring.dispatch_month": ("generated", "due"),  # Q14
        "scoring.return_month": ("submitted", "decided"),  # Q14
        "scoring.extension_month": ("closed", "due"),  # Q14
        "scoring.satisfaction_month": ("closed", "visited"),  # Q14
        "scoring.red_card_month": ("due", "closed"),  # Q14, Q33
        "scoring.dispatch_basis": ("requiring", "dispatched"),  # Q17
        "scoring.red_card_basis": ("in_hand", "dispatched"),  # Q17
        "scoring.sign_returned": ("keep", "leave_out"),  # Q19
        "scoring.assisting": ("sign", "none"),  # Q21
        "scoring.response_basis": ("said_or_recorded", "said"),  # Q41, XD20
        "scoring.merged": ("once", "each"),  # Q23
        "scoring.criticism_cap": ("shared", "province_only"),  # Q27
        "region.aggregation": ("mean", "ticket_weighted", "pooled"),  # Q51
        "period.quarter": ("mean_of_scored_months",),  # Q52
        "period.year": ("mean_of_scored_months",),
    }
)

#: integers from 0 up (Q10).
INTEGERS: Mapping[str, str] = MappingProxyType(
    {
        "scoring.small_sample_min": "10",
        "scoring.tolerance_count": "0",
    }
)

#: decimals; those in OPEN may be `none` (Q11, Q12).
DECIMALS: Mapping[str, str] = MappingProxyType(
    {
        "scoring.total_floor": "0",
        "scoring.total_max": NONE,
        "region.weight_management": "0.4",
        "region.weight_units": "0.6",
    }
)
MAY_BE_NONE = frozenset({"scoring.total_floor", "scoring.total_max"})

#: the institution's own lists (Q7); they decide what a missing post is before the ledger is written.
LISTS = frozenset({"scoring.required_posts", "scoring.required_rules"})

ROUNDING = "scoring.rounding"

DEFAULTS: Mapping[str, str] = MappingProxyType(
    {key: words[0] for key, words in CHOICES.items()} | dict(INTEGERS) | dict(DECIMALS) | {ROUNDING: "half_up_2"}
)

_ITEM_MODE = re.compile(r"scoring\.([a-z_]+)\.slope_mode")


@lru_cache(maxsize=1024)
def _is_slope_mode(key: str) -> bool:
    """Whether a key is an item's own slope mode. Cached: called for every setting of every sheet."""
    return _ITEM_MODE.fullmatch(key) is not None


@dataclass(frozen=True)
class Readings:
    """Validated scoring settings of one run."""

    values: Mapping[str, str]
    rounding: Rounding

    @classmethod
    def parse(
        cls, given: Mapping[str, object], scheme_settings: Mapping[str, str] = MappingProxyType({})
    ) -> "Readings":
        """Validate `given` over the defaults; keys that are not scoring's own are ignored. Refused `bad_setting`.

        `scheme_settings`: key → default of the settings a scheme declares for its own numbers (`scoring.connect.cap`, Q5).
        """
        values = dict(DEFAULTS) | dict(scheme_settings)
        for key, value in given.items():
            if key in values or key in LISTS or _is_slope_mode(key):
                values[key] = _parse_text(key, value)
        for key, value in values.items():
            _check_value(key, value, scheme_settings)
        floor, top = values["scoring.total_floor"], values["scoring.total_max"]
        if NONE not in (floor, top) and Fraction(floor) > Fraction(top):
            raise Refused("bad_setting", key="scoring.total_max", value=top, allowed=f">= {floor}")
        return cls(MappingProxyType(values), Rounding.parse(values[ROUNDING], ROUNDING))

    def choice(self, key: str) -> str:
        """Return the chosen value of a key in WORDS."""
        return self.values[key]

    def integer(self, key: str) -> int:
        """Return the chosen integer."""
        return int(self.values[key])

    def decimal(self, key: str) -> Fraction | None:
        """Return the chosen decimal, or None for `none`."""
        value = self.values[key]
        return None if value == NONE else Fraction(value)

    def slope_mode(self, item: str) -> str:
        """Return the item's own slope mode, else the general one (Q1, Q3)."""
        return self.values.get(f"scoring.{item}.slope_mode", self.values["scoring.slope_mode"])

    def select(self, keys: Iterable[str], items: Iterable[str] = ()) -> dict[str, str]:
        """Return what the sheet prints: the values of `keys`, and the slope modes set for `items`."""
        wanted = [*keys, *(f"scoring.{item}.slope_mode" for item in items)]
        return {key: self.values[key] for key in wanted if key in self.values}


def overlay(settings: Mapping[str, object], own: Mapping[str, object]) -> dict[str, object]:
    """Return `settings` overridden by `own`.

    A full view of the settings repeats the general slope mode under every item; such a copy is not a choice and
    must not survive a general mode set in `own`.
    """
    general = settings.get("scoring.slope_mode", DEFAULTS["scoring.slope_mode"])
    chosen = {key: value for key, value in settings.items() if not (_is_slope_mode(key) and value == general)}
    return {**chosen, **own}


def is_known_setting(key: str, scheme_settings: Iterable[str], items: Iterable[str]) -> bool:
    """Whether a facts document may name this setting; a mistyped key must not pass silently."""
    if key in DEFAULTS or key in LISTS or key in set(scheme_settings):
        return True
    match = _ITEM_MODE.fullmatch(key)
    return match is not None and match[1] in set(items)


def _parse_text(key: str, value: object) -> str:
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        raise Refused("bad_setting", key=key, value=format_value(value), allowed=_describe_allowed(key))
    return str(value)


def _describe_allowed(key: str) -> str:
    """Return the allowed values as short text."""
    if key in CHOICES:
        return ", ".join(CHOICES[key])
    if _is_slope_mode(key):
        return _describe_allowed("scoring.slope_mode")
    return "0, 1, 2, …" if key in INTEGERS else "decimal"


def _check_value(key: str, value: str, scheme_settings: Mapping[str, str]) -> None:
    mode = _is_slope_mode(key)
    words = CHOICES["scoring.slope_mode"] if mode else CHOICES.get(key)
    if words is not None:
        if value not in words:
            raise Refused("bad_setting", key=key, value=value, allowed=_describe_allowed(key))
        return
    if key == ROUNDING or key in LISTS or (value == NONE and (key in MAY_BE_NONE or key in scheme_settings)):
        return
    try:
        amount = parse_count(value, key) if key in INTEGERS else parse_number(value, key)
    except Refused as no:
        raise Refused("bad_setting", key=key, value=value, allowed=_describe_allowed(key)) from no
    if amount < 0 and key != "scoring.total_floor":
        raise Refused("bad_setting", key=key, value=value, allowed=">= 0")
