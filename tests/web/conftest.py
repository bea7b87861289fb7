"""The house behind the web door, on both engines."""

import time
from collections.abc import AsyncIterator

import pytest

from storage.engine.database import Database, open_database
from tests.web.world import House


@pytest.fixture
async def house(database: Database) -> AsyncIterator[House]:
    """A house with its door open, on either engine."""
    opened = await House(database).open()
    yield opened
    await opened.close()


@pytest.fixture
async def small_house(sqlite_url: str) -> AsyncIterator[House]:
    """A house on the embedded engine, for what no engine can change."""
    db = open_database(sqlite_url, time.monotonic)
    opened = await House(db).open()
    yield opened
    await opened.close()
    await db.close()
