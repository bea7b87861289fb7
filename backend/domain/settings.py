"""The settings in force: immutable overrides over profile and defaults, read through typed methods."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from zoneinfo import ZoneInfo

from backend.domain.limits import Limit
from backend.domain.office_hours import SHANGHAI, OfficeHours
from backend.domain.refusals import Refused
from backend.domain.settings_catalogue import Kind, Row, catalogue, parse, profiles, row_of

__all__ = ["Kind", "Row", "Settings", "catalogue", "parse", "row_of"]


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
        chosen = {key: parse(key, value) for key, value in self.overrides.items()}
        default = {key: row.default for key, row in catalogue().items() if row.default is not None}
        profile = profiles().get(chosen.get("profile", default["profile"]), {})
        values = {**default, **profile, **chosen}
        for key, row in catalogue().items():
            if row.inherits is not None:
                values.setdefault(key, values[row.inherits])
        object.__setattr__(self, "overrides", chosen)
        object.__setattr__(self, "_values", values)

    def with_(self, changes: Mapping[str, object]) -> "Settings":
        """Return these settings with some changed; a value of None removes the override."""
        kept = {key: value for key, value in self.overrides.items() if key not in changes}
        for key, value in changes.items():
            row_of(key)
            if value is not None:
                kept[key] = parse(key, value)
        return Settings(kept, self.zone)

    def get(self, key: str, unit: str | None = None) -> str:
        """Return the written value of a key, the unit's own if it has one; raises `unknown_setting`."""
        if unit is not None:
            own = self._values.get(f"{key}@{unit}")
            if own is not None:
                return own
        value = self._values.get(key)
        return value if value is not None else self._unset(key)

    def view(self) -> dict[str, str]:
        """Return all settings in force, key → written value, for `jiesu settings --json` and score sheets."""
        own = {key: value for key, value in sorted(self.overrides.items()) if "@" in key}
        return {key: self._values[key] for key in catalogue()} | own

    def limit(self, key: str, unit: str | None = None) -> Limit:
        """Return a limit; raises `bad_limit` if a word is set instead (use `limit_or_none`)."""
        return Limit.parse(self.get(key, unit))

    def limit_or_none(self, key: str, unit: str | None = None) -> Limit | None:
        """Return a limit, or None if its word is set (`close` for a reply, `due` for the red card)."""
        written = self.get(key, unit)
        return None if written in row_of(key).words else Limit.parse(written)

    def flag(self, key: str, unit: str | None = None) -> bool:
        """Return a boolean."""
        return self.get(key, unit) == "true"

    def integer(self, key: str, unit: str | None = None) -> int:
        """Return a whole number."""
        return int(self.get(key, unit))

    def decimal(self, key: str, unit: str | None = None) -> Decimal:
        """Return an exact number."""
        return Decimal(self.get(key, unit))

    def decimal_or_none(self, key: str, unit: str | None = None) -> Decimal | None:
        """Return an exact number, or None if the word `none` is set."""
        written = self.get(key, unit)
        return None if written in row_of(key).words else Decimal(written)

    def text(self, key: str, unit: str | None = None) -> str:
        """Return the value as written."""
        return self.get(key, unit)

    def choice(self, key: str, unit: str | None = None) -> str:
        """Return one of the setting's items."""
        return self.get(key, unit)

    def listing(self, key: str, unit: str | None = None) -> tuple[str, ...]:
        """Return a list of words, in the order written."""
        written = self.get(key, unit)
        return tuple(written.split(",")) if written else ()

    def rate(self, key: str) -> tuple[int, Limit]:
        """Return how many times in how long: `1/7d` → (1, 7d)."""
        times, _, span = self.get(key).partition("/")
        return int(times), Limit.parse(span)

    def periods(self, key: str, unit: str | None = None) -> OfficeHours:
        """Return times of day: office hours, the visit window, quiet hours."""
        return OfficeHours.parse(self.get(key, unit), self.zone, overnight=row_of(key).kind is Kind.QUIET)

    def office_hours(self, unit: str | None = None) -> OfficeHours:
        """Return 办公时间 of the unit, or the general ones."""
        return OfficeHours.parse(self.get("office_hours", unit), self.zone)

    def _unset(self, key: str) -> str:
        row_of(key)
        raise Refused("unknown_setting", key=key, near=[])
