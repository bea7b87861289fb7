"""Signing in: name and password, then the second factor; tries are counted before they are judged, and lock nobody out (FA1)."""

import hashlib
import hmac
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from backend.domain.acts import Account, AccountKind
from backend.domain.chance import Chance
from backend.domain.refusals import Refused
from backend.domain.typed_numbers import read_typed
from backend.identity import factors
from backend.identity.accounts import Accounts
from backend.identity.passwords import Passwords
from backend.office.cache import OfficeCache
from backend.office.phone_numbers import normalise_phone
from backend.ports.accounts import StoredAccount
from backend.ports.integrity import AuditStore
from backend.ports.office import PeopleStore
from backend.ports.web import KeyStore, NewSession, Session, SessionOrigin

FREE_TRIES = 10  # of one account from unknown devices in ten minutes, and of each known device
NAMES_PER_ADDRESS = 20  # tried in vain from one address, before it waits
OPEN, FACTOR, ENROL = "open", "factor", "enrol"  # stages of a session


@dataclass(frozen=True, slots=True)
class Attempt:
    """Where a try comes from: browser and address, and the cookie by which we know the browser ("" for none)."""

    origin: SessionOrigin
    device: str = ""


@dataclass(frozen=True, slots=True)
class Opened:
    """An opened session, its stage, and the cookie by which this browser is known from now on ("": none)."""

    session: NewSession
    stage: str
    device: str = ""


class SignIn:
    """Opens the sessions of those who have a password. `device_key` signs the cookies of known browsers."""

    def __init__(
        self, accounts: Accounts, people: PeopleStore, sessions: KeyStore, office: OfficeCache, audit: AuditStore,
        passwords: Passwords, chance: Chance, device_key: bytes, real_now: Callable[[], datetime],
    ) -> None:  # fmt: skip
        self._accounts, self._people, self._sessions, self._office = accounts, people, sessions, office
        self._audit, self._passwords, self._chance, self._device_key = audit, passwords, chance, device_key
        self._real_now = real_now

    async def enter(self, typed: str, password: str, attempt: Attempt) -> Opened:
        """Open a session by name (code or telephone number) and password; its stage says what is still missing.

        Refused `sign_in_failed`, the same for an unknown name (FA10), `too_many`, `busy`.
        """
        name, store, now = read_typed(typed)[:100], self._accounts.store, self._real_now()
        stored = await self._find(name)
        device = self._read_device(attempt.device, stored)
        bucket = f"sign_in:{stored.id}{device}" if stored else f"sign_in:?{hashlib.sha256(name.encode()).hexdigest()}"
        address = attempt.origin.address
        if address and not device and await store.count_failed_names(address, now) > NAMES_PER_ADDRESS:
            raise Refused("too_many")
        if await store.count_try(bucket, FREE_TRIES, now):
            raise Refused("too_many")
        right = await self._passwords.verify(stored.password_hash if stored else None, password)
        if stored is None or not right:
            if address:
                await store.note_failed_name(address, name, now)
            await self._audit.record(self._now, "?", "sign_in_failed", name[:40], address=address)
            raise Refused("sign_in_failed")
        stage = await self._find_stage(stored)
        if stage == OPEN:
            await store.forget_tries(bucket)
            return await self._open(stored, attempt)
        origin = attempt.origin
        return Opened(await self._sessions.open_session(stored.account, self._now, stage, origin), stage)

    async def finish(self, session: Session, token: str, code: str, attempt: Attempt) -> Opened:
        """Open the session for good by a code of the second factor; the token of before opens nothing any more.

        Refused `factor_wrong`, `too_many`.
        """
        stored = await self._get(session)
        bucket = f"factor:{stored.id}{self._read_device(attempt.device, stored)}"
        if await self._accounts.store.count_try(bucket, FREE_TRIES, self._real_now()):
            raise Refused("too_many")
        if session.stage != FACTOR or not await factors.use_factor(
            self._accounts.store, stored, code, self._real_now()
        ):
            await self._audit.record(
                self._now, self._accounts.name(session.account), "factor_wrong", session.account.id
            )
            raise Refused("factor_wrong", field="code")
        await self._accounts.store.forget_tries(bucket)
        await self._sessions.close_session(token)
        return await self._open(stored, attempt)

    async def finish_enrolment(self, session: Session, token: str, attempt: Attempt) -> Opened:
        """Open the session for good once its second factor is set. Refused `second_factor_needed`."""
        stored = await self._get(session)
        if stored.factor is None:
            raise Refused("second_factor_needed")
        await self._sessions.close_session(token)
        return await self._open(stored, attempt)

    async def _open(self, stored: StoredAccount, attempt: Attempt) -> Opened:
        opened = await self._sessions.open_session(stored.account, self._now, OPEN, attempt.origin)
        await self._audit.record(
            self._now, self._accounts.name(stored.account), "sign_in", stored.ref, way=attempt.origin.way
        )
        return Opened(opened, OPEN, self._write_device(stored))

    async def _find_stage(self, stored: StoredAccount) -> str:
        if stored.factor is not None:
            return FACTOR
        return ENROL if await self._accounts.needs_factor(stored.account) else OPEN

    async def _get(self, session: Session) -> StoredAccount:
        stored = await self._accounts.find_own(session.account)
        if stored is None or stored.closed_at is not None:
            raise Refused("unauthenticated")
        return stored

    async def _find(self, name: str) -> StoredAccount | None:
        """Return the account with a password of a typed name: of an active person, or an administrator."""
        by_code = (await self._office.snapshot()).by_code
        codes = [name] if name in by_code else await self._find_by_phone(name)
        wanted = [Account(AccountKind.PERSON, code) for code in codes if code in by_code and by_code[code].active]
        found = [await self._accounts.store.find(one) for one in wanted or [Account(AccountKind.ADMINISTRATOR, name)]]
        usable = [one for one in found if one is not None and one.password_hash and one.closed_at is None]
        return usable[0] if len(usable) == 1 else None

    async def _find_by_phone(self, typed: str) -> list[str]:
        try:
            phone = normalise_phone(typed).e164
        except Refused:
            return []
        return [person.code for person in await self._people.list_by_phone(phone)]

    @property
    def _now(self) -> datetime:
        return self._office.clock.now()

    # -- browsers that have signed in before

    def _write_device(self, stored: StoredAccount) -> str:
        named = f"{stored.id}.{self._chance.hex_token(12)}"
        return f"{named}.{self._sign(named)}"

    def _read_device(self, cookie: str, stored: StoredAccount | None) -> str:
        """Return what names a known browser of this account, "" for any other."""
        named, _, mac = cookie.rpartition(".")
        known = stored is not None and named.startswith(f"{stored.id}.") and hmac.compare_digest(mac, self._sign(named))
        return f":{named}" if known else ""

    def _sign(self, named: str) -> str:
        return hmac.new(self._device_key, f"device:{named}".encode(), hashlib.sha256).hexdigest()
