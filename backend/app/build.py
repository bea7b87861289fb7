"""Composition root: opens the core, builds the services, the adapters and the workers, starts them; closes in reverse."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Callable, Collection, Coroutine
from functools import partial
from typing import TYPE_CHECKING

from aiohttp import web

from backend.app.application import Application, Rehearsal
from backend.app.build_operations import watch_outages
from backend.app.build_rehearsal import (
    Settling,
    build_clock_mover,
    build_simulator,
    load_sample_office,
    point_at_simulator,
    uses_real_network,
)
from backend.app.build_services import Built, Process, build_services, name_process
from backend.app.config import Config
from backend.app.core import Core, Opening, open_core
from backend.app.drivers import build_drivers, build_rate_limiter, list_provider_states
from backend.app.jobs import build_workers
from backend.app.place import is_embedded
from backend.app.runfile import delete_run_file, lock_database, write_run_file
from backend.delivery.snooze import SnoozeService
from backend.operations.beats import Rhythm
from backend.web.app import RUNNER_OPTIONS, build_app
from backend.web.client_address import ClientAddresses
from backend.web.rehearsal_clock import RehearsalClock
from backend.web.rehearsal_sign_in import add_rehearsal_sign_in
from backend.web.sandbox_guard import SandboxGuard
from backend.web.webhooks.chat import ChatHook
from backend.web.webhooks.drivers import BASE, add_driver_routes
from backend.web.webhooks.hosts import CallHost, TextHost
from storage.delivery.inbox import SqlInboxStore
from storage.delivery.leases import void_leases
from storage.tickets.glance import SqlGlanceStore

if TYPE_CHECKING:
    from bot.receive import InboxWorker

ROLES = ("web", "bot", "worker", "clock")


@contextlib.asynccontextmanager
async def open_application(
    config: Config, roles: Collection[str] = ROLES, opening: Opening | None = None, rhythm: Rhythm | None = None
) -> AsyncIterator[Application]:
    """Run the application of a configuration while inside; `rhythm` of its beats: None goes by the lease.

    Raises Refused: `secret_missing`, `public_url_not_https`, `database_behind`, `database_ahead`, `in_use` … and OSError when the
    address is taken.
    """
    async with contextlib.AsyncExitStack() as stack:
        if is_embedded(config):
            stack.enter_context(lock_database(config.data))
        listening = _bind_address(config, stack) if "web" in roles else None
        is_partly_real = uses_real_network(config)
        if config.sandbox:
            point_at_simulator(config)
        config.check()
        core = await stack.enter_async_context(open_core(config, opening or Opening()))
        token = f"jiesu_{core.chance.token(32)}" if "web" in roles else ""
        process = Process(name_process(core.chance), roles, rhythm, token)
        built = _build_services(core, process, stack)
        application = _build_application(built, stack, is_partly_real=is_partly_real)
        if listening is not None:
            await _start_web(application, listening, stack)
        await _prepare_then_start(application, stack)
        yield application


# -- steps, in order


def _bind_address(config: Config, stack: contextlib.ExitStack | contextlib.AsyncExitStack) -> socket.socket:
    """Bind the address first, so that the real port behind port 0 is known before it is published."""
    listening = socket.create_server((config.host, config.port), backlog=512)
    stack.callback(listening.close)
    config.port = listening.getsockname()[1]
    return listening


def _build_services(core: Core, process: Process, stack: contextlib.AsyncExitStack) -> Built:
    """Build the services with the configured drivers."""
    drivers = build_drivers(core.config)
    stack.push_async_callback(drivers.close)
    limiter = build_rate_limiter(core.config, core, stack)
    built = build_services(core, drivers, process, limiter, stack, list_provider_states(core.config))
    for service in (built.services.reporting, built.delivery):
        stack.push_async_callback(service.close)
    stack.push_async_callback(watch_outages(core).close)
    return built


def _build_application(built: Built, stack: contextlib.AsyncExitStack, *, is_partly_real: bool) -> Application:
    """Build the chat adapter, the workers of this process's roles and, in a rehearsal, what moves its clock."""
    core, people = built.core, built.services.people
    inbox_worker = _build_inbox_worker(built) if built.drivers.networks else None
    workers = build_workers(built, inbox_worker, stack)
    if not core.config.sandbox:
        return Application(built, workers, inbox_worker, Settling(workers, built.due_work, None), None)

    async def create_binding_code(person: str) -> str:
        return (await people.create_binding_code(person, "sandbox")).code

    simulator = build_simulator(core.config, core.clock.now, create_binding_code, is_partly_real=is_partly_real)
    settling = Settling(workers, built.due_work, simulator)
    mover, shared = build_clock_mover(core, settling, built.process.owner, built.services.keys.move_sessions, simulator)
    return Application(built, workers, inbox_worker, settling, Rehearsal(simulator, mover, shared))


def _build_inbox_worker(built: Built) -> "InboxWorker":
    """Build the chat adapter; only a process with a chat network loads it."""
    from bot.press_answers import PressAnswers
    from bot.receive import InboxWorker
    from bot.services import BotServices

    core, services, networks = built.core, built.services, built.drivers.networks
    inbox = SqlInboxStore(
        core.db, core.ids, core.clock.real_now, lambda name, body: networks[name].receiver.identify(body)
    )
    chat_services = BotServices(
        networks=networks, answers=PressAnswers(inbox), tickets=services.tickets, office=core.office, people=services.people,
        chat_state=built.chat_state, queries=services.queries, files=services.files, audit=core.audit,
        cards=built.renderer, card_store=built.cards, texts=core.texts, rate_limiter=built.rate_limiter,
        calls=services.calls, overview=SqlGlanceStore(core.db), scoring=services.scoring,
        reporting=services.reporting, duty_roster=services.duty_roster,
        snooze=SnoozeService(core.outbox, services.queries, core.office, core.ids, built.moves, built.due_work),
    )  # fmt: skip
    return InboxWorker(chat_services, inbox, built.process.owner, lambda: core.signals.wakeups.wake("chat"))


