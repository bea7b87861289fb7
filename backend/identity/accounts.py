"""Accounts of the console: links to choose a password, second factors, and what an administrator may do about them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from backend.domain.acts import Account, AccountKind, Actor
from backend.domain.chance import Chance
from backend.domain.codes import check_code
from backend.domain.permissions import may
from backend.domain.refusals import Refused
from backend.domain.ticket_enums import Role
from backend.identity import factors
from backend.identity.password_rule import LONG, SHORT, check_password
from backend.identity.passwords import Passwords
from backend.office.cache import OfficeCache
from backend.ports.accounts import AccountStore, StoredAccount
from backend.ports.integrity import AuditStore
from backend.ports.web import KeyStore

LINK_LIFETIME = timedelta(minutes=10)
FIRST_LINK_LIFETIME = timedelta(hours=1)
FRESH = timedelta(minutes=5)  # how long after signing in what secures an account may be changed
NAME_LENGTH = 40  # characters of an administrator's name
FACTOR_ROLES = "identity.second_factor"  # the setting that names the roles which need one


@dataclass(frozen=True, slots=True)
class Link:
    """A one-time link as it is shown, once."""

    token: str
    until: datetime


@dataclass(frozen=True, slots=True)
class OpenedLink:
    """What a link is for: somebody's password, or (`name` "") that of the first administrator, who names themself."""

    name: str
    least: int  # characters of the password


