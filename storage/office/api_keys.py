"""API keys, one-time sign-in tokens and sessions, all stored as hashes."""

import hashlib
import json
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, delete, insert, select, update

from backend.domain.acts import Account, AccountKind
from backend.domain.chance import Chance
from backend.domain.instants import from_micros, to_micros
from backend.domain.refusals import Refused
from backend.ports.availability import Unavailable
from backend.ports.web import SESSION_IDLE, SESSION_MAX_AGE, SIGN_IN_LIFETIME, ApiKey, NewSession, Session
from storage import tables as t
from storage.engine.database import Database
from storage.engine.ids import IdSupply

TOUCH_INTERVAL = timedelta(minutes=1)  # a session's last use is written at most this often
_SIGN_IN = "sign_in:"


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
        self, name: str, now: datetime, *, person: str | None = None, role: str | None = None, unit: str | None = None
    ) -> str:
        await self._ids.refill(1)
        secret = f"jiesu_{self._chance.token(32)}"
        k = t.api_keys.c

        def work(c: Connection) -> None:
            living = select(k.role, k.unit).where(k.name == name, k.person.is_(None), k.revoked_at.is_(None))
            if person is None and any((r.role, r.unit) != (role, unit) for r in c.execute(living)):
                raise Refused("exists")
            c.execute(insert(t.api_keys).values(
                id=self._ids.take(), name=name, key_hash=hash_secret(secret), person=person, role=role, unit=unit,
                created_at=to_micros(now),
            ))  # fmt: skip

        await self._db.write(work)
        return secret

    async def find_key(self, secret: str) -> ApiKey | None:
        k = t.api_keys.c
        return await self._one(select(t.api_keys).where(k.key_hash == hash_secret(secret), k.revoked_at.is_(None)))

    async def find_service_key(self, name: str) -> ApiKey | None:
        k = t.api_keys.c
        return await self._one(
            select(t.api_keys).where(k.name == name, k.person.is_(None), k.revoked_at.is_(None)).limit(1)
        )

    async def _one(self, query: Any) -> ApiKey | None:
        return await self._db.fetch_one(query, lambda row: ApiKey(row.name, row.person, row.role, row.unit))

    async def revoke_keys(self, name: str, now: datetime) -> int:
        k = t.api_keys.c
        ended = update(t.api_keys).where(k.name == name, k.revoked_at.is_(None)).values(revoked_at=to_micros(now))
        return await self._db.execute(ended)

    async def create_sign_in_token(
        self, account: Account, now: datetime, lifetime: timedelta = SIGN_IN_LIFETIME
    ) -> str:
        token = self._chance.token(24)
        value = json.dumps({"kind": account.kind, "id": account.id, "until": to_micros(now + lifetime)})
        row = insert(t.key_values).values(name=_SIGN_IN + hash_secret(token), value=value)
        await self._db.execute(row)
        return token

    async def use_sign_in_token(self, token: str, now: datetime) -> Account | None:
        gone = (
            delete(t.key_values)
            .where(t.key_values.c.name == _SIGN_IN + hash_secret(token))
            .returning(t.key_values.c.value)
        )
        value = await self._db.write(lambda c: c.execute(gone).scalar())
        if value is None:
            return None
        stored = json.loads(value)
        if "kind" not in stored or stored["until"] <= to_micros(now):
            return None
        return Account(AccountKind(stored["kind"]), str(stored["id"]))

    async def open_session(self, account: Account, now: datetime) -> NewSession:
        opened = NewSession(self._chance.token(32), self._chance.token(24))
        row = insert(t.sessions).values(
            token_hash=hash_secret(opened.token), kind=account.kind, person=account.id, created_at=to_micros(now), seen_at=to_micros(now),
            expires_at=to_micros(now + SESSION_MAX_AGE), csrf=opened.csrf,
        )  # fmt: skip
        k = t.sessions.c
        ended = delete(t.sessions).where((k.expires_at < to_micros(now)) | (k.seen_at < to_micros(now - SESSION_IDLE)))

        def work(c: Connection) -> None:
            c.execute(ended)
            c.execute(row)

        await self._db.write(work)
        return opened

    async def get_session(self, token: str, now: datetime) -> Session | None:
        k = t.sessions.c
        query = select(t.sessions).where(k.token_hash == hash_secret(token))
        row = await self._db.fetch_first(query)
        if row is None or row.expires_at <= to_micros(now):
            return None
        seen_at = max(row.seen_at, self._seen.get(row.token_hash, 0))
        if seen_at <= to_micros(now - SESSION_IDLE):
            return None
        if seen_at < to_micros(now - TOUCH_INTERVAL):
            touched = update(t.sessions).where(k.token_hash == row.token_hash).values(seen_at=to_micros(now))
            try:
                await self._db.execute(touched)
            except Unavailable:  # whoever reads stays signed in (XR4)
                self._seen[row.token_hash] = to_micros(now)
        return Session(Account(AccountKind(row.kind), row.person), row.csrf, from_micros(row.created_at))

    async def move_sessions(self, by: timedelta) -> None:
        """Move sessions along with the rehearsal clock."""
        k, span = t.sessions.c, by // timedelta(microseconds=1)
        moved = update(t.sessions).values(seen_at=k.seen_at + span, expires_at=k.expires_at + span)
        await self._db.execute(moved)

    async def close_session(self, token: str) -> None:
        gone = delete(t.sessions).where(t.sessions.c.token_hash == hash_secret(token))
        await self._db.execute(gone)
