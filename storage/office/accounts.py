"""Accounts, their second factors, links and tries; whatever may be used once is used up by one statement (FA9)."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Text, bindparam, delete, func, insert, or_, select, text, update

from backend.domain.acts import Account, AccountKind
from backend.domain.chance import Chance
from backend.domain.instants import from_micros, to_micros, to_span
from backend.ports.accounts import StoredAccount, Wait
from storage import tables as t
from storage.engine.database import Database
from storage.engine.encryption import Encryption
from storage.engine.ids import IdSupply
from storage.office.api_keys import hash_secret

TRY_WINDOW = timedelta(minutes=10)
FIRST_WAIT = timedelta(minutes=1)
WAIT_DOUBLINGS = 4  # 1, 2, 4, 8, then 15 minutes
LONGEST_WAIT = timedelta(minutes=15)

A, C, L, G = t.accounts.c, t.recovery_codes.c, t.account_links.c, t.guess_counts.c
_CODES_LEFT = (
    select(func.count()).where(C.account == A.id, C.used_at.is_(None)).correlate(t.accounts).scalar_subquery()
).label("codes_left")
_ACCOUNTS = select(t.accounts, _CODES_LEFT)
_FIND = _ACCOUNTS.where(A.kind == bindparam("kind"), A.ref == bindparam("ref"))
_GET = _ACCOUNTS.where(A.id == bindparam("id"))
_LIST = _ACCOUNTS.order_by(A.kind, A.ref)
_FIND_ADMINISTRATOR = select(A.id).where(
    A.kind == AccountKind.ADMINISTRATOR, A.closed_at.is_(None), A.password_hash.is_not(None)
)
_INSERT = insert(t.accounts)
_UPDATE = update(t.accounts).where(A.id == bindparam("b_id"))  # the columns it is given
_USE_STEP = (
    update(t.accounts)
    .where(A.id == bindparam("b_id"), A.factor_step < bindparam("b_step"))
    .values(factor_step=bindparam("b_step"))
)
_END_SESSIONS = delete(t.sessions).where(
    t.sessions.c.kind == bindparam("kind"), t.sessions.c.person == bindparam("ref"),
    t.sessions.c.token_hash != bindparam("kept"),
)  # fmt: skip
_DELETE_CODES = delete(t.recovery_codes).where(C.account == bindparam("account"))
_INSERT_CODE = insert(t.recovery_codes)
_USE_CODE = (
    update(t.recovery_codes)
    .where(C.code_hash == bindparam("b_hash"), C.account == bindparam("b_account"), C.used_at.is_(None))
    .values(used_at=bindparam("b_now"))
)
_DELETE_LINKS = delete(t.account_links).where(
    or_(L.account == bindparam("account"), L.expires_at < bindparam("long_ago")), L.used_at.is_(None)
)
_INSERT_LINK = insert(t.account_links)
_LIVE_LINK = (L.token_hash == bindparam("b_hash")) & L.used_at.is_(None) & (L.expires_at > bindparam("b_now"))
_FIND_LINK = select(L.account).where(_LIVE_LINK)
_USE_LINK = update(t.account_links).where(_LIVE_LINK).values(used_at=bindparam("b_now"))
#: One atomic statement counts, and says until when the next try waits; while it waits nothing changes and no row returns.
_COUNT_TRY = text(
    "INSERT INTO guess_counts (subject, count, since) VALUES (:subject, 1, :now) ON CONFLICT (subject) DO UPDATE SET "
    "count = CASE WHEN guess_counts.since <= :old AND coalesce(guess_counts.locked_until, 0) <= :old THEN 1 "
    "ELSE guess_counts.count + 1 END, "
    "since = CASE WHEN guess_counts.since <= :old AND coalesce(guess_counts.locked_until, 0) <= :old THEN :now "
    "ELSE guess_counts.since END WHERE coalesce(guess_counts.locked_until, 0) <= :now RETURNING count"
)
_LOCK_TRIES = (
    update(t.guess_counts).where(G.subject == bindparam("b_subject")).values(locked_until=bindparam("b_until"))
)
_FIND_WAIT = select(G.locked_until).where(G.subject == bindparam("subject"))
_PREFIX = bindparam("prefix", type_=Text)
_OF_PREFIX = func.substr(G.subject, 1, func.length(_PREFIX)) == _PREFIX
_NOTE_NAME = text(
    "INSERT INTO guess_counts (subject, count, since) VALUES (:subject, 1, :now) ON CONFLICT (subject) DO UPDATE SET "
    "since = :now"
)
_DROP_NAMES = delete(t.guess_counts).where(_OF_PREFIX, G.since <= bindparam("old"))
_COUNT_NAMES = select(func.count()).where(_OF_PREFIX, G.since > bindparam("old"))
_FORGET_TRIES = delete(t.guess_counts).where(G.subject == bindparam("subject"))


class SqlAccountStore:
    """`AccountStore` on either engine."""

    def __init__(self, db: Database, ids: IdSupply, encryption: Encryption, chance: Chance) -> None:
        self._db, self._ids, self._encryption, self._chance = db, ids, encryption, chance

    async def find(self, account: Account) -> StoredAccount | None:
        return await self._db.fetch_one(_FIND, self._read, {"kind": account.kind, "ref": account.id})

    async def get(self, account: int) -> StoredAccount | None:
        return await self._db.fetch_one(_GET, self._read, {"id": account})

    async def list_all(self) -> Sequence[StoredAccount]:
        return await self._db.fetch_all(_LIST, self._read)

    async def has_administrator(self) -> bool:
        return await self._db.fetch_first(_FIND_ADMINISTRATOR) is not None

    def _read(self, row: Any) -> StoredAccount:
        return StoredAccount(
            row.id, AccountKind(row.kind), row.ref, row.password_hash, _read_instant(row.password_at),
            self._encryption.open("accounts", row.id, "factor", row.factor_sealed), int(row.codes_left), row.removal_by,
            _read_instant(row.created_at), _read_instant(row.closed_at),
        )  # fmt: skip

    async def create(self, account: Account, now: datetime) -> StoredAccount:
        await self._ids.refill(1)

        def work(c: Connection) -> StoredAccount:
            named = {"kind": account.kind, "ref": account.id}
            row = c.execute(_FIND, named).first()
            if row is None:
                c.execute(_INSERT, {"id": self._ids.take(), **named, "created_at": to_micros(now)})
            elif row.closed_at is not None:
                reset = {"password_hash": None, "factor_sealed": None, "factor_at": None, "removal_by": None}
                c.execute(_UPDATE, {"b_id": row.id, **reset, "closed_at": None})
                c.execute(_DELETE_CODES, {"account": row.id})
            return self._read(c.execute(_FIND, named).one())

        return await self._db.write(work)

    async def close(self, account: int, now: datetime) -> None:
        def work(c: Connection) -> None:
            c.execute(_UPDATE, {"b_id": account, "closed_at": to_micros(now)})
            self._end_sessions(c, account)

        await self._db.write(work)

    async def set_password(self, account: int, hashed: str, now: datetime, keep_session: str = "") -> None:
        def work(c: Connection) -> None:
            c.execute(_UPDATE, {"b_id": account, "password_hash": hashed, "password_at": to_micros(now)})
            self._end_sessions(c, account, hash_secret(keep_session) if keep_session else "")

        await self._db.write(work)

    def _end_sessions(self, c: Connection, account: int, kept: str = "") -> None:
        row = c.execute(_GET, {"id": account}).one()
        c.execute(_END_SESSIONS, {"kind": row.kind, "ref": row.ref, "kept": kept})

    async def set_factor(self, account: int, seed: str | None, codes: Sequence[str], now: datetime) -> None:
        sealed = None if seed is None else self._encryption.seal("accounts", account, "factor", seed)
        values = {"factor_sealed": sealed, "factor_at": None if seed is None else to_micros(now), "removal_by": None}

        def work(c: Connection) -> None:
            c.execute(_UPDATE, {"b_id": account, **values})
            _replace_codes(c, account, codes)

        await self._db.write(work)

    async def set_codes(self, account: int, codes: Sequence[str]) -> None:
        await self._db.write(lambda c: _replace_codes(c, account, codes))

    async def use_step(self, account: int, step: int) -> bool:
        return await self._db.execute(_USE_STEP, {"b_id": account, "b_step": step}) == 1

    async def use_code(self, account: int, code: str, now: datetime) -> bool:
        used = {"b_hash": hash_secret(code), "b_account": account, "b_now": to_micros(now)}
        return await self._db.execute(_USE_CODE, used) == 1

    async def ask_removal(self, account: int, by: str | None, now: datetime) -> None:
        await self._db.execute(_UPDATE, {"b_id": account, "removal_by": by, "removal_at": to_micros(now)})

    async def create_link(self, account: int | None, by: str, until: datetime) -> str:
        token = self._chance.token(24)
        row = {"token_hash": hash_secret(token), "account": account, "by": by, "expires_at": to_micros(until)}

        def work(c: Connection) -> None:
            c.execute(_DELETE_LINKS, {"account": account, "long_ago": to_micros(until - timedelta(days=2))})
            c.execute(_INSERT_LINK, row)

        await self._db.write(work)
        return token

    async def find_link(self, token: str, now: datetime) -> tuple[bool, int | None]:
        row = await self._db.fetch_first(_FIND_LINK, {"b_hash": hash_secret(token), "b_now": to_micros(now)})
        return (False, None) if row is None else (True, row.account)

    async def use_link(self, token: str, now: datetime) -> bool:
        return await self._db.execute(_USE_LINK, {"b_hash": hash_secret(token), "b_now": to_micros(now)}) == 1

    async def count_try(self, bucket: str, free: int, now: datetime) -> Wait | None:
        at = to_micros(now)
        facts = {"subject": bucket, "now": at, "old": to_micros(now - TRY_WINDOW)}

        def work(c: Connection) -> Wait | None:
            count = c.execute(_COUNT_TRY, facts).scalar()
            if count is None:
                return Wait(from_micros(int(c.execute(_FIND_WAIT, {"subject": bucket}).scalar() or at)))
            if count >= free:
                wait = min(FIRST_WAIT * 2 ** min(count - free, WAIT_DOUBLINGS), LONGEST_WAIT)
                c.execute(_LOCK_TRIES, {"b_subject": bucket, "b_until": at + to_span(wait)})
            return None

        return await self._db.write(work)

    async def forget_tries(self, bucket: str) -> None:
        await self._db.execute(_FORGET_TRIES, {"subject": bucket})

    async def note_failed_name(self, address: str, name: str, now: datetime) -> None:
        prefix, old = _name_address(address), to_micros(now - TRY_WINDOW)

        def work(c: Connection) -> None:
            c.execute(_DROP_NAMES, {"prefix": prefix, "old": old})
            c.execute(_NOTE_NAME, {"subject": prefix + hash_secret(name), "now": to_micros(now)})

        await self._db.write(work)

    async def count_failed_names(self, address: str, now: datetime) -> int:
        return await self._db.fetch_count(
            _COUNT_NAMES, {"prefix": _name_address(address), "old": to_micros(now - TRY_WINDOW)}
        )


def _name_address(address: str) -> str:
    return f"failed:{address}:"


def _replace_codes(c: Connection, account: int, codes: Sequence[str]) -> None:
    c.execute(_DELETE_CODES, {"account": account})
    if codes:
        c.execute(_INSERT_CODE, [{"code_hash": hash_secret(code), "account": account} for code in codes])


def _read_instant(micros: int | None) -> datetime | None:
    return None if micros is None else from_micros(micros)
