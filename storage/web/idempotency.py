"""Answers to repeated requests, sealed because some contain a number or a code."""

from datetime import datetime

from sqlalchemy import Connection, bindparam, delete, select, update

from backend.domain.instants import to_micros
from backend.ports.web import CLAIM_TIMEOUT, RETENTION, PriorRequest
from storage import tables as t
from storage.engine.database import Database
from storage.engine.dialect import insert_new
from storage.engine.encryption import Encryption

K = t.idempotency.c
_KEY = K.key == bindparam("b_key")
_DELETE_STALE = delete(t.idempotency).where(
    _KEY & ((K.at < bindparam("expired")) | ((K.status == 0) & (K.at < bindparam("abandoned"))))
)
_FIND = select(t.idempotency).where(_KEY)
_SETTLE = update(t.idempotency).where(_KEY)  # sets the columns that are among its parameters
_RELEASE = delete(t.idempotency).where(_KEY, K.status == 0)


class SqlIdempotencyStore:
    """`IdempotencyStore` on either engine."""

    def __init__(self, db: Database, vault: Encryption) -> None:
        self._db = db
        self._vault = vault
        self._claim = insert_new(db.dialect, t.idempotency)

    async def claim(self, key: str, body_hash: str, now: datetime) -> PriorRequest | None:
        mine = {"b_key": key}
        stale = mine | {"expired": to_micros(now - RETENTION), "abandoned": to_micros(now - CLAIM_TIMEOUT)}
        row = {"key": key, "body_hash": body_hash, "status": 0, "at": to_micros(now)}

        def work(c: Connection) -> PriorRequest | None:
            c.execute(_DELETE_STALE, stale)
            taken = c.execute(self._claim, row)
            if taken.rowcount == 1:
                return None
            earlier = c.execute(_FIND, mine).first()
            if earlier is None:  # released just now: let the caller try again
                return PriorRequest(True, 0, "")
            return PriorRequest(earlier.body_hash == body_hash, earlier.status, self._open(key, earlier.answer_sealed))

        return await self._db.write(work)

    async def find(self, key: str, body_hash: str) -> PriorRequest | None:
        row = await self._db.read(lambda c: c.execute(_FIND, {"b_key": key}).first())
        if row is None:
            return None
        return PriorRequest(row.body_hash == body_hash, row.status, self._open(key, row.answer_sealed))

    async def settle(self, key: str, status: int, answer: str) -> None:
        sealed = self._vault.seal("idempotency", key, "answer", answer)
        await self._db.execute(_SETTLE, {"b_key": key, "status": status, "answer_sealed": sealed})

    async def release(self, key: str) -> None:
        await self._db.execute(_RELEASE, {"b_key": key})

    def _open(self, key: str, sealed: bytes | None) -> str:
        return self._vault.open("idempotency", key, "answer", sealed) or ""
