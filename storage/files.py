"""File contents are stored in the database, so that one backup covers everything."""

from collections.abc import Collection

from sqlalchemy import insert, select

from backend.domain.instants import from_micros, to_micros
from backend.ports.files import Paper
from storage import tables as t
from storage.db import Database


class Files:
    """`FileStore` on either engine."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def keep(self, paper: Paper, content: bytes) -> None:
        row = insert(t.files).values(
            id=paper.id, name=paper.name, kind=paper.kind, size=paper.size, sha256=paper.sha256, by=paper.by,
            unit=paper.unit, at=to_micros(paper.at), content=content,
        )  # fmt: skip
        await self._db.write(lambda c: c.execute(row) and None)

    async def papers(self, ids: Collection[str]) -> dict[str, Paper]:
        k = t.files.c
        query = select(k.id, k.name, k.kind, k.size, k.sha256, k.by, k.unit, k.at).where(k.id.in_(sorted(ids)))
        rows = await self._db.read(lambda c: c.execute(query).all()) if ids else []
        return {r.id: Paper(r.id, r.name, r.kind, r.size, r.sha256, r.by, r.unit, from_micros(r.at)) for r in rows}

    async def content(self, file_id: str) -> bytes | None:
        query = select(t.files.c.content).where(t.files.c.id == file_id)
        found = await self._db.read(lambda c: c.execute(query).scalar())
        return None if found is None else bytes(found)
