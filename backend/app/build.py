"""Composition root: builds and starts the whole application, and shuts it down in reverse order."""

import asyncio
import contextlib
import os
import secrets
import socket
from collections.abc import AsyncIterator, Callable, Collection
from datetime import datetime

import structlog
from aiohttp import web

from backend.app.application import Application
from backend.app.build_services import build_application
from backend.app.build_storage import inspect_place
from backend.app.config import Config
from backend.app.core import is_embedded, open_core
from backend.app.drivers import (
    build_next_stop,
    build_simulator,
    build_twilio_carrier,
    build_voice_carrier,
    prepare_rehearsal,
)
from backend.app.runfile import delete_run_file, lock_database, write_run_file
from backend.operations.beats import Rhythm
from backend.rehearsal.shared_clock import SharedClock
from backend.web.app import RUNNER_OPTIONS, build_app
from backend.web.sandbox_guard import SandboxGuard
from backend.web.webhooks.sms import SmsHooks
from backend.web.webhooks.voice import PhoneHooks
from backend.web.webhooks.voice_reports import ReportHooks
from storage.delivery.leases import void_leases
from storage.engine.gate import Numbers

log = structlog.get_logger("app")
ROLES = ("web", "bot", "worker", "clock")


@contextlib.asynccontextmanager
async def open_application(
    config: Config,
    roles: Collection[str] = ROLES,
    *,
    wall_clock: Callable[[], datetime] | None = None,
    database_says: Callable[[datetime], datetime] | None = None,
    numbers: Numbers | None = None,
    rhythm: Rhythm | None = None,
) -> AsyncIterator[Application]:
    """Run the application of a configuration while inside; `rhythm` of its beats: None goes by the lease.

    In tests `wall_clock` replaces the host's and the database's clock, `database_says` alters what the latter says, and
    the version gate admits it by `numbers` instead of those of this code.

    Raises Refused: `secret_missing`, `public_url_not_https`, `database_behind`, `database_ahead`, `in_use` … and OSError when the
    address is taken.
    """
    async with contextlib.AsyncExitStack() as stack:
        if is_embedded(config):
            stack.enter_context(lock_database(config.data))
        listening = _bind_address(config, stack) if "web" in roles else None
        simulator = build_simulator(config)
        config.check()
        notes = inspect_place(config)
        opening = open_core(config, wall_clock=wall_clock, database_says=database_says, numbers=numbers)
        core = await stack.enter_async_context(opening)
        application = await build_application(config, core, simulator, roles, stack, rhythm)
        application.storage.notes = notes
        if listening is not None:
            await _start_web(application, listening, stack)
        await _prepare_then_start(application, roles, stack)
        yield application


# -- steps, in order


def _bind_address(config: Config, stack: contextlib.ExitStack | contextlib.AsyncExitStack) -> socket.socket:
    """Bind the address first, so that the real port behind port 0 is known before it is published."""
    listening = socket.create_server((config.host, config.port), backlog=512)
    stack.callback(listening.close)
    config.port = listening.getsockname()[1]
    return listening


def build_door(application: Application) -> web.Application:
    """Build what the web server answers: all routes, the carrier's webhooks and, in a rehearsal, the simulator."""
    config, calls, simulator = application.config, application.calls, application.simulator
    is_open = application.services.gate.is_open
    extra: list[Callable[[web.Application], None]] = []
    if calls is not None:
        carrier = calls.dependencies.carrier
        extra.append(
            PhoneHooks(calls, carrier, config.base_url, is_open).add_routes
            if carrier.can.live
            else ReportHooks(calls, carrier, is_open).add_to
        )
        if spare := build_voice_carrier(config, spare=True):  # it rings about alarms when the usual one fails
            extra.append(PhoneHooks(calls, spare, config.base_url).add_alarm_routes)
        if sms := application.services.visits.texting:
            # reports about SMS are signed by the SMS carrier, which may not be the one of the calls
            signer = carrier if carrier.name == sms.gateway.name else build_twilio_carrier(config)
            extra.append(SmsHooks(calls, signer or carrier, config.base_url, sms, is_open).add_routes)
    if simulator is not None:
        simulator_app = simulator.build_app()

        def mount(app: web.Application) -> None:
            app.add_subapp("/sandbox/", simulator_app)

        guard = SandboxGuard(simulator.provider_paths, is_open=config.sandbox_open)
        extra += (mount, guard.add_to)
    return build_app(application.services, extra)


