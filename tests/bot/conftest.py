"""The world of the chat bot: real services, the real aiogram, a simulated chat network that refuses invalid requests."""

import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest

from storage.engine.open import open_database
from tests.bot.world import World
from tests.simulated_networks import serve_networks


@pytest.fixture
async def world(sqlite_url: str) -> AsyncIterator[World]:
    """An office whose bot polls the simulated network; every request it made must have been valid."""
    async with serve_networks(lambda: datetime(2026, 11, 10, 1, 0, tzinfo=UTC)) as (simulator, base_url):
        simulator.chat.limits.enabled = False
        db = open_database(sqlite_url, time.monotonic)
        world = await World(db, simulator, base_url).open()
        yield world
        await world.close()
    await db.close()
    assert simulator.list_violations() == []
