"""An office behind its web server, on both engines or on SQLite alone; a person with a browser."""

import time
from collections.abc import AsyncIterator

import pytest

from storage.engine.database import Database
from storage.engine.open import open_database
from tests.web.browser import Browser
from tests.web.world import World


@pytest.fixture
async def world(database: Database) -> AsyncIterator[World]:
    """An office on either engine."""
    opened = await World(database).open()
    yield opened
    await opened.close()


@pytest.fixture
async def sqlite_world(sqlite_url: str) -> AsyncIterator[World]:
    """An office on SQLite, for what no engine can change."""
    db = open_database(sqlite_url, time.monotonic)
    opened = await World(db).open()
    yield opened
    await opened.close()
    await db.close()


@pytest.fixture
async def browser(world: World) -> Browser:
    """A browser in which nobody has signed in yet."""
    return Browser(world)
