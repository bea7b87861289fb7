"""What a newly written setting must also agree with; one stored before is read as it is, so that no office stands still."""

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation

from backend.domain.limits import Limit, LimitUnit
from backend.domain.refusals import Refused
from backend.domain.settings_catalogue import ValueKind, find_setting, load_catalogue

#: The longest limits that make sense, about a year of each unit.
LONGEST: Mapping[LimitUnit, int] = {
    LimitUnit.MINUTES: 1440, LimitUnit.HOURS: 8784, LimitUnit.DAYS: 366, LimitUnit.WORK_HOURS: 2000, LimitUnit.WORKDAYS: 250,
}  # fmt: skip
#: setting → the setting it may not be above
NOT_ABOVE = {
    "bulletin.peer_small": "bulletin.peer_large",
    "likeness.show_from": "likeness.merge_from",
    "scoring.total_floor": "scoring.total_max",
    "visit.manual.min_days": "visit.manual.attempts",
}
#: two settings → what they add up to
SUMS = {("region.weight_management", "region.weight_units"): Decimal(1)}


def refuse_nonsense(key: str, value: str, settings: Mapping[str, str]) -> None:
    """Check a parsed value of a key (`KEY` or `KEY@UNIT`) beside the `settings`, key → value, in force with it.

    Refused `setting_empty`, `setting_too_long`, and as `refuse_contradiction`.
    """
    row = find_setting(key)
    if row.kind is ValueKind.LIST and row.is_needed and not value:
        raise Refused("setting_empty", key=row.label)
    if row.kind is ValueKind.LIMIT and value not in row.words:
        limit = Limit.parse(value)
        longest = row.longest or LONGEST[limit.unit]
        if limit.amount > longest:
            raise Refused("setting_too_long", key=row.label, longest=f"{longest}{limit.unit}")
    refuse_contradiction(row.key, settings)


def refuse_contradiction(key: str, settings: Mapping[str, str]) -> None:
    """Check one setting beside those it only makes sense with. Refused `setting_above`, `setting_sum`; both name both."""
    rows = load_catalogue()
    for low, high in NOT_ABOVE.items():
        if key in (low, high) and not is_number_below(settings[low], settings[high]):
            raise Refused("setting_above", key=rows[key].label, low=rows[low].label, high=rows[high].label)
    for (one, other), total in SUMS.items():
        if key in (one, other) and (found := Decimal(settings[one]) + Decimal(settings[other])) != total:
            raise Refused(
                "setting_sum",
                key=rows[key].label,
                one=rows[one].label,
                other=rows[other].label,
                total=str(total),
                found=str(found),
            )


def is_number_below(low: str, high: str) -> bool:
    """Whether one written number is not above another; a word, such as `none`, bounds nothing."""
    try:
        return Decimal(low) <= Decimal(high)
    except InvalidOperation:
        return True


def find_partner(key: str) -> str:
    """Return the setting that can only be changed together with this one; "" if it stands alone."""
    return next((b if key == a else a for a, b in SUMS if key in (a, b)), "")
