"""The one file that sees everybody: puts the house together in plain order, and takes it apart the other way round."""

import asyncio
import contextlib
import os
import secrets
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Collection
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import structlog
from aiohttp import web

from backend.auditor import Auditor
from backend.calls.room import Calls
from backend.calls.tools import Tools
from backend.cards import Cards
from backend.clockwork import Clockwork
from backend.common_time import CommonTime
from backend.courier import Courier
from backend.doorplate import hang, owned, take_down
from backend.environment import Environment
from backend.filing import Filing
from backend.marks.room import Marks
from backend.office import Clock
from backend.rooms import Rooms
from backend.rounds import Round, Rounds
from backend.shelves import Shelves, embedded, open_shelves
from backend.verifying import Sealer
from backend.visits import Visits
from backend.web.app import RUNNER, make_app
from backend.web.phone_hooks import PhoneHooks
from backend.wiring.house import House
from backend.wiring.outside import channels_of, line_of, next_stop, pacer_of, providers_of, rehearse, town_of
from notify.channel import Channel
from notify.pace import Pacer
from storage.auditing import Auditing
from storage.calls import CallShelf
from storage.cards import Cards as CardShelf
from storage.due import DueWork
from storage.files import Files
from storage.idempotency import Idempotency
from storage.inbox import InboxShelf
from storage.letters import Letters
from storage.marks import MarksShelf
from storage.reading import Reading
from storage.verify import ChainShelf

if TYPE_CHECKING:
    from bot.door import ChatDoor
    from sandbox.town import Town

log = structlog.get_logger("house")
ROLES = ("web", "bot", "worker", "clock")


@contextlib.asynccontextmanager
async def open_house(
    environment: Environment,
    roles: Collection[str] = ROLES,
    *,
    real: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> AsyncIterator[House]:
    """The house of an environment, open and at work while inside.

    Raises Refused: `secret_missing`, `public_url_not_https`, `database_behind`, `in_use` … and OSError when the
    address is taken.
    """
    async with contextlib.AsyncExitStack() as stack:
        if embedded(environment):
            stack.enter_context(owned(environment.data))
        listening = _listen(environment, stack) if "web" in roles else None
        town = town_of(environment)
        environment.check()
        shelves = await stack.enter_async_context(open_shelves(environment, real=real))
        house = await _furnish(environment, shelves, town, roles, stack)
        if listening is not None:
            await _open_doors(house, listening, stack)
        await _begin(house, roles, stack)
        yield house


# -- in plain order


def _listen(environment: Environment, stack: contextlib.ExitStack | contextlib.AsyncExitStack) -> socket.socket:
    """Take the address first, so that port 0 is known before anybody is told of it."""
    listening = socket.create_server((environment.host, environment.port), backlog=512)
    stack.callback(listening.close)
    environment.port = listening.getsockname()[1]
    return listening


async def _furnish(
    environment: Environment, shelves: Shelves, town: "Town | None", roles: Collection[str],
    stack: contextlib.AsyncExitStack,
) -> House:  # fmt: skip
    s = shelves
    if town is not None:
        town.now = town.chat.now = town.phones.now = s.clock.now
    channels = channels_of(environment)
    line = line_of(environment)
    pacer = await pacer_of(environment, shelves, stack)
    letters, cards = Letters(s.db, s.ids), CardShelf(s.db, s.ids, s.vault)
    draw = Cards(s.moves, s.office, cards, s.catalogue, s.drafts)
    owner = f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(3)}"
    courier = Courier(
        letters=letters, cards=cards, draw=draw, moves=s.moves, office=s.office, channels=channels,
        bindings=s.registry, ids=s.ids, catalogue=s.catalogue, owner=owner, pacer=pacer,
        lease_seconds=environment.lease_seconds,
    )  # fmt: skip
    calls, visits = None, None
    if line is not None:
        tools = Tools(
            CallShelf(s.db, s.ids, s.vault), letters, s.desk, s.office, s.registry, courier, line, pacer, s.audit,
            s.catalogue, environment.twilio_from, environment.address, environment.hotline, environment.hotline_name,
        )  # fmt: skip
        visits = Visits(tools)
        calls = Calls(tools, visits)
    reading, filing = Reading(s.db, s.vault), Filing(Files(s.db), s.clock)
    inbox = InboxShelf(s.db, s.ids)
    marks = Marks(MarksShelf(s.db), s.office, s.ids)
    auditor = Auditor(Auditing(s.db, s.ids), s.clock, lambda: datetime.now(UTC))
    due = DueWork(s.db)
    rounds = Rounds([], environment.tick_seconds)
    rooms = Rooms(
        clock=s.clock, office=s.office, desk=s.desk, reading=reading, keys=s.keys, filing=filing, audit=s.audit,
        idempotency=Idempotency(s.db, s.vault), catalogue=s.catalogue, public_url=environment.address,
        sandbox=environment.sandbox, intake=s.intake, registry=s.registry, imports=s.imports, marks=marks,
        sandbox_clock=s.sandbox_clock, courier=courier, calls=calls, visits=visits, auditor=auditor, heartbeat=rounds.beats,
        started_at=s.clock.now(), providers=providers_of(environment),
    )  # fmt: skip
    door = None
    if "telegram" in channels:
        door = _door(channels["telegram"], shelves, rooms, draw, cards, pacer, inbox)
        rooms.inbox = door
        rooms.telegram_secret = environment.telegram_secret.get_secret_value()
        door.on_heard = lambda: rounds.nudge("chat")
    house = House(environment, shelves, rooms, rounds, due, door, calls, town, "")
    work: dict[str, list[tuple[str, Any]]] = {
        "bot": [("chat", door.round)] if door else [],
        "worker": [("courier", courier.round), *([("calls", calls.round)] if calls else [])],
        "clock": [
            ("clockwork", Clockwork(due, s.desk, s.office).round), *([("visits", visits.round)] if visits else []),
            ("auditor", auditor.round), *([("sweep", _daily(door.sweep, s.clock))] if door else []),
            *([("recordings", _daily(calls.forget_recordings, s.clock))] if calls else []), ("sealer", Sealer(ChainShelf(s.db, s.ids), s.vault.journal, s.clock).round),
        ],
    }  # fmt: skip
    for role in ("bot", "clock", "worker"):
        for name, round_ in work[role] if role in roles else ():
            rounds.add(Round(name, round_))
    if calls is not None:
        calls.tools.wake = lambda: rounds.nudge("calls", "courier")

    def moved(_plan: object, _ticket_no: str) -> None:
        courier.nudge()
        rounds.nudge("courier", "calls", "visits")

    s.desk.after.append(moved)
    stack.push_async_callback(_close_all, [courier, *channels.values(), *([line] if line else [])])
    return house


