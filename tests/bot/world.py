"""A house with a chat door on one side of a loopback wire and a town with thumbs on the other."""

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from aiohttp import web
from sqlalchemy import select, text

from backend.delivery.cards import CardRenderer
from backend.delivery.snooze import SnoozeService
from backend.domain.acts import Act, Actor
from backend.domain.button_data import ButtonData, encode
from backend.domain.flow import build_entry
from backend.domain.records import Assignment, Ticket, Unit
from backend.domain.texts import Texts
from backend.domain.ticket import Category, Grade, Role, Source, State, UnitKind
from backend.office.cache import OfficeCache
from backend.office.people import People, PersonForm
from backend.ports.cards import NewCard
from backend.ports.moves import NewTicket, TicketRef
from backend.tickets.files import TicketFiles
from backend.tickets.service import TicketService
from bot.receive import InboxWorker
from bot.services import BotServices
from notify.chat.telegram import TelegramChannel, make_bot
from notify.rate_limit import Bucket, RateLimiter
from sandbox.simulator import Simulator
from sandbox.telegram.model import Message
from sandbox.telegram.users import ChatUser
from storage import tables as t
from storage.deadlines.due import SqlDueStore
from storage.delivery.cards import SqlCardStore as CardShelf
from storage.delivery.chat_state import SqlChatStateStore
from storage.delivery.inbox import SqlInboxStore
from storage.delivery.outbox import SqlOutboxStore
from storage.engine.database import Database
from storage.engine.encryption import Encryption
from storage.engine.ids import IdSupply
from storage.engine.lease_clock import LeaseClock
from storage.integrity.audit import SqlAuditStore
from storage.office.config import SqlConfigStore
from storage.office.people import SqlPeopleStore
from storage.tickets.files import SqlFileStore
from storage.tickets.glance import SqlGlanceStore
from storage.tickets.moves import create_move_store
from storage.tickets.queries import SqlQueryStore
from tests.time_and_chance import CHANCE, REAL, build_clock

ZONE = ZoneInfo("Asia/Shanghai")
TOKEN = "123456789:AAsandbox-token"
STAFF = (
    ("H1", "李明", "U01", Role.HANDLER, "+8613800001001"),
    ("H2", "王芳", "U01", Role.HANDLER, "+8613800001002"),
    ("L1", "赵联", "U01", Role.LIAISON, "+8613800001003"),
    ("H9", "外人", "U02", Role.HANDLER, "+8613800001009"),
    ("R1", "审核", "M01", Role.REVIEWER, "+8613800002001"),
    ("S1", "督办", "M01", Role.SUPERVISOR, "+8613800002002"),
)
DISPATCHER = Actor("D1", Role.DISPATCHER, "M01")


class NoPace:
    """Stories are in no hurry to be slow; the town's flood limits are off with it."""

    async def try_acquire(self, buckets: Sequence[Bucket]) -> float:
        return 0.0


