"""A small office whose database is backed up and restored, on either engine, under secrets of a test's choice."""

import os
import shutil
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert, select

from backend.app.build_backups import build_backups
from backend.app.config import Config
from backend.integrity.journal import JournalSealer
from backend.operations.backups import Backups
from storage import tables as t
from storage.engine.database import Database
from storage.engine.open import open_database
from storage.integrity.journal import SqlJournalStore
from tests.tickets.conftest import city
from tests.tickets.world import DISPATCHER, World
from tests.time_and_chance import build_clock

__all__ = ["city"]
SECRET = "a secret of the tests"
Rows = dict[str, list[tuple[Any, ...]]]


def configure(folder: Path, url: str, **settings: str) -> Config:
    """The configuration of an installation with its data in this folder."""
    return Config(data=folder, database_url=url, sandbox=True, **{"secret_key": SECRET, **settings})


async def read_all(url: str) -> Rows:
    """Every row of every table."""
    db = open_database(url, time.monotonic)
    try:
        return {
            name: sorted((tuple(row) for row in await db.fetch_rows(select(table))), key=repr)
            for name, table in t.metadata.tables.items()
        }
    finally:
        await db.close()


@dataclass
class Installation:
    """An office with a ticket, its database, and room for files."""

    url: str
    folder: Path
    world: World
    config: Config = field(init=False)

    def __post_init__(self) -> None:
        self.config = configure(self.folder / "var", self.url)

    @property
    def backups(self) -> Backups:
        return build_backups(self.config)

    async def seal(self) -> None:
        """Seal the journal up to five minutes ago."""
        store, key = SqlJournalStore(self.world.db, self.world.ids), self.world.encryption.journal
        await JournalSealer(store, key, build_clock(lambda: self.world.at)).run_once()


async def populate(db: Database) -> World:
    """A ticket that was dispatched, with a requester whose name and phone are encrypted."""
    world = await World(db).open()
    encryption = world.encryption
    for code, _ in world.handlers:
        sealed_phone = encryption.seal("people", code, "phone", "+8613800000001")
        await db.execute(t.people.update().where(t.people.c.code == code).values(phone_sealed=sealed_phone))
    await world.add_ticket()
    await world.act("dispatch", DISPATCHER, unit="U01")
    ticket_id = (await world.load()).ticket.id
    sealed = {
        f"{name}_sealed": encryption.seal("tickets", ticket_id, name, value)
        for name, value in {"name": "王某", "phone": "+8613900000001"}.items()
    }
    await db.execute(t.tickets.update().where(t.tickets.c.id == ticket_id).values(**sealed))
    await db.execute(insert(t.key_values).values(name="incarnation", value="first"))
    return world


@pytest.fixture
async def installation(database: Database, database_url: str, tmp_path: Path) -> AsyncIterator[Installation]:
    """An office in use."""
    yield Installation(database_url, tmp_path, await populate(database))


@pytest.fixture
def new_url(engine: str, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[[], str]]:
    """Databases without any table, elsewhere."""
    from tests.conftest import _database_numbers, _open_database

    opened: list[Any] = []

    def create() -> str:
        number = next(_database_numbers)
        if engine == "sqlite":
            return f"sqlite:///{tmp_path / f'elsewhere{number}' / 'jiesu.db'}"
        context = _open_database(str(request.getfixturevalue("postgres_cluster")), f"r{number}")
        opened.append(context)
        return str(context.__enter__())

    yield create
    for context in opened:
        context.__exit__(None, None, None)


@contextmanager
def changed(file: Path, at: int, bits: int = 1) -> Iterator[Path]:
    """A copy of a file with one byte changed."""
    copy = file.with_name("changed.backup")
    shutil.copy(file, copy)
    with copy.open("r+b") as content:
        content.seek(at)
        old = content.read(1)
        content.seek(at)
        content.write(bytes((old[0] ^ bits,)))
    yield copy
    os.unlink(copy)
