"""File contents are stored in the database, so that one backup covers everything."""

from collections.abc import Collection

from sqlalchemy import insert, select

from backend.ports.tickets import StoredFile
from storage import tables as t
from storage.engine.database import Database
from storage.engine.mapping import RowMapper

_FILE = RowMapper(StoredFile)


class SqlFileStore:
    """`FileStore` on either engine."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def store(self, file: StoredFile, content: bytes) -> None:
        await self._db.execute(insert(t.files).values(**_FILE.values(file), content=content))

    async def find_files(self, ids: Collection[str]) -> dict[str, StoredFile]:
        query = select(*_FILE.columns(t.files)).where(t.files.c.id.in_(sorted(ids)))
        found = await self._db.fetch_all(query, _FILE.read) if ids else []
        return {file.id: file for file in found}

    async def load_content(self, file_id: str) -> bytes | None:
        query = select(t.files.c.content).where(t.files.c.id == file_id)
        found = await self._db.fetch_value(query)
        return None if found is None else bytes(found)
