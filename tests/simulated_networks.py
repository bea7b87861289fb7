"""The simulated chat and telephone networks, served on a free loopback port for one test."""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import datetime

from aiohttp import web

from backend.app.build_rehearsal import load_simulated
from sandbox.simulator import Simulator
from tests.time_and_chance import REAL

PUBLIC_URL = "https://jiesu.example"
TELEGRAM_TOKEN = "123456789:AAsandbox-token"
TWILIO_SID = "AC" + "0" * 32
TWILIO_TOKEN = "twilio-auth-token"
OWN_NUMBER = "+864312345678"


@asynccontextmanager
async def serve_networks(
    now: Callable[[], datetime],
    office: web.Application | None = None,
    carriers: Mapping[str, Mapping[str, str]] | None = None,
) -> AsyncIterator[tuple[Simulator, str]]:
    """Yield the simulator and the URL it is served at; an `office` beside it is reached under PUBLIC_URL.

    `carriers`: settings of those that ring the same telephones.
    """
    simulator = Simulator(
        now=now, **REAL, public_url=PUBLIC_URL, chat_token=TELEGRAM_TOKEN, chat_secret=None, twilio_sid=TWILIO_SID,
        twilio_token=TWILIO_TOKEN, own_number=OWN_NUMBER, reach_url="http://127.0.0.1:1",
    )  # fmt: skip
    for name, settings in (carriers or {}).items():
        simulator.add_carrier(load_simulated(name), settings)
    app = office or web.Application()
    app.add_subapp("/sandbox/", simulator.build_app())
    runner = web.AppRunner(app, shutdown_timeout=1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    base_url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    if office is not None:  # its port is known only now
        simulator.http_client._reach_url = base_url
    await simulator.start()
    yield simulator, base_url
    await simulator.close()
    await runner.cleanup()
