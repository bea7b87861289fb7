"""The settings in force: immutable overrides over profile and defaults, read through typed methods."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from zoneinfo import ZoneInfo

from backend.domain.limits import Limit
from backend.domain.office_hours import SHANGHAI, OfficeHours
from backend.domain.profiles import CHOOSING, Profile, load_profiles
from backend.domain.refusals import Refused
from backend.domain.settings_catalogue import (
    SettingSpec,
    ValueKind,
    find_setting,
    load_catalogue,
    parse_value,
)

__all__ = ["SettingSpec", "Settings", "ValueKind", "find_setting", "load_catalogue", "parse_value"]


@dataclass(frozen=True, slots=True, eq=False)
class Settings:
    """Settings as of one instant (readings §4).

    `overrides` are what people have set, `KEY` or `KEY@UNIT` → written value; they win over the profile, which wins
    over the default. The constructor validates every value and raises as `parse` does. `zone` is the time zone of
    times of day.
    """

    overrides: Mapping[str, str] = field(default_factory=dict)
    zone: ZoneInfo = SHANGHAI
    _values: dict[str, str] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        chosen = {key: parse_value(key, value) for key, value in self.overrides.items()}
        default = {key: row.default for key, row in load_catalogue().items() if row.default is not None}
        profile = load_profiles()[chosen.get(CHOOSING, default[CHOOSING])]
        values = {**default, **profile.settings, **chosen}
        for key, row in load_catalogue().items():
            if row.inherits is not None:
                values.setdefault(key, values[row.inherits])
        object.__setattr__(self, "overrides", chosen)
        object.__setattr__(self, "_values", values)

    def with_changes(self, changes: Mapping[str, object]) -> "Settings":
        """Return these settings with some changed; a value of None removes the override."""
        kept = {key: value for key, value in self.overrides.items() if key not in changes}
        for key, value in changes.items():
            find_setting(key)
            if value is not None:
                kept[key] = parse_value(key, value)
        return Settings(kept, self.zone)

    def get(self, key: str, unit: str | None = None) -> str:
        """Return the written value of a key, the unit's own if it has one; raises `unknown_setting`."""
        if unit is not None:
            own = self._values.get(f"{key}@{unit}")
            if own is not None:
                return own
        value = self._values.get(key)
        return value if value is not None else self._refuse_unset(key)

    @property
    def profile(self) -> Profile:
        """The profile in force."""
        return load_profiles()[self.get(CHOOSING)]

    def has_profiles(self, key: str) -> bool:
        """Whether the value in force is the profile's: it names one, and nobody has set another."""
        return key in self.profile.settings and key not in self.overrides

    def to_dict(self) -> dict[str, str]:
        """Return all settings in force, key → written value, for `jiesu settings --json` and score sheets."""
        own = {key: value for key, value in sorted(self.overrides.items()) if "@" in key}
        return {key: self._values[key] for key in load_catalogue()} | own

    def limit(self, key: str, unit: str | None = None) -> Limit:
        """Return a limit; raises `bad_limit` if a word is set instead (use `limit_or_none`)."""
        return Limit.parse(self.get(key, unit))

    def limit_or_none(self, key: str, unit: str | None = None) -> Limit | None:
        """Return a limit, or None if its word is set (`close` for a reply, `due` for the red card)."""
        written = self.get(key, unit)
        return None if written in find_setting(key).words else Limit.parse(written)

    def flag(self, key: str, unit: str | None = None) -> bool:
        """Return a boolean."""
        return self.get(key, unit) == "true"

    def integer(self, key: str, unit: str | None = None) -> int:
        """Return a whole number."""
        return int(self.get(key, unit))

    def decimal(self, key: str, unit: str | None = None) -> Decimal:
        """Return an exact number."""
        return Decimal(self.get(key, unit))

    def text(self, key: str, unit: str | None = None) -> str:
        """Return the value as written."""
        return self.get(key, unit)

    def choice(self, key: str, unit: str | None = None) -> str:
        """Return one of the setting's items."""
        return self.get(key, unit)

    def strings(self, key: str, unit: str | None = None) -> tuple[str, ...]:
        """Return a list of words, in the order written."""
        written = self.get(key, unit)
        return tuple(written.split(",")) if written else ()

    def rate(self, key: str) -> tuple[int, Limit]:
        """Return how many times in how long: `1/7d` → (1, 7d)."""
        times, _, span = self.get(key).partition("/")
        return int(times), Limit.parse(span)

    def periods(self, key: str, unit: str | None = None) -> OfficeHours:
        """Return times of day: office hours, the visit window, quiet hours."""
        return OfficeHours.parse(self.get(key, unit), self.zone, overnight=find_setting(key).kind is ValueKind.QUIET)

    def office_hours(self, unit: str | None = None) -> OfficeHours:
        """Return 办公时间 of the unit, or the general ones."""
        return OfficeHours.parse(self.get("office_hours", unit), self.zone)

    def _refuse_unset(self, key: str) -> str:
        find_setting(key)
        raise Refused("unknown_setting", key=key, near=[])
