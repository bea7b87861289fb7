"""API keys, one-time sign-in tokens and sessions, all stored as hashes."""

import hashlib
import json
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import BigInteger, Connection, Executable, Text, bindparam, delete, func, insert, or_, select, update

from backend.domain.acts import Account, AccountKind
from backend.domain.chance import Chance
from backend.domain.instants import from_micros, to_micros, to_span
from backend.domain.refusals import Refused
from backend.ports.availability import Unavailable
from backend.ports.web import (
    SESSION_IDLE,
    SESSION_MAX_AGE,
    SESSIONS_AT_ONCE,
    SIGN_IN_LIFETIME,
    ApiKey,
    ListedKey,
    ListedSession,
    NewSession,
    Session,
    SessionOrigin,
)
from storage import tables as t
from storage.engine.database import Database
from storage.engine.ids import IdSupply
from storage.office.key_values import DELETE_VALUE, INSERT_VALUE

TOUCH_INTERVAL = timedelta(minutes=1)  # a session's last use is written at most this often
_SIGN_IN = "sign_in:"

K, S = t.api_keys.c, t.sessions.c
_LIVING_KEYS = select(t.api_keys).where(K.revoked_at.is_(None))
_UNEXPIRED = or_(K.expires_at.is_(None), K.expires_at > bindparam("now"))
_FIND_KEY = _LIVING_KEYS.where(K.key_hash == bindparam("key_hash"), _UNEXPIRED)
_LIST_KEYS = select(t.api_keys).order_by(K.id.desc())
_TOUCH_KEY = update(t.api_keys).where(K.id == bindparam("b_id")).values(used_at=bindparam("b_now"))
_REVOKE_KEY = (
    update(t.api_keys)
    .where(K.id == bindparam("b_id"), K.revoked_at.is_(None))
    .values(revoked_at=bindparam("b_now"), revoked_by=bindparam("b_by"))
)
_GET_KEY = select(t.api_keys).where(K.id == bindparam("id"))
_END_KEY = (
    update(t.api_keys)
    .where(K.id == bindparam("b_id"), or_(K.expires_at.is_(None), K.expires_at > bindparam("b_until")))
    .values(expires_at=bindparam("b_until"))
)
_LIST_SERVICE_KEYS = _LIVING_KEYS.where(K.name == bindparam("name"), K.person.is_(None))
_FIND_SERVICE_KEY = _LIST_SERVICE_KEYS.limit(1)
_INSERT_KEY = insert(t.api_keys)
_REVOKE_KEYS = (
    update(t.api_keys)
    .where(K.name == bindparam("b_name"), K.revoked_at.is_(None))
    .values(revoked_at=bindparam("b_now"))
)
_TAKE_VALUE = DELETE_VALUE.returning(t.key_values.c.value)
_FIND_SESSION = select(t.sessions).where(S.token_hash == bindparam("token_hash"))
_INSERT_SESSION = insert(t.sessions)
_TOUCH_SESSION = update(t.sessions).where(S.token_hash == bindparam("b_hash")).values(seen_at=bindparam("b_now"))
_SPAN = bindparam("b_span", type_=BigInteger)
_MOVE_SESSIONS = update(t.sessions).values(seen_at=S.seen_at + _SPAN, expires_at=S.expires_at + _SPAN)
_DELETE_SESSION = delete(t.sessions).where(S.token_hash == bindparam("token_hash"))
_DELETE_ENDED_SESSIONS = delete(t.sessions).where(
    or_(S.expires_at < bindparam("now"), S.seen_at < bindparam("idle_since"))
)
_OF_ACCOUNT = (S.kind == bindparam("kind")) & (S.person == bindparam("person"))
_LIST_SESSIONS = (
    select(t.sessions)
    .where(_OF_ACCOUNT, S.stage == "open", S.expires_at > bindparam("now"), S.seen_at > bindparam("idle_since"))
    .order_by(S.created_at.desc(), S.token_hash)
)
_ONLY, _KEPT = bindparam("only", type_=Text), bindparam("kept", type_=Text)
_END_SESSIONS = delete(t.sessions).where(
    _OF_ACCOUNT, S.token_hash != _KEPT, (_ONLY == "") | (func.substr(S.token_hash, 1, func.length(_ONLY)) == _ONLY)
)
SESSION_ID = 16  # leading digits of a token's hash: they name a session and open none


