"""File contents are stored in the database, so that one backup covers everything."""

from collections.abc import Collection

from sqlalchemy import insert, select

from backend.domain.instants import from_micros, to_micros
from backend.ports.files import StoredFile
from storage import tables as t
from storage.engine.database import Database


class SqlFileStore:
    """`FileStore` on either engine."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def store(self, file: StoredFile, content: bytes) -> None:
        row = insert(t.files).values(
            id=file.id, name=file.name, kind=file.kind, size=file.size, sha256=file.sha256, by=file.by,
            unit=file.unit, at=to_micros(file.at), content=content,
        )  # fmt: skip
        await self._db.execute(row)

    async def find_files(self, ids: Collection[str]) -> dict[str, StoredFile]:
        k = t.files.c
        query = select(k.id, k.name, k.kind, k.size, k.sha256, k.by, k.unit, k.at).where(k.id.in_(sorted(ids)))
        rows = await self._db.fetch_rows(query) if ids else []
        return {r.id: StoredFile(r.id, r.name, r.kind, r.size, r.sha256, r.by, r.unit, from_micros(r.at)) for r in rows}

    async def load_content(self, file_id: str) -> bytes | None:
        query = select(t.files.c.content).where(t.files.c.id == file_id)
        found = await self._db.fetch_value(query)
        return None if found is None else bytes(found)
