"""Composition root: builds and starts the whole application, and shuts it down in reverse order."""

import asyncio
import contextlib
import os
import secrets
import socket
from collections.abc import AsyncIterator, Callable, Collection
from datetime import UTC, datetime

import structlog
from aiohttp import web

from backend.common_time import CommonTime
from backend.doorplate import hang, owned, take_down
from backend.environment import Environment
from backend.shelves import embedded, open_shelves
from backend.web.app import RUNNER_OPTIONS, build_app
from backend.web.webhooks.sms import SmsHooks
from backend.web.webhooks.voice import PhoneHooks
from backend.web.webhooks.voice_reports import ReportHooks
from backend.wiring.furnishing import furnish
from backend.wiring.house import House
from backend.wiring.outside import next_stop, rehearse, town_of, twilio_of

log = structlog.get_logger("app")
ROLES = ("web", "bot", "worker", "clock")


@contextlib.asynccontextmanager
async def open_house(
    environment: Environment,
    roles: Collection[str] = ROLES,
    *,
    real: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> AsyncIterator[House]:
    """Run the application of a configuration while inside.

    Raises Refused: `secret_missing`, `public_url_not_https`, `database_behind`, `in_use` … and OSError when the
    address is taken.
    """
    async with contextlib.AsyncExitStack() as stack:
        if embedded(environment):
            stack.enter_context(owned(environment.data))
        listening = _listen(environment, stack) if "web" in roles else None
        town = town_of(environment)
        environment.check()
        stores = await stack.enter_async_context(open_shelves(environment, real=real))
        house = await furnish(environment, stores, town, roles, stack)
        if listening is not None:
            await _open_doors(house, listening, stack)
        await _begin(house, roles, stack)
        yield house


# -- steps, in order


def _listen(environment: Environment, stack: contextlib.ExitStack | contextlib.AsyncExitStack) -> socket.socket:
    """Bind the address first, so that the real port behind port 0 is known before it is published."""
    listening = socket.create_server((environment.host, environment.port), backlog=512)
    stack.callback(listening.close)
    environment.port = listening.getsockname()[1]
    return listening


async def _open_doors(house: House, listening: socket.socket, stack: contextlib.AsyncExitStack) -> None:
    """Start the web server with the carrier's webhooks and, in a rehearsal, the simulator."""
    environment, calls, town = house.environment, house.calls, house.town
    extra: list[Callable[[web.Application], None]] = []
    if calls is not None:
        line = calls.dependencies.carrier
        extra.append(
            PhoneHooks(calls, line, environment.address).add_routes
            if line.can.live
            else ReportHooks(calls, line).add_to
        )
        texting = house.rooms.visiting and house.rooms.visiting.texting
        if texting:
            # reports about SMS are signed by the SMS carrier, which may not be the one of the calls
            signer = line if line.name == texting.gateway.name else twilio_of(environment)
            extra.append(SmsHooks(calls, signer or line, environment.address, texting).add_routes)
    if town is not None:
        streets = town.app()

        def mount(app: web.Application) -> None:
            app.add_subapp("/sandbox/", streets)

        extra.append(mount)
    runner = web.AppRunner(build_app(house.rooms, extra), **RUNNER_OPTIONS)
    await runner.setup()
    stack.push_async_callback(runner.cleanup)
    await web.SockSite(runner, listening).start()
    if town is not None:
        await town.start()
        stack.push_async_callback(town.close)


async def _begin(house: House, roles: Collection[str], stack: contextlib.AsyncExitStack) -> None:
    """Load sample data in a rehearsal, issue this run's admin key, start the chat receiver, then the workers."""
    environment, s = house.environment, house.shelves
    await s.ids.refill()
    if house.town is not None:
        await rehearse(s, house.town)
    if "web" in roles:
        name = "console" if environment.sandbox else f"plate-{os.getpid()}"
        await s.keys.revoke_keys(name, s.clock.now())
        house.token = await s.keys.create_key(name, s.clock.now(), role="admin")
        hang(environment.data, f"http://{environment.host}:{environment.port}", house.token)
        stack.callback(take_down, environment.data)
    if s.sandbox_clock is not None:
        s.sandbox_clock.settle = house.settle
        s.sandbox_clock.next_at = next_stop(house.due, house.town)
        if not embedded(environment):  # there may be other processes
            common = CommonTime(s.sandbox_clock, s.values, f"{os.getpid()}-{secrets.token_hex(3)}", house.settle)
            s.sandbox_clock.settle = common.settle
            stack.push_async_callback(_end, asyncio.create_task(common.follow(), name="hour"))
    if house.door is not None and "bot" in roles:
        await house.door.prepare()
        if environment.telegram_mode == "webhook":
            secret = environment.telegram_secret.get_secret_value()
            ear = house.door.set_webhook(f"{environment.address}/hooks/telegram", secret)
        else:
            ear = house.door.poll()
        stack.push_async_callback(_end, asyncio.create_task(ear, name="ear"))
    await house.rounds.start()
    stack.push_async_callback(house.rounds.stop)
    assert house.rooms.courier is not None
    stack.push_async_callback(house.rooms.courier.close)  # sends in flight finish before the workers end (FM2)


async def _end(task: "asyncio.Task[None]") -> None:
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


async def serve(environment: Environment, roles: Collection[str] = ROLES) -> int:
    """Run the application until stopped; return 0 when stopped by SIGINT or SIGTERM."""
    from backend.standing_by import stay

    return await stay(environment, roles, open_house)
