"""People with sealed phone numbers, their chat bindings, binding codes and telephone PINs."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from backend.domain.records import Person


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
    active: bool = True
    contact_order: int | None = None  # None: after the unit's other people of this role


@dataclass(frozen=True, slots=True)
class Binding:
    """A chat user and the person behind them."""

    person: str
    channel: str
    user_id: str
    address: str


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

    async def unbind(self, person: str, channel: str, reason: str, now: datetime) -> bool:
        """Mark the live binding dead; False when there was none."""
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
