"""Accounts that sign in with a password: what is stored of them, of their second factor and of wrong tries."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from backend.domain.acts import Account, AccountKind


@dataclass(frozen=True, slots=True)
class StoredAccount:
    """An account that may sign in. `factor`: the seed of its second factor (base32), None without one.

    `removal_by`: who has asked that the second factor be taken away; somebody else has to agree.
    """

    id: int
    kind: AccountKind
    ref: str
    password_hash: str | None = None
    password_at: datetime | None = None
    factor: str | None = None
    codes_left: int = 0
    removal_by: str | None = None
    created_at: datetime | None = None
    closed_at: datetime | None = None

    @property
    def account(self) -> Account:
        """The account that acts."""
        return Account(self.kind, self.ref)


@dataclass(frozen=True, slots=True)
class Wait:
    """Too many wrong tries: when the next one is judged."""

    until: datetime


class AccountStore(Protocol):
    """Stores accounts, links and recovery codes; counts tries before they are judged (FA1)."""

    async def find(self, account: Account) -> StoredAccount | None:
        """Find an account, closed ones as well."""
        ...

    async def list_all(self) -> Sequence[StoredAccount]:
        """List all accounts, by kind and name."""
        ...

    async def has_administrator(self) -> bool:
        """Whether some administrator of no unit may sign in."""
        ...

    async def create(self, account: Account, now: datetime) -> StoredAccount:
        """Return the account, created if there is none; a closed one is opened again, without its password."""
        ...

    async def close(self, account: int, now: datetime) -> None:
        """Close an account: it signs in no more, its sessions end."""
        ...

    async def set_password(self, account: int, hashed: str, now: datetime, keep_session: str = "") -> None:
        """Set the password; all sessions of the account end but the one with this token (FA8)."""
        ...

    async def set_factor(self, account: int, seed: str | None, codes: Sequence[str], now: datetime) -> None:
        """Set or take away the second factor with its recovery codes."""
        ...

    async def set_codes(self, account: int, codes: Sequence[str]) -> None:
        """Replace the recovery codes."""
        ...

    async def use_step(self, account: int, step: int) -> bool:
        """Use up a step of time; False if this one or a later one was used before (FA9)."""
        ...

    async def use_code(self, account: int, code: str, now: datetime) -> bool:
        """Use up a recovery code; False for one that is unknown or used."""
        ...

    async def ask_removal(self, account: int, by: str | None, now: datetime) -> None:
        """Note who asks that the second factor be taken away; None: nobody."""
        ...

    async def create_link(self, account: int | None, by: str, until: datetime) -> str:
        """Create a one-time link's token; earlier ones of the account stop working. None: of the first administrator."""
        ...

    async def find_link(self, token: str, now: datetime) -> tuple[bool, int | None]:
        """Return whether a link may be used now, and its account."""
        ...

    async def use_link(self, token: str, now: datetime) -> bool:
        """Use up a link; False if somebody was faster."""
        ...

    async def get(self, account: int) -> StoredAccount | None:
        """Return an account by its number."""
        ...

    async def count_try(self, bucket: str, free: int, now: datetime) -> Wait | None:
        """Count a try before it is judged; a `Wait` if it may not be judged now, and then it is not counted.

        `free` tries in ten minutes, after each further one a wait of 1, 2, 4 … 15 minutes.
        """
        ...

    async def forget_tries(self, bucket: str) -> None:
        """Forget the tries of a bucket: one was right."""
        ...

    async def note_failed_name(self, address: str, name: str, now: datetime) -> None:
        """Note that a name was tried in vain from an address."""
        ...

    async def count_failed_names(self, address: str, now: datetime) -> int:
        """Return how many different names were tried in vain from an address in the last ten minutes."""
        ...
