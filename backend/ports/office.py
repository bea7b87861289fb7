"""The office: rules and calendar, units and people, duty rosters, what units lack."""

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

    async def add_version(self, *versions: SettingVersion) -> None:
        """Add a version of a setting, or of several at once; earlier ones stay readable."""
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


@dataclass(frozen=True, slots=True)
class PersonRow:
    """A person to be saved. `phone` is E.164 (sealed in storage); None leaves a known number unchanged."""

    code: str
    name: str
    unit: str
    role: str
    phone: str | None = None
    key_name: str | None = None
    key_authorised: bool | None = None  # None: unchanged
    active: bool | None = True  # None: unchanged
    contact_order: int | None = None  # None: after the unit's other people of this role


@dataclass(frozen=True, slots=True)
class Binding:
    """A chat user and the person behind them."""

    person: str
    channel: str
    user_id: str
    address: str
    how: str = "code"  # code | phone | directory | sign_in


@dataclass(frozen=True, slots=True)
class PinCheck:
    """What a PIN is checked against, after the guess has been counted."""

    hash: str
    guesses: int  # this one included
    locked_until: datetime | None


class PeopleStore(Protocol):
    """Stores people. Every change to who can be reached bumps the configuration epoch."""

    async def save_people(
        self, people: Sequence[PersonRow], now: datetime, by: str, *, dry_run: bool = False
    ) -> list[bool]:
        """Save people in one transaction, each change with an audit row; True for each that was new or changed.

        `dry_run`: return the same and write nothing.
        """
        ...

    async def get_person(self, code: str) -> Person | None:
        """Return a person by code, active or not."""
        ...

    async def find_by_chat(self, channel: str, user_id: str) -> Person | None:
        """Find the active person behind a chat user (FT34)."""
        ...

    async def list_by_phone(self, phone: str) -> Sequence[Person]:
        """List the active people with that number (E.164), by code."""
        ...

    async def get_phone(self, code: str) -> str | None:
        """Return a person's number in clear text, E.164."""
        ...

    async def get_phone_tail(self, code: str) -> str:
        """Return the last four digits of a person's number, "" without one."""
        ...

    async def store_code(self, code: str, person: str, now: datetime, until: datetime) -> None:
        """Store a binding code, hashed; the person's earlier unused ones stop working."""
        ...

    async def try_code(self, code: str, subject: str, now: datetime) -> tuple[str, str] | None:
        """Count one guess by a user and look the code up: (person, its hash), or None. Refused `too_many_tries`."""
        ...

    async def bind(self, code_hash: str, phone: str, binding: Binding, now: datetime) -> Person:
        """Use up the code and bind, ending older bindings of this person and this user on the channel (FT32).

        Refused `code_unknown`, `code_expired`, `already_bound`, `number_not_registered`, `too_many_tries`.
        """
        ...

    async def unbind(self, person: str, channel: str, reason: str, now: datetime, *, by: str | None = None) -> bool:
        """End the live binding of one network, and the life of its cards; False when there was none.

        It is dead, or, with `by`, ended by that person: then with an audit row.
        """
        ...

    async def prefer_chat(self, person: str, channel: str | None, now: datetime, by: str) -> None:
        """Keep which network a person is told by first, with an audit row; None: as the office has it."""
        ...

    async def set_pin(self, person: str, hash: str | None) -> None:
        """Set another PIN and reset its failures."""
        ...

    async def has_pin(self, person: str) -> bool:
        """Whether the person has a PIN."""
        ...

    async def try_pin(self, person: str, now: datetime, max_guesses: int, lock_until: datetime) -> PinCheck | None:
        """Count one guess before checking it; the `most`-th locks the PIN until `lock_until`. None without a PIN."""
        ...

    async def reset_pin_failures(self, person: str) -> None:
        """Reset the failures after a correct guess."""
        ...


@dataclass(frozen=True, slots=True)
class Handover:
    """交接班记录: what the outgoing person left to the incoming one."""

    at: datetime
    unit: str
    person: str
    text: str


class DutyRosterStore(Protocol):
    """Stores duty rosters. Every change but a note is a configuration change: all processes see it within a second."""

    async def save_shifts(self, shifts: Sequence[Shift], by: str, now: datetime) -> list[bool]:
        """Save shifts, assigning their ids; True for each new or changed one (same unit, person, begin)."""
        ...

    async def delete_shift(self, shift_id: int) -> Shift | None:
        """Delete a shift; return what it was, or None if there is none."""
        ...

    async def list_shifts(self, unit: str, begin: datetime, end: datetime) -> Sequence[Shift]:
        """List a unit's shifts that overlap a period, past ones too, by start."""
        ...

    async def get_shift(self, shift_id: int) -> Shift | None:
        """Return one shift."""
        ...

    async def add_stand_in(self, stand_in: StandIn, by: str, now: datetime) -> StandIn:
        """Save a stand-in; return it with its id."""
        ...

    async def end_stand_in(self, stand_in_id: int, now: datetime) -> bool:
        """End a stand-in now; False if it has ended or does not exist."""
        ...

    async def list_stand_ins(self, now: datetime) -> Sequence[StandIn]:
        """List stand-ins that have not ended, by start."""
        ...

    async def add_handover(self, handover: Handover) -> None:
        """Save a handover note."""
        ...

    async def list_handovers(self, unit: str, limit: int) -> Sequence[Handover]:
        """List a unit's handover notes, newest first."""
        ...

    async def set_quiet_hours(self, person: str, hours: str | None, now: datetime) -> None:
        """Set a person's own quiet hours; None removes them."""
        ...


@dataclass(frozen=True, slots=True)
class ReadinessReminder:
    """催报: a unit was reminded of what it lacks."""

    unit: str
    at: datetime
    by: str
    note: str


class ReadinessStore(Protocol):
    """Stores reminders."""

    async def add(self, chase: ReadinessReminder) -> None:
        """Add a reminder."""
        ...

    async def list_latest(self) -> Mapping[str, ReadinessReminder]:
        """Return the newest reminder of each unit."""
        ...
