"""A running office for each story, on either engine; when the story ends, everything must be in order."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.stories.office import Office, open_office


@pytest.fixture
async def office(database_url: str, tmp_path: Path) -> AsyncIterator[Office]:
    """The sample office on a Monday morning at nine."""
    async with open_office(tmp_path, database_url) as opened:
        yield opened
        await opened.assert_in_order()
