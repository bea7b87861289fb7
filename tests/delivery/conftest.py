"""The house, on both engines."""

from collections.abc import AsyncIterator

import pytest

from storage.engine.database import Database
from tests.delivery.world import House


@pytest.fixture
async def house(database: Database) -> AsyncIterator[House]:
    made = await House(database).open()
    yield made
    await made.courier.close()
    assert made.channel.complaints == []
