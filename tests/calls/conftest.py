"""The world of the calls; every request made to the carrier must be one that a real carrier would accept."""

import socket
from collections.abc import AsyncIterator

import pytest
from aiohttp import web

from storage.engine.database import Database
from tests.calls.world import World, build_simulator


@pytest.fixture
async def world(database: Database) -> AsyncIterator[World]:
    """An office on a free port, with its simulated networks."""
    opened: list[World] = []
    simulator, app = await build_simulator(lambda: opened[0].at)
    runner = web.AppRunner(app, shutdown_timeout=1)
    # the port must be known before the carrier is built, and the routes before the application starts
    port = _find_free_port()
    base = f"http://127.0.0.1:{port}"
    world = World(database, simulator, base, app)
    opened.append(world)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    simulator.http_client._reach_url = base
    await simulator.start()
    await world.open()
    yield world
    await world.close()
    await simulator.close()
    await runner.cleanup()
    assert simulator.list_violations() == []


def _find_free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])
