"""Answers to repeated requests, sealed because some contain a number or a code."""

from datetime import datetime

from sqlalchemy import Connection, delete, select, update

from backend.domain.instants import to_micros
from backend.ports.web import CLAIM_TIMEOUT, RETENTION, PriorRequest
from storage import tables as t
from storage.engine.database import Database
from storage.engine.dialect import insert_new
from storage.engine.encryption import Encryption


class SqlIdempotencyStore:
    """`IdempotencyStore` on either engine."""

    def __init__(self, db: Database, vault: Encryption) -> None:
        self._db = db
        self._vault = vault

    async def claim(self, key: str, body_hash: str, now: datetime) -> PriorRequest | None:
        k = t.idempotency.c
        stale = delete(t.idempotency).where(
            (k.key == key)
            & ((k.at < to_micros(now - RETENTION)) | ((k.status == 0) & (k.at < to_micros(now - CLAIM_TIMEOUT))))
        )
        row = {"key": key, "body_hash": body_hash, "status": 0, "at": to_micros(now)}
        found = select(t.idempotency).where(k.key == key)

        def work(c: Connection) -> PriorRequest | None:
            c.execute(stale)
            taken = c.execute(insert_new(c.dialect.name, t.idempotency).values(row))
            if taken.rowcount == 1:
                return None
            earlier = c.execute(found).first()
            if earlier is None:  # released just now: let the caller try again
                return PriorRequest(True, 0, "")
            return PriorRequest(earlier.body_hash == body_hash, earlier.status, self._open(key, earlier.answer_sealed))

        return await self._db.write(work)

    async def find(self, key: str, body_hash: str) -> PriorRequest | None:
        query = select(t.idempotency).where(t.idempotency.c.key == key)
        row = await self._db.fetch_first(query)
        if row is None:
            return None
        return PriorRequest(row.body_hash == body_hash, row.status, self._open(key, row.answer_sealed))

    async def settle(self, key: str, status: int, answer: str) -> None:
        sealed = self._vault.seal("idempotency", key, "answer", answer)
        kept = update(t.idempotency).where(t.idempotency.c.key == key).values(status=status, answer_sealed=sealed)
        await self._db.execute(kept)

    async def release(self, key: str) -> None:
        k = t.idempotency.c
        gone = delete(t.idempotency).where(k.key == key, k.status == 0)
        await self._db.execute(gone)

    def _open(self, key: str, sealed: bytes | None) -> str:
        return self._vault.open("idempotency", key, "answer", sealed) or ""
