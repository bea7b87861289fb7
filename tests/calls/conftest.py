"""The ringing office; every request it makes to the carrier must be one the carrier takes."""

from collections.abc import AsyncIterator

import pytest
from aiohttp import web

from storage.engine.database import Database
from tests.calls.world import World, make_place


@pytest.fixture
async def world(database: Database) -> AsyncIterator[World]:
    held: list[World] = []
    town, app = await make_place(lambda: held[0].at)
    listener = web.AppRunner(app, shutdown_timeout=1)
    # the port must be known before the line is built, and the routes before the application starts
    site = await _port()
    base = f"http://127.0.0.1:{site}"
    made = World(database, town, base, app)
    held.append(made)
    await listener.setup()
    await web.TCPSite(listener, "127.0.0.1", site).start()
    town.http_client._reach_url = base
    await town.start()
    await made.open()
    yield made
    await made.close()
    await town.close()
    await listener.cleanup()
    assert town.list_violations() == []


async def _port() -> int:
    import socket

    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])