class Accounts:
    """The only writer of accounts. Every event is on record."""

    def __init__(
        self, store: AccountStore, sessions: KeyStore, office: OfficeCache, audit: AuditStore, passwords: Passwords,
        chance: Chance, real_now: Callable[[], datetime],
    ) -> None:  # fmt: skip
        self.store = store
        self._sessions, self._office, self._audit, self._passwords, self._chance = (
            sessions,
            office,
            audit,
            passwords,
            chance,
        )
        self._real_now = real_now

    # -- links

    async def issue_link(self, account: Account, by: Actor) -> Link:
        """Issue a link by which an account's owner chooses a password; nobody chooses it for them.

        Refused `forbidden`, `unknown_person`, `unknown_account`.
        """
        self._require_administrator(by)
        if account.kind is AccountKind.PERSON:
            await self._check_person(account.id)
        elif await self.store.find(account) is None:
            raise Refused("unknown_account", name=account.id)
        return await self._issue(account, by)

    async def create_administrator(self, name: str, by: Actor) -> Link:
        """Create an administrator of no unit, who chooses a password by the link. Refused `exists`, `bad_field`, `reserved_code`."""
        self._require_administrator(by)
        account = Account(AccountKind.ADMINISTRATOR, self._check_name(name))
        known = await self.store.find(account)
        if known is not None and known.closed_at is None:
            raise Refused("exists", name=name)
        return await self._issue(account, by)

    async def _issue(self, account: Account, by: Actor) -> Link:
        stored = await self.store.create(account, self._now)
        until = self._real_now() + LINK_LIFETIME
        token = await self.store.create_link(stored.id, by.code, until)
        await self._audit.record(self._now, by.code, "account_link", account.id, kind=account.kind)
        return Link(token, until)

    async def issue_first_link(self) -> Link | None:
        """Issue the link of the first administrator; None once there is one (FA6)."""
        if await self.store.has_administrator():
            return None
        until = self._real_now() + FIRST_LINK_LIFETIME
        return Link(await self.store.create_link(None, "system", until), until)

    async def open_link(self, token: str) -> OpenedLink:
        """Return what a link is for; looking does not use it up. Refused `link_spent`."""
        return (await self._find_link(token))[0]

    async def _find_link(self, token: str) -> tuple[OpenedLink, StoredAccount | None]:
        usable, number = await self.store.find_link(token, self._real_now())
        if not usable:
            raise Refused("link_spent")
        if number is None:
            if await self.store.has_administrator():
                raise Refused("link_spent")
            return OpenedLink("", await self._find_least(Account(AccountKind.ADMINISTRATOR, ""))), None
        stored = await self.store.get(number)
        if stored is None or stored.closed_at is not None:
            raise Refused("link_spent")
        return OpenedLink(stored.ref, await self._find_least(stored.account)), stored

    async def choose_password(self, token: str, password: str, name: str = "") -> StoredAccount:
        """Set the password of the link's account, once; its sessions end.

        Refused `link_spent`, `password_short`, `password_long`, `password_known`, `bad_field`, `reserved_code`, `busy`.
        """
        _, stored = await self._find_link(token)
        account = stored.account if stored else Account(AccountKind.ADMINISTRATOR, self._check_name(name))
        await self._check_password(account, password)
        hashed = await self._passwords.hash(password)
        if not await self.store.use_link(token, self._real_now()):
            raise Refused("link_spent")
        stored = stored or await self.store.create(account, self._now)
        await self.store.set_password(stored.id, hashed, self._now)
        await self._audit.record(self._now, self.name(account), "password_set", account.id)
        return stored

    # -- one's own account

    async def change_password(self, own: Account, old: str, new: str, keep_session: str) -> None:
        """Change one's password; all other sessions end (FA8). Refused `password_wrong`, `too_many` and as `choose_password`."""
        stored = await self._get_own(own)
        if await self.store.count_try(f"password:{stored.id}", 10, self._real_now()):
            raise Refused("too_many")
        if not await self._passwords.verify(stored.password_hash, old):
            raise Refused("password_wrong", field="old")
        await self._check_password(own, new)
        await self.store.set_password(stored.id, await self._passwords.hash(new), self._now, keep_session)
        await self.store.forget_tries(f"password:{stored.id}")
        await self._audit.record(self._now, self.name(own), "password_changed", own.id)

    async def needs_factor(self, account: Account) -> bool:
        """Whether this account's role needs a second factor."""
        role = await self._find_role(account)
        return role is not None and role in (await self._office.snapshot()).settings.strings(FACTOR_ROLES)

    def create_seed(self) -> str:
        """Create the seed of a second factor; it counts only once a code of it was typed."""
        return factors.create_seed(self._chance)

    async def enrol(self, own: Account, seed: str, code: str) -> Sequence[str]:
        """Set the second factor if the code is of its seed; return the recovery codes, shown once. Refused `factor_wrong`."""
        stored = await self._get_own(own)
        step = factors.find_step(seed, code, self._real_now()) if factors.is_seed(seed) else None
        if step is None:
            raise Refused("factor_wrong", field="code")
        codes = factors.create_recovery_codes(self._chance)
        await self.store.set_factor(stored.id, seed, codes, self._now)
        await self.store.use_step(stored.id, step)
        await self._audit.record(self._now, self.name(own), "factor_set", own.id)
        return codes

    async def renew_recovery_codes(self, own: Account) -> Sequence[str]:
        """Replace one's recovery codes. Refused `factor_missing`."""
        stored = await self._get_own(own)
        if stored.factor is None:
            raise Refused("factor_missing")
        codes = factors.create_recovery_codes(self._chance)
        await self.store.set_codes(stored.id, codes)
        await self._audit.record(self._now, self.name(own), "recovery_codes", own.id)
        return codes

    async def find_own(self, own: Account) -> StoredAccount | None:
        """Return one's own account; None for who has none."""
        return await self.store.find(own)

    # -- others' accounts

    async def list_all(self, by: Actor) -> Sequence[StoredAccount]:
        """List all accounts. Refused `forbidden`."""
        self._require_administrator(by)
        return await self.store.list_all()

    async def close(self, account: Account, by: Actor) -> None:
        """Close an account; its sessions end. Refused `forbidden`, `unknown_account`, `same_person`."""
        stored = await self._get_other(account, by)
        await self.store.close(stored.id, self._now)
        await self._audit.record(self._now, by.code, "account_closed", account.id)

    async def end_sessions(self, account: Account, by: Actor) -> int:
        """End all sessions of an account; return how many. Refused `forbidden`."""
        self._require_administrator(by)
        ended = await self._sessions.end_sessions(account)
        await self._audit.record(self._now, by.code, "sessions_ended", account.id, n=ended)
        return ended

    async def remove_factor(self, account: Account, by: Actor) -> bool:
        """Take a second factor away once two administrators have asked for it; whether it is gone now.

        Refused `forbidden`, `unknown_account`, `same_person`, `factor_missing`.
        """
        stored = await self._get_other(account, by)
        if stored.factor is None:
            raise Refused("factor_missing")
        if stored.removal_by == by.code:
            raise Refused("same_person")
        if stored.removal_by is None:
            await self.store.ask_removal(stored.id, by.code, self._now)
            await self._audit.record(self._now, by.code, "factor_removal_asked", account.id)
            return False
        await self.store.set_factor(stored.id, None, (), self._now)
        await self._sessions.end_sessions(account)
        await self._audit.record(self._now, by.code, "factor_removed", account.id, asked_by=stored.removal_by)
        return True

    # -- shared

    @property
    def _now(self) -> datetime:
        return self._office.clock.now()

    @staticmethod
    def name(account: Account) -> str:
        """Return an account's name on record, as `Actor.code`."""
        return Actor.of_administrator(account.id).code if account.kind is AccountKind.ADMINISTRATOR else account.id

    @staticmethod
    def _require_administrator(by: Actor) -> None:
        if not may(by, "accounts.edit"):
            raise Refused("forbidden")

    @staticmethod
    def _check_name(name: str) -> str:
        plain = name.strip()
        if not 1 <= len(plain) <= NAME_LENGTH or not plain.isprintable():
            raise Refused("bad_field", field="name", value=plain[:NAME_LENGTH])
        return check_code(plain, "name")

    async def _check_person(self, code: str) -> None:
        if code not in (await self._office.snapshot(fresh=True)).by_code:  # which holds the active ones
            raise Refused("unknown_person", person=code)

    async def _find_role(self, account: Account) -> Role | None:
        if account.kind is AccountKind.ADMINISTRATOR:
            return Role.ADMIN
        person = (await self._office.snapshot()).by_code.get(account.id)
        return person.role if person is not None else None

    async def _find_least(self, account: Account) -> int:
        return LONG if await self._is_alone(account) else SHORT

    async def _is_alone(self, account: Account) -> bool:
        """Whether the password is all that keeps the account: no second factor, and none demanded."""
        stored = await self.store.find(account)
        return not (stored is not None and stored.factor) and not await self.needs_factor(account)

    async def _check_password(self, account: Account, password: str) -> None:
        snapshot = await self._office.snapshot()
        person = snapshot.by_code.get(account.id) if account.kind is AccountKind.PERSON else None
        unit = snapshot.config.units.get(person.unit) if person else None
        words = [account.id, *([person.name] if person else []), *([unit.name] if unit else [])]
        check_password(password, alone=await self._is_alone(account), words=words)

    async def _get_own(self, own: Account) -> StoredAccount:
        stored = await self.store.find(own)
        if stored is None:
            raise Refused("unknown_account", name=own.id)
        return stored

    async def _get_other(self, account: Account, by: Actor) -> StoredAccount:
        self._require_administrator(by)
        if account == by.account:
            raise Refused("same_person")
        return await self._get_own(account)
