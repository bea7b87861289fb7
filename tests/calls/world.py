"""A small office with real services for calls and visits over the simulated telephones, and a clock that tests move."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

import aiohttp
import structlog
from aiohttp import web
from sqlalchemy import select, update

from backend.calls.carriers import Carriers
from backend.calls.dependencies import CallDependencies
from backend.calls.service import Calls
from backend.deadlines.watch import DeadlineWatch
from backend.delivery.cards import CardRenderer
from backend.delivery.worker import DeliveryWorker
from backend.domain.acts import Act, Actor, Snapshot
from backend.domain.records import Unit
from backend.domain.texts import Texts
from backend.domain.ticket_enums import Grade, Role, Source, UnitKind
from backend.office.cache import OfficeCache
from backend.office.people import People, PersonForm
from backend.ports.office import SettingVersion
from backend.ports.tickets import TicketRef
from backend.tickets.service import TicketService
from backend.visits.automatic import AutoVisits
from backend.web.webhooks.drivers import add_driver_routes
from backend.web.webhooks.hosts import CallHost
from notify.rate_limit import Bucket, RateLimiter
from notify.voice._live import LiveHooks
from notify.voice.twilio.carrier import TwilioCarrier
from notify.voice.twilio.carrier import build_carrier as build_twilio
from sandbox.simulator import Simulator
from sandbox.telephone.handset import Phone
from sandbox.twilio.webhooks import compute_signature
from storage import tables as t
from storage.calls.calls import SqlCallStore
from storage.deadlines.due import SqlDueStore
from storage.delivery.cards import SqlCardStore
from storage.delivery.chat_state import SqlChatStateStore
from storage.delivery.outbox import SqlOutboxStore
from storage.engine.database import Database
from storage.engine.encryption import Encryption
from storage.engine.ids import IdSupply
from storage.integrity.audit import SqlAuditStore
from storage.office.config import SqlConfigStore
from storage.office.people import SqlPeopleStore
from storage.tickets.moves import create_move_store
from tests.time_and_chance import CHANCE, REAL, build_clock
from tests.waiting_ticket import JOURNAL_KEY, create_waiting_ticket

ZONE = ZoneInfo("Asia/Shanghai")
SID, TOKEN, OLD_TOKEN, OWN = "AC" + "0" * 32, "x" * 32, "o" * 32, "+864312345678"
ADDRESS = "https://jiesu.example"
H1, H2, L1, DUTY, ASKER = "+8613800001001", "+8613800001002", "+8613800001003", "+8613800002001", "+8613900005678"
STAFF = (
    ("H1", "李明", "U01", Role.HANDLER, H1), ("H2", "王芳", "U01", Role.HANDLER, H2),
    ("L1", "赵联", "U01", Role.LIAISON, L1), ("D1", "派单", "M01", Role.DISPATCHER, DUTY),
    ("V1", "回访", "M01", Role.REVISIT_AGENT, None),
)  # fmt: skip
DISPATCHER, HANDLER, AGENT = (
    Actor("D1", Role.DISPATCHER, "M01"),
    Actor("H1", Role.HANDLER, "U01"),
    Actor("V1", Role.REVISIT_AGENT, "M01"),
)
PIN = "2580"


class Unlimited:
    """A rate limiter that never makes anybody wait."""

    async def try_acquire(self, buckets: Sequence[Bucket]) -> float:
        return 0.0


class NoLedgers:
    """Takes no drafts."""

    async def draft(self, *_: Any, **_facts: Any) -> bool:
        return False


async def offer_nothing(_ticket_id: int, _round: int) -> bool:
    """No SMS is offered."""
    return False


class World:
    """`at` is the office's time; `settle` works until nothing is due; `advance` stops at every planned instant."""

    base_url = ADDRESS

    def __init__(
        self, db: Database, simulator: Simulator, base: str, app: web.Application, limiter: RateLimiter | None = None
    ) -> None:
        self.db, self.simulator, self.base = db, simulator, base
        self.at = datetime(2026, 11, 10, 9, 0, tzinfo=ZONE)  # a Tuesday
        self.ids, self.encryption = IdSupply(db), Encryption("a secret of the tests, long enough", CHANCE)
        clock = build_clock(lambda: self.at)
        self.config = SqlConfigStore(db, self.ids)
        self.office = OfficeCache(self.config, clock, "jilin")
        self.moves = create_move_store(db)
        self.tickets = TicketService(self.moves, self.office, self.ids, JOURNAL_KEY)
        drafts = SqlChatStateStore(db)
        self.people = People(SqlPeopleStore(db, self.ids, self.encryption), drafts, self.office, CHANCE)
        self.messages, cards = SqlOutboxStore(db, self.ids), SqlCardStore(db, self.ids, self.encryption)
        catalogue = Texts("zh_CN")
        self.delivery = DeliveryWorker(
            outbox=self.messages, cards=cards, renderer=CardRenderer(self.moves, self.office, cards, catalogue, drafts),
            moves=self.moves, office=self.office, channels={}, bindings=self.people, ids=self.ids,
            texts=catalogue, owner="w1", chance=CHANCE,
        )  # fmt: skip
        self.alarms: list[str] = []  # causes that administrators were told of
        self.carrier = build_carrier(base)
        self.store = SqlCallStore(db, self.ids, self.encryption)
        self.dependencies = CallDependencies(
            store=self.store, outbox=self.messages, tickets=self.tickets, office=self.office, people=self.people,
            delivery=self.delivery, carriers=Carriers((self.carrier,), all_serve=True), rate_limiter=limiter or Unlimited(), audit=SqlAuditStore(db, self.ids),
            texts=catalogue, public_url=ADDRESS, hotline="12345", hotline_name="12345热线",
            ids=self.ids, chance=CHANCE, ledgers=NoLedgers(), wake=lambda: None,
            tell_alarm=lambda cause, **_: self.alarms.append(cause),
        )  # fmt: skip
        self.visits = AutoVisits(self.dependencies, offer_nothing, offer_nothing)
        self.calls = Calls(self.dependencies, {"visit": self.visits})
        self.deadlines = DeadlineWatch(SqlDueStore(db), self.tickets, self.office)
        self.host = CallHost(self.calls, self.carrier.name, ADDRESS)
        self.hooks = LiveHooks(self.carrier, self.host)
        add_driver_routes(app, self.carrier.name, self.hooks.list_routes(), ADDRESS)

    async def open(self) -> "World":
        structlog.configure(processors=[_drop_event])
        await self.people.save_units([
            Unit("M01", "市民热线", UnitKind.MANAGEMENT, "A市"), Unit("U01", "住建局", UnitKind.HANDLING, "A市"),
        ], "admin")  # fmt: skip
        await self.people.save_people([PersonForm(n, u, r, c, p) for c, n, u, r, p in STAFF], "admin")
        await self.people.set_pin("H1", PIN)
        return self

    async def close(self) -> None:
        await self.delivery.close()
        await self.carrier.close()
        structlog.reset_defaults()

    # -- doing

    async def bind(self, code: str) -> None:
        """Bind a person's chat; messages to it wait, since no chat network is configured."""
        person = (await self.office.snapshot()).by_code[code]
        phone = await self.people.get_phone(person.code)
        opened = await self.people.create_binding_code(code, "admin")
        await self.people.start_binding("telegram", f"u{code}", f"u{code}", opened.code)
        await self.people.confirm_binding("telegram", f"u{code}", f"u{code}", phone or "")

    async def create_ticket(self, no: str = "T1001", grade: Grade = Grade.URGENT, phone: str | None = ASKER) -> None:
        """Create a ticket that waits to be dispatched."""

        def encrypt_phone(ticket_id: int) -> dict[str, Any]:
            if phone is None:
                return {}
            return {
                "phone_sealed": self.encryption.seal("tickets", ticket_id, "phone", phone),
                "phone_index": self.encryption.blind_index(phone),
                "phone_tail": phone[-4:],
            }

        await create_waiting_ticket(
            self.moves, self.ids, self.at, no, encrypt_phone, grade=grade, has_phone=phone is not None
        )

    async def act(self, verb: str, by: Actor, no: str = "T1001", **words: object) -> None:
        await self.tickets.act(Act(verb, by, Source.API, ticket_no=no, arguments=words))

    async def dispatch_ticket(self, no: str = "T1001", grade: Grade = Grade.URGENT) -> None:
        """Create a ticket and dispatch it to the unit; nobody there has a chat, so the first handler is called."""
        await self.create_ticket(no, grade)
        await self.act("dispatch", DISPATCHER, no, unit="U01", reason="属其职责")

    async def close_ticket(self, no: str = "T1001", phone: str = ASKER) -> None:
        """Create a ticket that the unit has closed, its visit due in four hours; nobody is called about it before."""
        await self.create_ticket(no, Grade.GENERAL, phone)
        await self.act("dispatch", DISPATCHER, no, unit="U01", reason="属其职责")
        await self.act("sign", HANDLER, no)
        await self.act("close", HANDLER, no, text="已修复", feedback="满意", no_objection=True, cause="设施老化")
        await self.settle()

    async def set_setting(self, key: str, value: str) -> None:
        await self.config.add_version(SettingVersion(key, None, value, self.at - timedelta(days=1), "admin", self.at))
        self.office.invalidate()

    async def settle(self) -> None:
        """Work, and let everybody talk, until nothing is due now."""
        for _ in range(60):
            done = await self.deadlines.run_once() + await self.visits.run_once() + await self.calls.run_once()
            await self.simulator.settle()
            if not done and not await self.delivery.run_once() and not await self.calls.run_once():
                return
        raise AssertionError("there is always something left to do")

    async def advance(self, **span: float) -> None:
        """Move the clock, stopping whenever something is planned."""
        target, due = self.at + timedelta(**span), SqlDueStore(self.db)
        await self.settle()
        while (planned := await due.find_next(self.at)) is not None and planned <= target:
            self.at = planned.astimezone(ZONE)
            await self.settle()
        self.at = target
        await self.settle()

    # -- looking

    def phone(self, number: str) -> Phone:
        return self.simulator.phones.get_phone(number)

    def count_calls(self, number: str | None = None) -> int:
        """How many calls were made, to this number or to any."""
        return sum(number in (None, call.to) for call in self.simulator.phones.calls_made)

    async def load(self, no: str = "T1001") -> Snapshot:
        snap = await self.moves.load(TicketRef(ticket_no=no))
        assert snap is not None
        return snap

    async def state(self, no: str = "T1001") -> str:
        return str((await self.load(no)).ticket.state)

    async def rows(self, table: Any) -> list[Any]:
        order = table.c.id if "id" in table.c else table.primary_key.columns[0]
        return await self.db.read(lambda c: list(c.execute(select(table).order_by(order)).all()))

    async def call(self, place: int = -1) -> Any:
        return (await self.rows(t.calls))[place]

    async def attempt(self, place: int = -1) -> Any:
        return (await self.rows(t.call_attempts))[place]

    async def message(self, kind: str = "call_to_sign") -> Any:
        return next(row for row in await self.rows(t.outbox) if row.kind == kind)

    async def list_audit_events(self) -> list[str]:
        return [row.event for row in await self.rows(t.audit_log)]

    async def update_rows(self, table: Any, **values: Any) -> None:
        await self.db.write(lambda c: c.execute(update(table).values(**values)) and None)

    # -- as the carrier, or somebody who pretends to be

    async def post(
        self, path: str, fields: dict[str, str] | bytes, *, token: str = TOKEN, signature: Any = "right",
        method: str = "POST", headers: dict[str, str] | None = None, signed_url: str | None = None,
    ) -> tuple[int, str]:  # fmt: skip
        """Send a request to a webhook as the carrier does, or as somebody else would; status and text."""
        url = signed_url or f"{ADDRESS}/hooks/twilio{path}"
        sent = headers or {}
        if signature == "right":
            sent = {
                "X-Twilio-Signature": compute_signature(token, url, fields if isinstance(fields, dict) else {})
            } | sent
        elif signature is not None:
            sent = {"X-Twilio-Signature": signature} | sent
        body = urlencode(fields).encode() if isinstance(fields, dict) else fields
        sent.setdefault("Content-Type", "application/x-www-form-urlencoded; charset=UTF-8")
        async with (
            aiohttp.ClientSession() as http,
            http.request(
                method, f"{self.base}/hooks/twilio{path}", data=body if method == "POST" else None, headers=sent
            ) as answer,
        ):
            return answer.status, await answer.text()


def build_carrier(base: str, calls_per_second: str = "1000") -> TwilioCarrier:
    """A carrier that calls over the simulated network at `base`."""
    carrier = build_twilio({
        "account_sid": SID, "auth_token": TOKEN, "auth_token_old": OLD_TOKEN,
        "api_url": f"{base}/sandbox/twilio", "calls_per_second": calls_per_second,
        "from": OWN,
    })  # fmt: skip
    assert isinstance(carrier, TwilioCarrier)
    return carrier


def _drop_event(logger: Any, name: str, event: Any) -> Any:
    raise structlog.DropEvent


async def build_simulator(now: Callable[[], datetime]) -> tuple[Simulator, web.Application]:
    """The simulated networks, and an application that serves them under /sandbox/."""
    simulator = Simulator(
        now=now, **REAL, public_url=ADDRESS, chat_token="123456789:AAsandbox-token", chat_secret=None,
        twilio_sid=SID, twilio_token=TOKEN, own_number=OWN, reach_url="http://127.0.0.1:1",
    )  # fmt: skip
    main = web.Application()
    main.add_subapp("/sandbox/", simulator.build_app())
    return simulator, main
