"""Fake providers, each on a loopback port of its own."""

from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
from aiohttp import web

from tests.notify.fake_bot_api import FakeBotApi
from tests.notify.fake_twilio import FakeTwilio

Serve = Callable[[web.Application], Awaitable[str]]


@pytest.fixture
async def serve() -> AsyncIterator[Serve]:
    """Serve an application until the test ends; returns its URL."""
    runners: list[web.AppRunner] = []

    async def start(app: web.Application) -> str:
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        runners.append(runner)
        await web.TCPSite(runner, "127.0.0.1", 0, backlog=4096).start()
        return f"http://127.0.0.1:{runner.addresses[0][1]}"

    yield start
    for runner in runners:
        await runner.cleanup()


@pytest.fixture
async def bot_api(serve: Serve) -> FakeBotApi:
    api = FakeBotApi()
    api.url = await serve(api.build_app())
    return api


@pytest.fixture
async def twilio(serve: Serve) -> FakeTwilio:
    fake = FakeTwilio()
    fake.url = await serve(fake.build_app())
    return fake
