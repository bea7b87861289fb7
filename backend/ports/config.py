"""Office configuration: units, people, bindings, settings and calendar days, read together by epoch."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Protocol

from backend.domain.duty_roster import Shift, StandIn
from backend.domain.records import Person, Unit


@dataclass(frozen=True, slots=True)
class OfficeConfig:
    """Everything that changes rarely and is needed for every act. `epoch` grows with each change."""

    epoch: int
    units: Mapping[str, Unit] = field(default_factory=dict)
    people: Sequence[Person] = ()
    settings: Mapping[str, str] = field(default_factory=dict)
    unit_settings: Mapping[str, Mapping[str, str]] = field(default_factory=dict)  # unit → key → value
    calendar: Mapping[date, bool] = field(default_factory=dict)
    bindings: Mapping[tuple[str, str], str] = field(default_factory=dict)  # channel, user → person of the live binding
    shifts: Sequence[Shift] = ()  # those that have not ended, by beginning
    stand_ins: Sequence[StandIn] = ()  # likewise
    quiet_hours: Mapping[str, str] = field(default_factory=dict)  # person → their own quiet hours, as written
    valid_until: datetime | None = None  # when someone joins or leaves, or a setting takes effect: reload then


@dataclass(frozen=True, slots=True)
class SettingVersion:
    """One version of a setting: who set it, when, and from which instant it is in force."""

    key: str
    unit: str | None
    value: str
    from_at: datetime
    by: str
    set_at: datetime


class ConfigStore(Protocol):
    """Stores the configuration."""

    async def get_epoch(self) -> int:
        """Return the number of the newest change."""
        ...

    async def load(self, now: datetime) -> OfficeConfig:
        """Load all of it, as in force at `now`."""
        ...

    async def add_version(self, version: SettingVersion) -> None:
        """Add a version of a setting; earlier ones stay readable."""
        ...

    async def list_versions(self, key: str | None = None) -> Sequence[SettingVersion]:
        """List versions of one setting or of all, oldest first."""
        ...

    async def set_days(self, days: Mapping[date, bool], note: str, by: str, now: datetime) -> int:
        """Mark days as working or not; return how many were new or changed."""
        ...

    async def save_units(self, units: Sequence[Unit], by: str, now: datetime) -> list[bool]:
        """Save units; True for each that was new or changed."""
        ...
