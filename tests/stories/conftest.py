"""An open house for each story, of either engine; at the end of each its books are looked through."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.stories.office import Office, open_office


@pytest.fixture
async def office(database_url: str, tmp_path: Path) -> AsyncIterator[Office]:
    """The house on a Monday morning at nine, with its sample office; in order when the story ends."""
    async with open_office(tmp_path, database_url) as opened:
        yield opened
        await opened.in_order()
