"""Keys, sessions and repeated requests of the API and the console."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from backend.domain.acts import Account

SESSION_IDLE = timedelta(minutes=30)  # FA4
SESSIONS_AT_ONCE = 5  # of one account; one more ends the oldest
SESSION_MAX_AGE = timedelta(hours=12)  # a session never outlives a working day
SIGN_IN_LIFETIME = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A live API key: of a person, or a service key with a role and perhaps a unit."""

    name: str
    person: str | None
    role: str | None
    unit: str | None


@dataclass(frozen=True, slots=True)
class ListedKey:
    """A key as it is listed: never its secret. `used_at`: its last use, to the minute."""

    id: int
    key: ApiKey
    created_at: datetime
    made_by: str
    expires_at: datetime | None = None
    used_at: datetime | None = None
    revoked_at: datetime | None = None
    revoked_by: str | None = None


@dataclass(frozen=True, slots=True)
class Session:
    """A console session of an account. Before `stage` is "open" only that step's page opens: "factor" or "enrol"."""

    account: Account
    csrf: str
    created_at: datetime
    stage: str = "open"


@dataclass(frozen=True, slots=True)
class SessionOrigin:
    """What opened a session, for the list of one's sessions: the way, the browser and the address as they named themselves."""

    way: str = ""
    device: str = ""
    address: str = ""


@dataclass(frozen=True, slots=True)
class ListedSession:
    """A living session as its owner sees it; `id` names it and opens nothing."""

    id: str
    origin: SessionOrigin
    created_at: datetime
    seen_at: datetime


@dataclass(frozen=True, slots=True)
class NewSession:
    """A new session: its token is returned only once."""

    token: str
    csrf: str


class KeyStore(Protocol):
    """Stores API keys, sign-in tokens and sessions."""

    async def create_key(
        self, name: str, now: datetime, *, person: str | None = None, role: str | None = None, unit: str | None = None,
        by: str = "", until: datetime | None = None,
    ) -> str:  # fmt: skip
        """Create an API key, returned once; `until`: when it ends. Refused `exists` if a live service key of that name differs."""
        ...

    async def find_key(self, secret: str, now: datetime) -> ApiKey | None:
        """Find the live key with this secret, and note that it was used."""
        ...

    async def list_keys(self) -> Sequence[ListedKey]:
        """List all keys, the newest first, ended ones as well."""
        ...

    async def revoke_key(self, id: int, by: str, now: datetime) -> ListedKey | None:
        """Revoke one key; None if there is no such living one."""
        ...

    async def end_key(self, id: int, until: datetime) -> None:
        """Let a key end at this moment, unless it ends before."""
        ...

    async def find_service_key(self, name: str) -> ApiKey | None:
        """Find the live service key of this name."""
        ...

    async def revoke_keys(self, name: str, now: datetime) -> int:
        """Revoke all keys of a name; return how many."""
        ...

    async def create_sign_in_token(
        self, account: Account, now: datetime, lifetime: timedelta = SIGN_IN_LIFETIME
    ) -> str:
        """Create a token that opens one session, once."""
        ...

    async def use_sign_in_token(self, token: str, now: datetime) -> Account | None:
        """Use up a sign-in token and return its account (FA9)."""
        ...

    async def open_session(
        self, account: Account, now: datetime, stage: str = "open", origin: SessionOrigin | None = None
    ) -> NewSession:
        """Open a new session; the oldest of more than five ends."""
        ...

    async def list_sessions(self, account: Account, now: datetime) -> Sequence[ListedSession]:
        """List the living open sessions of an account, the newest first."""
        ...

    async def end_sessions(self, account: Account, only: str = "", keep: str = "") -> int:
        """End the session with the id `only`, or all but that of the token `keep`; return how many."""
        ...

    async def get_session(self, token: str, now: datetime) -> Session | None:
        """Return the live session of a token; it ends after 30 idle minutes or 12 h."""
        ...

    async def close_session(self, token: str) -> None:
        """Sign out."""
        ...

    async def move_sessions(self, by: timedelta) -> None:
        """Move sessions along with the rehearsal clock, so that nobody counts as idle."""
        ...


RETENTION = timedelta(hours=48)
CLAIM_TIMEOUT = timedelta(seconds=60)  # an older claim was left by a process that died


@dataclass(frozen=True, slots=True)
class PriorRequest:
    """What is known of a key. `status` 0: another request is working on it now."""

    same_body: bool
    status: int
    answer: str


class IdempotencyStore(Protocol):
    """Stores claims and answers by idempotency key."""

    async def claim(self, key: str, body_hash: str, now: datetime) -> PriorRequest | None:
        """Claim a key. None: it is yours, do the work and settle it; otherwise return what is known of it."""
        ...

    async def find(self, key: str, body_hash: str) -> PriorRequest | None:
        """Return what is known of a key, without claiming it."""
        ...

    async def settle(self, key: str, status: int, answer: str) -> None:
        """Store the answer."""
        ...

    async def release(self, key: str) -> None:
        """Release the claim: nothing was done."""
        ...
