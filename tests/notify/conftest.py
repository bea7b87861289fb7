"""Servers of the other side, on a loopback port of their own."""

from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
from aiohttp import web

from tests.notify import fake_bot_api, fake_twilio


@pytest.fixture
async def serve() -> AsyncIterator[Callable[[web.Application], Awaitable[str]]]:
    runners: list[web.AppRunner] = []

    async def start(app: web.Application) -> str:
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        runners.append(runner)
        site = web.TCPSite(runner, "127.0.0.1", 0, backlog=4096)
        await site.start()
        return f"http://127.0.0.1:{runner.addresses[0][1]}"

    yield start
    for runner in runners:
        await runner.cleanup()


@pytest.fixture
async def bot_api(serve) -> fake_bot_api.FakeBotApi:
    api = fake_bot_api.FakeBotApi()
    api.base = await serve(fake_bot_api.app(api))
    return api


@pytest.fixture
async def twilio(serve) -> fake_twilio.FakeTwilio:
    fake = fake_twilio.FakeTwilio()
    fake.base = await serve(fake_twilio.app(fake))
    return fake
