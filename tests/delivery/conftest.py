"""The world of delivery, on both engines."""

from collections.abc import AsyncIterator

import pytest

from storage.engine.database import Database
from tests.delivery.world import World


@pytest.fixture
async def world(database: Database) -> AsyncIterator[World]:
    """An office with its staff and one delivery worker; nothing impossible may have reached the network."""
    world = await World(database).open()
    yield world
    await world.worker.close()
    assert world.channel.complaints == []