class World:
    """Everything real but the courier: `card` hands out cards, `step` lets the door work."""

    def __init__(self, db: Database, town: Simulator, base: str, pace: RateLimiter | None = None) -> None:
        self.db, self.town = db, town
        self.at = datetime(2026, 11, 10, 9, 0, tzinfo=ZONE)
        self.ids = IdSupply(db)
        self.vault = Encryption("a secret of the tests, long enough", CHANCE)
        db.lease_clock = LeaseClock(lambda: self.wall.timestamp())  # noqa: PLW0108 - wall is moved
        clock = build_clock(lambda: self.at, lambda: self.wall.timestamp())  # noqa: PLW0108 - wall is moved
        self.office = OfficeCache(SqlConfigStore(db, self.ids), clock, "jilin")
        self.moves = create_move_store(db)
        self.desk = TicketService(self.moves, self.office, self.ids, b"k" * 32)
        drafts = SqlChatStateStore(db)
        self.registry = People(SqlPeopleStore(db, self.ids, self.vault), drafts, self.office, CHANCE)
        self.catalogue = Texts("zh_CN")
        book = CardShelf(db, self.ids, self.vault)
        bot = make_bot(TOKEN, f"{base}/sandbox/telegram")
        self.house = BotServices(
            bot=bot, channel=TelegramChannel(bot), tickets=self.desk, office=self.office, people=self.registry,
            chat_state=drafts, queries=SqlQueryStore(db, self.vault), files=TicketFiles(SqlFileStore(db), clock, CHANCE),
            audit=SqlAuditStore(db, self.ids), cards=CardRenderer(self.moves, self.office, book, self.catalogue, drafts),
            card_store=book, texts=self.catalogue, rate_limiter=pace or NoPace(), overview=SqlGlanceStore(db),
            snooze=SnoozeService(SqlOutboxStore(db, self.ids), SqlQueryStore(db, self.vault), self.office, self.ids, self.moves, SqlDueStore(db)),
        )  # fmt: skip
        self.wall = datetime(2026, 11, 10, 1, 0, tzinfo=UTC)
        self.inbox = SqlInboxStore(db, self.ids, clock.real_now)
        self.door = InboxWorker(self.house, self.inbox, "w1", poll_seconds=1, idle_seconds=0.05)
        self._tasks: list[asyncio.Task[Any]] = []

    async def open(self) -> "World":
        await self.registry.save_units([
            Unit("M01", "市热线", UnitKind.MANAGEMENT, "A市"), Unit("U01", "住建局", UnitKind.HANDLING, "A市"),
            Unit("U02", "交通局", UnitKind.HANDLING, "A市"),
        ], "admin")  # fmt: skip
        await self.registry.save_people([PersonForm(n, u, r, c, p) for c, n, u, r, p in STAFF], "admin")
        await self.door.prepare()
        await self.reopen()
        return self

    async def reopen(self) -> None:
        """Poll and work."""
        woken = asyncio.Event()
        self.door.on_received = woken.set

        async def rounds() -> None:
            while True:
                await woken.wait()
                woken.clear()
                while await self.door.run_once():
                    pass

        self._tasks = [asyncio.create_task(self.door.poll()), asyncio.create_task(rounds())]

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        for task in self._tasks:
            with contextlib.suppress(asyncio.CancelledError):
                await task
        await self.house.channel.close()

    # -- people

    def user(self, code: str) -> ChatUser:
        _, name, _, _, phone = next(row for row in STAFF if row[0] == code)
        return self.town.chat.get_user(name, phone)

    async def bound(self, code: str) -> ChatUser:
        user = self.user(code)
        opened = await self.registry.create_binding_code(code, "admin")
        await user.start(opened.code)
        await user.expect("发送本人手机号")
        await user.share_contact()
        await user.expect("绑定成功")
        return user

    # -- tickets

    async def ticket(
        self, no: str = "T1", grade: Grade = Grade.GENERAL, unit: str = "U01", words: str = "路灯不亮"
    ) -> int:
        await self.ids.refill()
        now = self.at.astimezone(UTC)
        ticket_id = self.ids.take()
        line = build_entry(b"k" * 32, prev_hash="", entry_id=self.ids.take(), ticket_id=ticket_id, version=1, assignment_id=None,
                     verb="create", from_state="", to_state="pending_dispatch", by="D1", source=Source.API, at=now,
                     recorded_at=now, words={})  # fmt: skip
        ticket = Ticket(ticket_id, no, 1, line.hash, State.PENDING_DISPATCH, Category.HELP, grade, "phone", "A市",
                        "M01", "M01", now, text=words, has_phone=True)  # fmt: skip
        await self.moves.create([NewTicket(ticket, line)])
        await self.act("dispatch", DISPATCHER, no, unit=unit)
        return (await self.assignment(no)).id

    async def act(self, verb: str, by: Actor, no: str = "T1", **words: object) -> None:
        await self.desk.act(Act(verb, by, Source.API, ticket_no=no, arguments=words))

    async def assignment(self, no: str = "T1") -> Assignment:
        snap = await self.moves.load(TicketRef(no=no))
        assert snap is not None
        return snap.assignments[-1]

    async def state(self, no: str = "T1") -> str:
        snap = await self.moves.load(TicketRef(no=no))
        assert snap is not None
        return str(snap.ticket.state)

    async def card(self, user: ChatUser, code: str, no: str = "T1", address: int | None = None) -> Message:
        """What the courier will do: a living card in a chat, remembered."""
        a = await self.assignment(no)
        snap = await self.moves.load(TicketRef(no=no))
        person = (await self.office.snapshot(fresh=True)).by_code[code]
        assert snap is not None
        where = str(address or user.user_id)
        receipt = await self.house.channel.send(where, await self.house.cards.render_live_card(a.id, person))
        await self.house.card_store.record([NewCard("telegram", where, receipt.provider_id, code, a.ticket_id, a.id, "C1",
                                              snap.ticket.version, self.at)])  # fmt: skip
        chat = self.town.chat.chats[int(where)]
        return chat.messages[int(receipt.provider_id)]

    async def data(self, verb: str, no: str = "T1") -> str:
        a = await self.assignment(no)
        return encode(ButtonData(verb, a.id, a.version))

    # -- looking

    async def inboxes(self) -> list[tuple[str, int]]:
        query = select(t.inbox.c.state, t.inbox.c.attempts).order_by(t.inbox.c.id)
        return await self.db.read(lambda c: [(r.state, r.attempts) for r in c.execute(query)])

    async def audited(self) -> list[str]:
        return await self.db.read(lambda c: [r.what for r in c.execute(select(t.audit).order_by(t.audit.c.id))])

    async def moves_of(self, no: str = "T1") -> list[str]:
        query = text(
            "SELECT verb FROM journal j JOIN tickets t ON t.id = j.ticket_id WHERE t.no = :no ORDER BY j.version"
        )
        return await self.db.read(lambda c: [r.verb for r in c.execute(query, {"no": no})])

    async def until(self, look: Callable[[], Any], seconds: float = 5.0) -> Any:
        """Wait until an awaitable look is true."""
        end = asyncio.get_running_loop().time() + seconds
        while True:
            seen = await look()
            if seen:
                return seen
            assert asyncio.get_running_loop().time() < end, "it never came true"
            await asyncio.sleep(0.01)

    async def quiet(self) -> None:
        """Wait until everything heard has been handled."""
        await self.town.settle()

        async def done() -> bool:
            return all(state != "new" for state, _ in await self.inboxes())

        await self.until(done)

    def later(self, **span: float) -> None:
        self.at += timedelta(**span)


async def make_town(now: Callable[[], datetime]) -> tuple[Simulator, str, web.AppRunner]:
    town = Simulator(now=now, **REAL, public_url="https://jiesu.example", telegram_token=TOKEN, telegram_secret=None,
                twilio_sid="AC" + "0" * 32, twilio_token="x" * 16, own_number="+864312345678",
                reach_url="http://127.0.0.1:1")  # fmt: skip
    main = web.Application()
    main.add_subapp("/sandbox/", town.build_app())
    runner = web.AppRunner(main, shutdown_timeout=1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    await town.start()
    return town, f"http://127.0.0.1:{runner.addresses[0][1]}", runner