async def _start_web(application: Application, listening: socket.socket, stack: contextlib.AsyncExitStack) -> None:
    """Start the web server."""
    simulator, runner = application.simulator, web.AppRunner(build_door(application), **RUNNER_OPTIONS)
    await runner.setup()
    stack.push_async_callback(runner.cleanup)
    await web.SockSite(runner, listening).start()
    if simulator is not None:
        await simulator.start()
        stack.push_async_callback(simulator.close)


async def _prepare_then_start(
    application: Application, roles: Collection[str], stack: contextlib.AsyncExitStack
) -> None:
    """Check and prepare the database, say where this machine's commands reach us, begin work.

    What is damaged is only read: no work begins before it is mended and prepared (XR4).
    """
    config, core, storage = application.config, application.core, application.storage
    await storage.check_at_start()
    is_sound = core.db.condition.damage is None
    if is_sound:
        await _prepare_database(application)
    if "web" in roles:
        token = application.process_token = f"jiesu_{core.chance.token(32)}"
        application.services.process_token = token
        write_run_file(config.data, config.local_url, token)
        stack.callback(delete_run_file, config.data)
    if core.sandbox_clock is not None:
        core.sandbox_clock.settle = application.settle
        core.sandbox_clock.carry = core.keys.move_sessions
        simulator = application.simulator
        core.sandbox_clock.is_ringing = lambda: simulator is not None and simulator.is_ringing()
        core.sandbox_clock.find_next_due = build_next_stop(application.due_work, application.simulator)
        if not is_embedded(config):  # there may be other processes
            shared_clock = SharedClock(
                core.sandbox_clock, core.key_values, f"{os.getpid()}-{secrets.token_hex(3)}", application.settle
            )
            core.sandbox_clock.settle = shared_clock.settle
            stack.push_async_callback(_cancel, asyncio.create_task(shared_clock.follow(), name="shared_clock"))
    for name, watch in (("storage_watch", storage.run_forever), ("scanner_watch", core.screening.run_forever)):
        stack.push_async_callback(_cancel, asyncio.create_task(watch(), name=name))

    async def begin_late() -> None:
        await _prepare_database(application)
        await _start_work(application, roles, stack)

    if is_sound:
        await _start_work(application, roles, stack)
    else:
        storage.call_when_mended(begin_late)


async def _start_work(application: Application, roles: Collection[str], stack: contextlib.AsyncExitStack) -> None:
    """Start the receiver, the beats and the workers."""
    config = application.config
    if application.inbox_worker is not None and "bot" in roles:
        await application.inbox_worker.prepare()
        if config.telegram_mode == "webhook":
            secret = config.telegram_secret.get_secret_value()
            receiver = application.inbox_worker.set_webhook(f"{config.base_url}/hooks/telegram", secret)
        else:
            receiver = application.inbox_worker.poll()
        stack.push_async_callback(_cancel, asyncio.create_task(receiver, name="chat_receiver"))
    gate, alarms = application.services.gate, application.alarms
    await gate.look()
    if gate.is_open():
        await alarms.heal("version_gate")
    gate.on_expired = lambda: alarms.tell("version_gate")
    stack.push_async_callback(_cancel, asyncio.create_task(gate.watch(), name="version_gate"))
    follow = asyncio.create_task(application.clock_watch.follow(), name="clock_watch")
    stack.push_async_callback(_cancel, follow)
    await application.beats.beat()
    stack.push_async_callback(application.beats.stop)
    await application.workers.start()
    stack.push_async_callback(_cancel, asyncio.create_task(application.beats.run_forever(), name="beats"))
    stack.push_async_callback(application.workers.stop)
    stack.push_async_callback(application.delivery.close)  # sends in flight finish before the workers end (FM2)


async def _prepare_database(application: Application) -> None:
    """Claim ids, end the leases of former processes, hold what is older than its marks; load samples in a rehearsal."""
    core = application.core
    await core.ids.refill()
    await void_leases(core.db)
    await application.services.holds.start()
    if application.simulator is not None:
        await prepare_rehearsal(core, application.simulator)


async def _cancel(task: "asyncio.Task[None]") -> None:
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


async def serve(config: Config, roles: Collection[str] = ROLES) -> int:
    """Run the application until stopped; return 0 when stopped by SIGINT or SIGTERM."""
    from backend.app.run import run_until_stopped

    return await run_until_stopped(config, roles, open_application)
