"""A running office for each story, on either engine; when the story ends, everything must be in order."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.stories.office import Office, open_office


@pytest.fixture
def sample_tickets(request: pytest.FixtureRequest) -> bool:
    """Whether the office has the sample tickets too; they cost time in every story that moves the clock."""
    return bool(getattr(request, "param", False))


@pytest.fixture
def voice(request: pytest.FixtureRequest) -> str:
    """The voice carriers of the office (`JIESU_VOICE`)."""
    return str(getattr(request, "param", ""))


@pytest.fixture
async def office(database_url: str, tmp_path: Path, sample_tickets: bool, voice: str) -> AsyncIterator[Office]:
    """The sample office on a Monday morning at nine."""
    async with open_office(tmp_path, database_url, sample_tickets=sample_tickets, voice=voice) as opened:
        yield opened
        await opened.assert_in_order()
