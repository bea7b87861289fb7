"""The small province, on either engine."""

import pytest

from storage.engine.database import Database
from tests.scoring.world import World


@pytest.fixture
async def world(database: Database) -> World:
    """The small province on 2026-11-22, without tickets."""
    return await World(database).open()
