"""Who may come in at the web door: API keys, one-time sign-in words, sessions. Only hashes are kept (FA11)."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

IDLE = timedelta(minutes=30)  # FA4
LONGEST = timedelta(hours=12)  # a session never outlives a working day
SIGN_IN_LIFETIME = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Key:
    """A live API key: of a person, or a service key with a role and perhaps a unit."""

    name: str
    person: str | None
    role: str | None
    unit: str | None


@dataclass(frozen=True, slots=True)
class Session:
    """A console session. `holder` is a person's code, `key:NAME`, or `operator` (the one who started the house)."""

    holder: str
    csrf: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Opened:
    """A new session: its token is told once."""

    token: str
    csrf: str


class KeysStore(Protocol):
    """The key rack."""

    async def create(
        self, name: str, now: datetime, *, person: str | None = None, role: str | None = None,
        unit: str | None = None,
    ) -> str:  # fmt: skip
        """A new API key, told once. Refused `exists` when a living service key of that name is another's."""
        ...

    async def key_of(self, secret: str) -> Key | None:
        """The living key with this secret."""
        ...

    async def named(self, name: str) -> Key | None:
        """The living service key of this name."""
        ...

    async def revoke(self, name: str, now: datetime) -> int:
        """End all keys of a name; how many."""
        ...

    async def sign_in_token(self, holder: str, now: datetime, lifetime: timedelta = SIGN_IN_LIFETIME) -> str:
        """A word that opens one session, once."""
        ...

    async def use_sign_in(self, token: str, now: datetime) -> str | None:
        """The holder of a sign-in word, which is used up by asking (FA9)."""
        ...

    async def open_session(self, holder: str, now: datetime) -> Opened:
        """A new session."""
        ...

    async def session(self, token: str, now: datetime) -> Session | None:
        """The living session of a token; idle for 30 min or 12 h old it has ended."""
        ...

    async def close_session(self, token: str) -> None:
        """Sign out."""
        ...

    async def carry_sessions(self, by: timedelta) -> None:
        """The rehearsal's clock was moved: sessions go with it, for nobody has been idle."""
        ...