def hash_secret(secret: str) -> str:
    """Hash a secret for storage: SHA-256 suffices for 192 random bits."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


class SqlKeyStore:
    """`KeyStore` on either engine; using a sign-in token deletes it (FA9)."""

    def __init__(self, db: Database, ids: IdSupply, chance: Chance) -> None:
        self._db = db
        self._ids = ids
        self._chance = chance
        self._seen: dict[str, int] = {}  # last uses that could not be written, by session

    async def create_key(
        self, name: str, now: datetime, *, person: str | None = None, role: str | None = None, unit: str | None = None,
        by: str = "", until: datetime | None = None,
    ) -> str:  # fmt: skip
        await self._ids.refill(1)
        secret = f"jiesu_{self._chance.token(32)}"

        def work(c: Connection) -> None:
            living = c.execute(_LIST_SERVICE_KEYS, {"name": name})
            if person is None and any((r.role, r.unit) != (role, unit) for r in living):
                raise Refused("exists")
            row = {
                "id": self._ids.take(), "name": name, "key_hash": hash_secret(secret), "person": person, "role": role,
                "unit": unit, "created_at": to_micros(now), "made_by": by,
                "expires_at": None if until is None else to_micros(until),
            }  # fmt: skip
            c.execute(_INSERT_KEY, row)

        await self._db.write(work)
        return secret

    async def find_key(self, secret: str, now: datetime) -> ApiKey | None:
        row = await self._db.fetch_first(_FIND_KEY, {"key_hash": hash_secret(secret), "now": to_micros(now)})
        if row is None:
            return None
        if (row.used_at or 0) <= to_micros(now - TOUCH_INTERVAL):
            with suppress(Unavailable):  # whoever reads may go on (XR4)
                await self._db.execute(_TOUCH_KEY, {"b_id": row.id, "b_now": to_micros(now)})
        return ApiKey(row.name, row.person, row.role, row.unit)

    async def list_keys(self) -> Sequence[ListedKey]:
        return await self._db.fetch_all(_LIST_KEYS, _read_key)

    async def revoke_key(self, id: int, by: str, now: datetime) -> ListedKey | None:
        def work(c: Connection) -> ListedKey | None:
            if not c.execute(_REVOKE_KEY, {"b_id": id, "b_by": by, "b_now": to_micros(now)}).rowcount:
                return None
            return _read_key(c.execute(_GET_KEY, {"id": id}).one())

        return await self._db.write(work)

    async def end_key(self, id: int, until: datetime) -> None:
        await self._db.execute(_END_KEY, {"b_id": id, "b_until": to_micros(until)})

    async def find_service_key(self, name: str) -> ApiKey | None:
        return await self._one(_FIND_SERVICE_KEY, {"name": name})

    async def _one(self, query: Executable, wanted: dict[str, str]) -> ApiKey | None:
        return await self._db.fetch_one(query, lambda row: ApiKey(row.name, row.person, row.role, row.unit), wanted)

    async def revoke_keys(self, name: str, now: datetime) -> int:
        return await self._db.execute(_REVOKE_KEYS, {"b_name": name, "b_now": to_micros(now)})

    async def create_sign_in_token(
        self, account: Account, now: datetime, lifetime: timedelta = SIGN_IN_LIFETIME
    ) -> str:
        token = self._chance.token(24)
        value = json.dumps({"kind": account.kind, "id": account.id, "until": to_micros(now + lifetime)})
        await self._db.execute(INSERT_VALUE, {"name": _SIGN_IN + hash_secret(token), "value": value})
        return token

    async def use_sign_in_token(self, token: str, now: datetime) -> Account | None:
        name = _SIGN_IN + hash_secret(token)
        value = await self._db.write(lambda c: c.execute(_TAKE_VALUE, {"name": name}).scalar())
        if value is None:
            return None
        stored = json.loads(value)
        if "kind" not in stored or stored["until"] <= to_micros(now):
            return None
        return Account(AccountKind(stored["kind"]), str(stored["id"]))

    async def open_session(
        self, account: Account, now: datetime, stage: str = "open", origin: SessionOrigin | None = None
    ) -> NewSession:
        opened, origin = NewSession(self._chance.token(32), self._chance.token(24)), origin or SessionOrigin()
        row = {
            "token_hash": hash_secret(opened.token), "kind": account.kind, "person": account.id, "created_at": to_micros(now),
            "seen_at": to_micros(now), "expires_at": to_micros(now + SESSION_MAX_AGE), "csrf": opened.csrf, "stage": stage,
            "way": origin.way, "device": origin.device, "address": origin.address,
        }  # fmt: skip
        ended, living = {"now": to_micros(now), "idle_since": to_micros(now - SESSION_IDLE)}, _name(account)

        def work(c: Connection) -> None:
            c.execute(_DELETE_ENDED_SESSIONS, ended)
            if stage == "open":
                for oldest in c.execute(_LIST_SESSIONS, {**ended, **living}).all()[SESSIONS_AT_ONCE - 1 :]:
                    c.execute(_DELETE_SESSION, {"token_hash": oldest.token_hash})
            c.execute(_INSERT_SESSION, row)

        await self._db.write(work)
        return opened

    async def list_sessions(self, account: Account, now: datetime) -> Sequence[ListedSession]:
        wanted = {**_name(account), "now": to_micros(now), "idle_since": to_micros(now - SESSION_IDLE)}
        return await self._db.fetch_all(_LIST_SESSIONS, _read_listed, wanted)

    async def end_sessions(self, account: Account, only: str = "", keep: str = "") -> int:
        wanted = {**_name(account), "only": only, "kept": hash_secret(keep) if keep else ""}
        return await self._db.execute(_END_SESSIONS, wanted)

    async def get_session(self, token: str, now: datetime) -> Session | None:
        row = await self._db.fetch_first(_FIND_SESSION, {"token_hash": hash_secret(token)})
        if row is None or row.expires_at <= to_micros(now):
            return None
        seen_at = max(row.seen_at, self._seen.get(row.token_hash, 0))
        if seen_at <= to_micros(now - SESSION_IDLE):
            return None
        if seen_at < to_micros(now - TOUCH_INTERVAL):
            try:
                await self._db.execute(_TOUCH_SESSION, {"b_hash": row.token_hash, "b_now": to_micros(now)})
            except Unavailable:  # whoever reads stays signed in (XR4)
                self._seen[row.token_hash] = to_micros(now)
        return Session(Account(AccountKind(row.kind), row.person), row.csrf, from_micros(row.created_at), row.stage)

    async def move_sessions(self, by: timedelta) -> None:
        """Move sessions along with the rehearsal clock."""
        await self._db.execute(_MOVE_SESSIONS, {"b_span": to_span(by)})

    async def close_session(self, token: str) -> None:
        await self._db.execute(_DELETE_SESSION, {"token_hash": hash_secret(token)})


def _name(account: Account) -> dict[str, str]:
    return {"kind": account.kind, "person": account.id}


def _read_listed(row: Any) -> ListedSession:
    origin = SessionOrigin(row.way, row.device, row.address)
    return ListedSession(row.token_hash[:SESSION_ID], origin, from_micros(row.created_at), from_micros(row.seen_at))


def _read_key(row: Any) -> ListedKey:
    expires, used, revoked = (
        None if at is None else from_micros(at) for at in (row.expires_at, row.used_at, row.revoked_at)
    )
    key = ApiKey(row.name, row.person, row.role, row.unit)
    return ListedKey(row.id, key, from_micros(row.created_at), row.made_by, expires, used, revoked, row.revoked_by)
