"""File contents are stored in the database, so that one backup covers everything."""

from collections.abc import Collection

from sqlalchemy import bindparam, insert, select

from backend.ports.tickets import StoredFile
from storage import tables as t
from storage.engine.database import Database
from storage.engine.mapping import RowMapper

_FILE = RowMapper(StoredFile)
_STORE = insert(t.files)
_FIND = select(*_FILE.columns(t.files)).where(t.files.c.id.in_(bindparam("ids", expanding=True)))
_LOAD_CONTENT = select(t.files.c.content).where(t.files.c.id == bindparam("id"))


class SqlFileStore:
    """`FileStore` on either engine."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def store(self, file: StoredFile, content: bytes) -> None:
        await self._db.execute(_STORE, {**_FILE.values(file), "content": content})

    async def find_files(self, ids: Collection[str]) -> dict[str, StoredFile]:
        found = await self._db.fetch_all(_FIND, _FILE.read, {"ids": sorted(ids)}) if ids else []
        return {file.id: file for file in found}

    async def load_content(self, file_id: str) -> bytes | None:
        found = await self._db.fetch_value(_LOAD_CONTENT, {"id": file_id})
        return None if found is None else bytes(found)
