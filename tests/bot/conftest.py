"""The world of the chat stories: real desk, real aiogram, the sandbox's Bot API; every request must be valid."""

import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest

from storage.engine.database import open_database
from tests.bot.world import World, make_town


@pytest.fixture
async def world(sqlite_url: str) -> AsyncIterator[World]:
    town, base, runner = await make_town(lambda: datetime(2026, 11, 10, 1, 0, tzinfo=UTC))
    town.chat.limits.enabled = False
    db = open_database(sqlite_url, time.monotonic)
    made = await World(db, town, base).open()
    yield made
    await made.close()
    await town.close()
    await runner.cleanup()
    await db.close()
    assert town.list_violations() == []
