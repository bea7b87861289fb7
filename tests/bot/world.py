"""An office with a chat bot on one side of a loopback connection, and the people of a simulated chat network."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import select, text

from backend.delivery.cards import CardRenderer
from backend.delivery.snooze import SnoozeService
from backend.domain.acts import Act, Actor, Snapshot
from backend.domain.button_data import ButtonData, encode
from backend.domain.records import Assignment, Request, Unit
from backend.domain.refusals import Refused
from backend.domain.texts import Texts
from backend.domain.ticket_enums import Grade, Role, Source, UnitKind
from backend.office.cache import OfficeCache
from backend.office.duty_roster import DutyRoster
from backend.office.people import People, PersonForm
from backend.ports.chat import NewCard
from backend.ports.office import SettingVersion
from backend.ports.tickets import TicketRef
from backend.tickets.files import TicketFiles
from backend.tickets.screening import Screening
from backend.tickets.service import TicketService
from bot.press_answers import PressAnswers
from bot.receive import InboxWorker
from bot.services import BotServices
from notify.rate_limit import Bucket
from sandbox.simulator import Simulator
from sandbox.telegram.model import Message
from sandbox.telegram.users import ChatUser
from storage import tables as t
from storage.deadlines.due import SqlDueStore
from storage.delivery.cards import SqlCardStore
from storage.delivery.chat_state import SqlChatStateStore
from storage.delivery.inbox import SqlInboxStore
from storage.delivery.outbox import SqlOutboxStore
from storage.engine.database import Database
from storage.engine.encryption import Encryption
from storage.engine.ids import IdSupply
from storage.engine.lease_clock import LeaseClock
from storage.integrity.audit import SqlAuditStore
from storage.office.config import SqlConfigStore
from storage.office.duty_roster import SqlDutyRosterStore
from storage.office.people import SqlPeopleStore
from storage.tickets.files import SqlFileStore
from storage.tickets.glance import SqlGlanceStore
from storage.tickets.moves import create_move_store
from storage.tickets.queries import SqlQueryStore
from tests.scanner import FakeScanner
from tests.simulated_networks import TELEGRAM_TOKEN
from tests.telegram import build_telegram
from tests.time_and_chance import CHANCE, ZONE, build_clock
from tests.waiting_ticket import JOURNAL_KEY, create_waiting_ticket

STAFF = (
    ("H1", "李明", "U01", Role.HANDLER, "+8613800001001"),
    ("H2", "王芳", "U01", Role.HANDLER, "+8613800001002"),
    ("L1", "赵联", "U01", Role.LIAISON, "+8613800001003"),
    ("H9", "外人", "U02", Role.HANDLER, "+8613800001009"),
    ("R1", "审核", "M01", Role.REVIEWER, "+8613800002001"),
    ("S1", "督办", "M01", Role.SUPERVISOR, "+8613800002002"),
)
DISPATCHER = Actor("D1", Role.DISPATCHER, "M01")


class Unlimited:
    """A rate limiter that never makes anybody wait; the simulated network does not count either."""

    async def try_acquire(self, buckets: Sequence[Bucket]) -> float:
        return 0.0


class NoCalls:
    """An office without a carrier."""

    async def start_bridge(self, by: Actor, **_: Any) -> None:
        raise Refused("no_carrier")

    async def call_unit(self, ticket_no: str, by: Actor) -> None:
        raise Refused("no_carrier")


class NoScores:
    """Stands where scores are not part of these tests."""

    async def get_scores(self, **_: Any) -> None:
        raise Refused("bad_month")


class World:
    """Everything is real but the delivery worker: `send_card` sends cards, the bot polls and works by itself.

    `at` is the office's time, `wall` the inbox's.
    """

    def __init__(self, db: Database, simulator: Simulator, base_url: str) -> None:
        self.db, self.simulator = db, simulator
        self.at = datetime(2026, 11, 10, 9, 0, tzinfo=ZONE)
        self.ids = IdSupply(db)
        encryption = Encryption("a secret of the tests, long enough", CHANCE)
        db.lease_clock = LeaseClock(lambda: self.wall.timestamp())  # noqa: PLW0108 - wall is moved
        clock = build_clock(lambda: self.at, lambda: self.wall.timestamp())  # noqa: PLW0108 - wall is moved
        self.config = SqlConfigStore(db, self.ids)
        self.office = OfficeCache(self.config, clock, "jilin")
        self.moves = create_move_store(db)
        self.tickets = TicketService(self.moves, self.office, self.ids, JOURNAL_KEY)
        chat_state, texts, audit = SqlChatStateStore(db), Texts("zh_CN"), SqlAuditStore(db, self.ids)
        self.people = People(SqlPeopleStore(db, self.ids, encryption), chat_state, self.office, CHANCE)
        cards = SqlCardStore(db, self.ids, encryption)
        self.scanner = FakeScanner()
        self.url = f"{base_url}/sandbox/telegram"
        self.network = build_telegram(TELEGRAM_TOKEN, self.url)
        self.inbox = SqlInboxStore(
            db, self.ids, clock.real_now, lambda name, body: self.services.networks[name].receiver.identify(body)
        )
        self.services = BotServices(
            networks={"telegram": self.network}, answers=PressAnswers(self.inbox), tickets=self.tickets, office=self.office, people=self.people,
            chat_state=chat_state, queries=SqlQueryStore(db, encryption),
            files=TicketFiles(SqlFileStore(db), clock, CHANCE, Screening(self.scanner, audit, clock)), audit=audit, cards=CardRenderer(self.moves, self.office, cards, texts, chat_state),
            card_store=cards, texts=texts, rate_limiter=Unlimited(), overview=SqlGlanceStore(db), calls=NoCalls(), scoring=NoScores(), reporting=NoScores(),
            duty_roster=DutyRoster(SqlDutyRosterStore(db, self.ids), self.office, audit),
            snooze=SnoozeService(SqlOutboxStore(db, self.ids), SqlQueryStore(db, encryption), self.office, self.ids, self.moves, SqlDueStore(db)),
        )  # fmt: skip
        self.wall = datetime(2026, 11, 10, 1, 0, tzinfo=UTC)
        self.worker = InboxWorker(self.services, self.inbox, "w1", lambda: None)
        self._tasks: list[asyncio.Task[Any]] = []

    async def open(self) -> "World":
        await self.people.save_units([
            Unit("M01", "市热线", UnitKind.MANAGEMENT, "A市"), Unit("U01", "住建局", UnitKind.HANDLING, "A市"),
            Unit("U02", "交通局", UnitKind.HANDLING, "A市"),
        ], "admin")  # fmt: skip
        await self.people.save_people([PersonForm(n, u, r, c, p) for c, n, u, r, p in STAFF], "admin")
        await self.worker.prepare()
        self.start()
        return self

    def start(self) -> None:
        """Start to poll and to handle what was received."""
        woken = asyncio.Event()
        self.worker.on_received = woken.set

        async def handle() -> None:
            while True:
                await woken.wait()
                woken.clear()
                while await self.worker.run_once():
                    pass

        self._tasks = [asyncio.create_task(self.worker.listen(self.network, "")), asyncio.create_task(handle())]

    async def stop(self) -> None:
        """Stop at once, as a killed process does."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        for task in self._tasks:
            with contextlib.suppress(asyncio.CancelledError):
                await task
        await self.network.close()

    # -- people

    def get_user(self, code: str) -> ChatUser:
        """A person's chat, not yet bound."""
        _, name, _, _, phone = next(row for row in STAFF if row[0] == code)
        return self.simulator.chat.get_user(name, phone)

    async def bind(self, code: str) -> ChatUser:
        """Bind a person's chat."""
        opened = await self.people.create_binding_code(code, "admin")
        return await self.confirm_binding(self.get_user(code), opened.code)

    async def confirm_binding(self, user: ChatUser, binding_code: str) -> ChatUser:
        """Do what a person does with a valid code: open the bot with it and share their own number."""
        await user.start(binding_code)
        await user.expect("发送本人手机号")
        await user.share_contact()
        await user.expect("绑定成功")
        return user

    async def find_person(self, user: ChatUser) -> Any:
        """The person this chat is bound to, or None."""
        return await self.people.find_by_chat("telegram", str(user.user_id))

    # -- tickets

    async def dispatch_ticket(
        self, no: str = "T1", grade: Grade = Grade.GENERAL, *, unit: str = "U01", **fields: object
    ) -> int:
        """Create a ticket and dispatch it; the id of its assignment."""
        await create_waiting_ticket(self.moves, self.ids, self.at, no, grade=grade, **fields)
        await self.act("dispatch", DISPATCHER, no, unit=unit, reason="属其职责")
        return (await self.load_assignment(no)).id

    async def sign_by_button(self, code: str = "H1") -> tuple[ChatUser, Message]:
        """A bound person who has signed a new ticket; their chat and the card."""
        user = await self.bind(code)
        await self.dispatch_ticket()
        card = await self.send_card(user, code)
        assert await user.press(card, "签收") == "已签收。"
        return user, card

    async def act(self, verb: str, by: Actor, no: str = "T1", **arguments: object) -> None:
        await self.tickets.act(Act(verb, by, Source.API, ticket_no=no, arguments=arguments))

    async def set_setting(self, key: str, value: str) -> None:
        await self.config.add_version(SettingVersion(key, None, value, self.at - timedelta(days=1), "admin", self.at))
        self.office.invalidate()

    async def send_card(self, user: ChatUser, code: str, no: str = "T1", chat_id: int | None = None) -> Message:
        """Send a person the live card and store where it is, as the delivery worker does; `chat_id`: of a group."""
        snap = await self.load(no)
        assignment = snap.assignments[-1]
        person = (await self.office.snapshot(fresh=True)).by_code[code]
        address = str(chat_id or user.user_id)
        card = await self.services.cards.render_live_card(assignment.id, person)
        receipt = await self.network.channel.send(address, card)
        await self.services.card_store.record([
            NewCard("telegram", address, receipt.provider_id, code, assignment.ticket_id, assignment.id, "card_resent",
                    snap.ticket.version, self.at)
        ])  # fmt: skip
        return self.simulator.chat.chats[int(address)].messages[int(receipt.provider_id)]

    async def encode_press(self, verb: str, no: str = "T1") -> str:
        """What the button of a verb carries on the ticket's present card."""
        assignment = await self.load_assignment(no)
        return encode(ButtonData(verb, assignment.id, assignment.version))

    async def plant(self, statement: str) -> int:
        """Change rows by hand; return how many."""
        return int(await self.db.write(lambda c: c.execute(text(statement)).rowcount))

    # -- looking

    async def load(self, no: str = "T1") -> Snapshot:
        snap = await self.moves.load(TicketRef(ticket_no=no))
        assert snap is not None
        return snap

    async def load_assignment(self, no: str = "T1") -> Assignment:
        return (await self.load(no)).assignments[-1]

    async def load_request(self, no: str = "T1") -> Request:
        """The ticket's first request: a return, an extension …"""
        return (await self.load(no)).requests[0]

    async def state(self, no: str = "T1") -> str:
        return str((await self.load(no)).ticket.state)

    async def list_inbox(self) -> list[tuple[str, int]]:
        """State and attempts of everything received."""
        query = select(t.inbox.c.state, t.inbox.c.attempts).order_by(t.inbox.c.id)
        return await self.db.read(lambda c: [(r.state, r.attempts) for r in c.execute(query)])

    async def list_audit_events(self) -> list[str]:
        return await self.db.read(
            lambda c: [r.event for r in c.execute(select(t.audit_log).order_by(t.audit_log.c.id))]
        )

    async def list_verbs(self, no: str = "T1") -> list[str]:
        """The verbs of a ticket's journal."""
        query = text(
            "SELECT verb FROM journal j JOIN tickets t ON t.id = j.ticket_id WHERE t.ticket_no = :no ORDER BY j.version"
        )
        return await self.db.read(lambda c: [r.verb for r in c.execute(query, {"no": no})])

    async def wait_until(self, is_so: Callable[[], Awaitable[bool]], seconds: float = 5.0) -> None:
        """Wait until a condition holds; fails after `seconds`."""
        end = asyncio.get_running_loop().time() + seconds
        while not await is_so():
            assert asyncio.get_running_loop().time() < end, "it never came true"
            await asyncio.sleep(0.01)

    async def settle(self) -> None:
        """Wait until everything received has been handled."""
        await self.simulator.settle()

        async def is_handled() -> bool:
            return all(state != "new" for state, _ in await self.list_inbox())

        await self.wait_until(is_handled)

    def pass_time(self, **span: float) -> None:
        self.at += timedelta(**span)
