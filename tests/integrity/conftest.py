"""The sample city, and a small office whose tickets are checked."""

import pytest

from storage.engine.database import Database
from tests.integrity.world import CheckedWorld
from tests.tickets.conftest import city
from tests.tickets.world import DISPATCHER

__all__ = ["city"]


@pytest.fixture
async def world(database: Database) -> CheckedWorld:
    """One ticket, dispatched a moment ago and its handlers notified: nothing is amiss."""
    world = await CheckedWorld(database).open()
    await world.add_ticket()
    await world.act("dispatch", DISPATCHER, unit="U01")
    await world.mark_sent()
    assert await world.checks.check() == []
    return world
