"""What a newly written setting must also agree with; one stored before is read as it is, so that no office stands still."""

from collections.abc import Mapping
from decimal import Decimal

from backend.domain.limits import Limit, LimitUnit
from backend.domain.refusals import Refused
from backend.domain.settings_catalogue import ValueKind, find_setting, load_catalogue

#: The longest limits that make sense, about a year of each unit.
LONGEST: Mapping[LimitUnit, int] = {
    LimitUnit.MINUTES: 1440, LimitUnit.HOURS: 8784, LimitUnit.DAYS: 366, LimitUnit.WORK_HOURS: 2000, LimitUnit.WORKDAYS: 250,
}  # fmt: skip
#: setting → the setting it may not be above
NOT_ABOVE = {"bulletin.peer_small": "bulletin.peer_large"}


def refuse_nonsense(key: str, value: str, settings: Mapping[str, str]) -> None:
    """Check a parsed value of a key (`KEY` or `KEY@UNIT`) beside the `settings`, key → value, in force with it.

    Refused `setting_empty`, `setting_too_long`, `setting_above`.
    """
    row = find_setting(key)
    if row.kind is ValueKind.LIST and row.is_needed and not value:
        raise Refused("setting_empty", key=row.label)
    if row.kind is ValueKind.LIMIT and value not in row.words:
        limit = Limit.parse(value)
        longest = row.longest or LONGEST[limit.unit]
        if limit.amount > longest:
            raise Refused("setting_too_long", key=row.label, longest=f"{longest}{limit.unit}")
    for low, high in NOT_ABOVE.items():
        if row.key in (low, high) and Decimal(settings[low]) > Decimal(settings[high]):
            raise Refused(
                "setting_above", key=row.label, low=load_catalogue()[low].label, high=load_catalogue()[high].label
            )