def _door(
    channel: Channel,
    shelves: Shelves,
    rooms: Rooms,
    draw: Cards,
    cards: CardShelf,
    pacer: Pacer,
    inbox: InboxShelf,
) -> "ChatDoor":
    from bot.door import ChatDoor
    from bot.house import House as ChatHouse
    from notify.channels.telegram import TelegramChannel

    assert isinstance(channel, TelegramChannel)
    house = ChatHouse(
        bot=channel.bot, channel=channel, desk=shelves.desk, office=shelves.office, registry=shelves.registry,
        drafts=shelves.drafts, reading=rooms.reading, filing=rooms.filing, audit=shelves.audit, cards=draw,
        book=cards, catalogue=shelves.catalogue, pace=pacer, calls=rooms.calls,
    )  # fmt: skip
    return ChatDoor(house, inbox)


async def _open_doors(house: House, listening: socket.socket, stack: contextlib.AsyncExitStack) -> None:
    """The web door, the carrier's ear, and in a rehearsal the town's own streets."""
    environment, calls, town = house.environment, house.calls, house.town
    extra: list[Callable[[web.Application], None]] = []
    if calls is not None:
        extra.append(PhoneHooks(calls, calls.tools.line, environment.address).add_to)
    if town is not None:
        streets = town.app()

        def mount(app: web.Application) -> None:
            app.add_subapp("/sandbox/", streets)

        extra.append(mount)
    runner = web.AppRunner(make_app(house.rooms, extra), **RUNNER)
    await runner.setup()
    stack.push_async_callback(runner.cleanup)
    await web.SockSite(runner, listening).start()
    if town is not None:
        await town.start()
        stack.push_async_callback(town.close)


async def _begin(house: House, roles: Collection[str], stack: contextlib.AsyncExitStack) -> None:
    """Sample data in a rehearsal, the administrator's key of this run, the chat's ear, then the rounds."""
    environment, s = house.environment, house.shelves
    await s.ids.refill()
    if house.town is not None:
        await rehearse(s, house.town)
    if "web" in roles:
        name = "console" if environment.sandbox else f"plate-{os.getpid()}"
        await s.keys.revoke(name, s.clock.now())
        house.token = await s.keys.create(name, s.clock.now(), role="admin")
        hang(environment.data, f"http://{environment.host}:{environment.port}", house.token)
        stack.callback(take_down, environment.data)
    if s.sandbox_clock is not None:
        s.sandbox_clock.settle = house.settle
        s.sandbox_clock.next_at = next_stop(house.due, house.town)
        if not embedded(environment):  # there may be others
            common = CommonTime(s.sandbox_clock, s.values, f"{os.getpid()}-{secrets.token_hex(3)}", house.settle)
            s.sandbox_clock.settle = common.settle
            stack.push_async_callback(_end, asyncio.create_task(common.follow(), name="hour"))
    if house.door is not None and "bot" in roles:
        await house.door.prepare()
        if environment.telegram_mode == "webhook":
            secret = environment.telegram_secret.get_secret_value()
            ear = house.door.webhook(f"{environment.address}/hooks/telegram", secret)
        else:
            ear = house.door.poll()
        stack.push_async_callback(_end, asyncio.create_task(ear, name="ear"))
    await house.rounds.start()
    stack.push_async_callback(house.rounds.stop)
    stack.push_async_callback(house.rooms.courier.close)  # what has left arrives before the rounds end (FM2)


def _daily(work: Callable[[], Awaitable[int]], clock: Clock) -> Callable[[], Awaitable[int]]:
    """That work once a day of the house, however often it is asked."""
    last: list[datetime] = []

    async def round_() -> int:
        now = clock.now()
        if last and now - last[0] < timedelta(days=1):
            return 0
        last[:] = [now]
        await work()
        return 0

    return round_


async def _close_all(rooms: list[Any]) -> None:
    for room in rooms:
        with contextlib.suppress(Exception):
            await room.close()


async def _end(task: "asyncio.Task[None]") -> None:
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


async def serve(environment: Environment, roles: Collection[str] = ROLES) -> int:
    """Open the house and stay until told to stop; 0 when stopped by SIGINT or SIGTERM."""
    from backend.standing_by import stay

    return await stay(environment, roles, open_house)
