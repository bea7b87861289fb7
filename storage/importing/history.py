"""Writes ticket histories in bulk: rows are built in a thread, then written in one transaction per chunk."""

import asyncio
from collections.abc import Sequence
from itertools import islice

from sqlalchemy import Connection

from backend.domain.refusals import Refused
from backend.ports.importing import HistoryLike, ImportContext
from storage import tables as t
from storage.engine.database import Database
from storage.engine.dialect import find_existing
from storage.engine.encryption import Encryption
from storage.engine.ids import IdSupply
from storage.importing.rows import COLUMNS, HistoryRowBuilder, Rows, count_ids

CHUNK_SIZE = 2_000  # histories per transaction: bounds memory, and how long other writes wait


class SqlHistoryStore:
    """`HistoryStore` on either engine."""

    def __init__(self, db: Database, ids: IdSupply, vault: Encryption) -> None:
        self._db, self._ids, self._vault = db, ids, vault

    async def find_existing(self, numbers: Sequence[str]) -> set[str]:
        return await self._db.read(lambda c: find_existing(c, t.tickets.c.ticket_no, numbers))

    async def write(self, records: Sequence[HistoryLike], context: ImportContext) -> list[bool | Refused]:
        """Write histories; False for a ticket number that exists already or occurs twice in `records`.

        A history with a due time past the calendar's end gets its Refused.
        """
        answers: list[bool | Refused] = []
        supply = iter(records)
        while chunk := list(islice(supply, CHUNK_SIZE)):
            answers += await self._write_chunk(chunk, context)
        return answers

    async def _write_chunk(self, chunk: list[HistoryLike], frame: ImportContext) -> list[bool | Refused]:
        known = await self.find_existing([record.ticket_no for record in chunk])
        fresh: list[bool | Refused] = []
        for record in chunk:
            fresh.append(record.ticket_no not in known)
            known.add(record.ticket_no)
        new = [record for record, is_new in zip(chunk, fresh, strict=True) if is_new]
        if new:
            await self._ids.refill(sum(map(count_ids, new)))
            writer = HistoryRowBuilder(self._ids.take, self._vault, self._vault.journal, frame)
            answers = iter(await asyncio.to_thread(lambda: [writer.add(record) for record in new]))
            await self._db.write(lambda c: self._insert(c, writer.rows))
            return [next(answers) or True if is_new else False for is_new in fresh]
        return fresh

    def _insert(self, c: Connection, rows: Rows) -> None:
        self._db.gate.refuse_closed(c, "acts")
        insert_rows(c, rows)


def insert_rows(c: Connection, rows: Rows) -> None:
    """Insert row tuples, one executemany per table."""
    for table, values in rows.items():
        if values:
            c.exec_driver_sql(_build_insert(c.dialect.name, table), values)


def _build_insert(dialect: str, table: str) -> str:
    columns = COLUMNS[table]
    placeholders = ", ".join("?" if dialect == "sqlite" else f"${n}" for n in range(1, len(columns) + 1))
    names = ", ".join(f'"{name}"' for name in columns)
    return f"INSERT INTO {table} ({names}) VALUES ({placeholders})"