def build_web_app(application: Application) -> web.Application:
    """Build what the web server answers: all routes, the webhooks and, in a rehearsal, its clock and the simulator."""
    services, config, drivers = application.services, application.config, application.built.drivers
    calls, is_open, rehearsal = services.calls, services.gate.is_open, application.rehearsal
    address = config.base_url.rstrip("/")
    extra: list[Callable[[web.Application], None]] = []
    if application.inbox_worker is not None:
        extra.append(ChatHook(application.inbox_worker, tuple(drivers.networks.values()), address).add_routes)
    hosted = [(one.name, one.routes(CallHost(calls, one.name, address, is_open))) for one in drivers.carriers]
    texts = TextHost(services.visits.texting, calls, is_open)
    hosted += [(one.name, one.routes(texts)) for one in drivers.sms.gateways]
    for name, routes in hosted:
        extra.append(partial(add_driver_routes, driver=name, routes=routes, address=address))
    if rehearsal is not None:
        simulator_app = rehearsal.simulator.build_app()

        def mount(app: web.Application) -> None:
            app.add_subapp("/sandbox/", simulator_app)

        if not config.sandbox_open:
            extra.append(add_rehearsal_sign_in)
        guard = SandboxGuard(rehearsal.simulator.provider_paths, is_open=config.sandbox_open)
        extra += (RehearsalClock(rehearsal.clock).add_routes, mount, guard.add_to)
    return build_app(services, extra, ClientAddresses(config.proxies, config.proxy_header))


async def _start_web(application: Application, listening: socket.socket, stack: contextlib.AsyncExitStack) -> None:
    """Start the web server."""
    simulator, runner = application.simulator, web.AppRunner(build_web_app(application), **RUNNER_OPTIONS)
    await runner.setup()
    stack.push_async_callback(runner.cleanup)
    await web.SockSite(runner, listening).start()
    if simulator is not None:
        await simulator.start()
        stack.push_async_callback(simulator.close)


async def _prepare_then_start(application: Application, stack: contextlib.AsyncExitStack) -> None:
    """Check and prepare the database, say where this machine's commands reach us, begin work.

    What is damaged is only read: no work begins before it is mended and prepared (XR4).
    """
    config, core, storage = application.config, application.core, application.storage
    await storage.check_at_start()
    is_sound = core.db.condition.damage is None
    if is_sound:
        await _prepare_database(application)
    if token := application.services.process_token:
        write_run_file(config.data, config.local_url, token)
        stack.callback(delete_run_file, config.data)
    if application.rehearsal is not None and (shared := application.rehearsal.shared_clock) is not None:
        _start_task(shared.follow(), "shared_clock", stack)
    _start_task(storage.run_forever(), "storage_watch", stack)
    _start_task(core.screening.run_forever(), "scanner_watch", stack)

    async def begin_late() -> None:
        await _prepare_database(application)
        await _start_work(application, stack)

    if is_sound:
        await _start_work(application, stack)
    else:
        storage.call_when_mended(begin_late)


async def _start_work(application: Application, stack: contextlib.AsyncExitStack) -> None:
    """Start the receiver, the beats and the workers."""
    config, built, inbox_worker = application.config, application.built, application.inbox_worker
    if inbox_worker is not None and "bot" in built.process.roles:
        await inbox_worker.prepare()
        for name, network in built.drivers.networks.items():
            hearing = inbox_worker.listen(network, f"{config.base_url}{BASE}/{name}")
            _start_task(hearing, f"chat_receiver_{name}", stack)
    gate, alarms, beats = built.services.gate, built.operations.alarms, built.operations.beats
    await gate.look()
    if gate.is_open():
        await alarms.heal("version_gate")
    _start_task(gate.watch(), "version_gate", stack)
    _start_task(application.clock_watch.follow(), "clock_watch", stack)
    await beats.beat()
    stack.push_async_callback(beats.stop)
    await application.workers.start()
    _start_task(beats.run_forever(), "beats", stack)
    stack.push_async_callback(application.workers.stop)
    stack.push_async_callback(built.delivery.close)  # sends in flight finish before the workers end (FM2)


async def _prepare_database(application: Application) -> None:
    """Claim ids, end the leases of former processes, hold what is older than its marks; load samples in a rehearsal."""
    core = application.core
    await core.ids.refill()
    await void_leases(core.db)
    await application.services.holds.start()
    if application.simulator is not None:
        today = core.clock.now().date()
        await load_sample_office(core.config, application.services.imports, today, application.simulator)


def _start_task(work: Coroutine[None, None, None], name: str, stack: contextlib.AsyncExitStack) -> None:
    """Run it beside everything else; it is cancelled when the application closes."""
    task = asyncio.create_task(work, name=name)

    async def cancel() -> None:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task

    stack.push_async_callback(cancel)


async def serve(config: Config, roles: Collection[str] = ROLES) -> int:
    """Run the application until stopped; return 0 when stopped by SIGINT or SIGTERM."""
    from backend.app.run import run_until_stopped

    return await run_until_stopped(config, roles, open_application)
