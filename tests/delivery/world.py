"""A small house around the courier: a desk, people with chats, a clock, and a network that remembers and complains."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import insert, select, update

from backend.delivery.cards import CardRenderer as Drawing
from backend.delivery.worker import DeliveryWorker
from backend.domain.acts import Act, Actor
from backend.domain.chance import Chance
from backend.domain.flow import build_entry
from backend.domain.records import Ticket, Unit
from backend.domain.texts import Texts
from backend.domain.ticket import Category, Grade, Role, Source, State, UnitKind
from backend.office.cache import OfficeCache
from backend.ports.moves import NewTicket, TicketRef
from backend.ports.outbox import MessageDelivery
from backend.tickets.service import TicketService
from notify.channel import ChannelCapabilities, DeliveryError, EditResult
from notify.message import Card, Receipt
from notify.rate_limit import Bucket, RateLimiter
from storage import tables as t
from storage.delivery.cards import SqlCardStore
from storage.delivery.chat_state import SqlChatStateStore
from storage.delivery.outbox import SqlOutboxStore
from storage.engine.database import Database
from storage.engine.encryption import Encryption
from storage.engine.ids import IdSupply
from storage.engine.lease_clock import LeaseClock
from storage.office.config import SqlConfigStore, bump_epoch
from storage.tickets.moves import create_move_store
from tests.time_and_chance import CHANCE, build_clock

ZONE = ZoneInfo("Asia/Shanghai")
KEY = b"k" * 32
DISPATCHER = Actor("D1", Role.DISPATCHER, "M01")
REVIEWER = Actor("R1", Role.REVIEWER, "M01")
SUPERVISOR = Actor("S1", Role.SUPERVISOR, "M01")
HANDLER = Actor("H1", Role.HANDLER, "U01")
VAULT = Encryption("a secret of at least sixteen", CHANCE)
PEOPLE = (
    ("D1", "M01", "dispatcher", True), ("R1", "M01", "reviewer", True), ("S1", "M01", "supervisor", True),
    ("H1", "U01", "handler", True), ("H2", "U01", "handler", True), ("L1", "U01", "liaison", True),
    ("G1", "U01", "leader", False), ("H9", "U02", "handler", True),
)  # fmt: skip


@dataclass
class Sent:
    """What arrived at the network."""

    base_url: str
    text: str
    buttons: list[str]
    message_id: str
    data: dict[str, str] = field(default_factory=dict)


class FakeChannel:
    """A chat network: remembers every message, fails as planned, complains of what cannot be."""

    name = "telegram"
    can = ChannelCapabilities(True, True, True, True, True, 4096)

    def __init__(self, buckets: Callable[[str], tuple[Bucket, ...]] = lambda _: ()) -> None:
        self.sent: list[Sent] = []
        self.edits: list[Sent] = []
        self.shown: dict[tuple[str, str], Sent] = {}
        self.planned: dict[str, list[DeliveryError | EditResult | None]] = {}
        self.asked: list[str] = []
        self.complaints: list[str] = []
        self.delay = 0.0
        self.before: Callable[[str], Any] = lambda _: None
        self.buckets = buckets

    def plan(self, address: str, *outcomes: DeliveryError | EditResult | None) -> None:
        """How the next requests to an address end; None = well."""
        self.planned.setdefault(address, []).extend(outcomes)

    async def send(self, address: str, card: Card, *, reply_to: str | None = None, again: str = "") -> Receipt:
        self.asked.append(address)
        self._look(card)
        await asyncio.sleep(self.delay)
        result = self.before(address)
        if asyncio.iscoroutine(result):
            await result
        self._fail(address)
        sent = Sent(address, again + card.text, [b.label for r in card.buttons for b in r],
                    str(1000 + len(self.sent)), {b.label: b.data for r in card.buttons for b in r})  # fmt: skip
        self.sent.append(sent)
        self.shown[address, sent.message_id] = sent
        return Receipt(sent.message_id, address, datetime.now(UTC))

    async def edit(self, address: str, message_id: str, card: Card) -> EditResult:
        self._look(card)
        if self._fail(address) is EditResult.GONE:
            return EditResult.GONE
        if (address, message_id) not in self.shown:
            self.complaints.append(f"edit of a message never sent: {address} {message_id}")
        now = Sent(address, card.text, [b.label for r in card.buttons for b in r], message_id,
                   {b.label: b.data for r in card.buttons for b in r})  # fmt: skip
        self.edits.append(now)
        self.shown[address, message_id] = now
        return EditResult.DONE

    async def fetch(self, file_ref: str, limit: int) -> bytes:
        raise AssertionError("nobody fetches here")

    async def close(self) -> None:
        return None

    def to(self, address: str) -> list[Sent]:
        """What one chat received."""
        return [s for s in self.sent if s.base_url == address]

    def _fail(self, address: str) -> object:
        left = self.planned.get(address)
        outcome = left.pop(0) if left else None
        if isinstance(outcome, DeliveryError):
            raise outcome
        return outcome

    def _look(self, card: Card) -> None:
        if not card.text.strip() or len(card.text) > 900:
            self.complaints.append(f"a card of {len(card.text)} characters")


class House:
    """Everything around one courier (or several)."""

    def __init__(self, db: Database, channel: FakeChannel | None = None) -> None:
        self.at = datetime(2026, 11, 10, 9, 30, tzinfo=ZONE)
        self.real = 1_800_000_000.0
        self.in_real_time = False  # True where the pace is measured
        self.db = db
        self.ids = IdSupply(db)
        self.config = SqlConfigStore(db, self.ids)
        self.moves = create_move_store(db)
        self._began = time.monotonic()
        db.lease_clock = LeaseClock(lambda: time.monotonic() if self.in_real_time else self.real)
        self.office = OfficeCache(self.config, build_clock(lambda: self.at, time.time, self.monotonic), "jilin")
        self.desk = TicketService(self.moves, self.office, self.ids, KEY)
        self.messages = SqlOutboxStore(db, self.ids)
        self.cards = SqlCardStore(db, self.ids, VAULT)
        self.channel = channel or FakeChannel()
        self.catalogue = Texts("zh_CN")
        self.drawing = Drawing(self.moves, self.office, self.cards, self.catalogue, SqlChatStateStore(db))
        self.lost: list[tuple[str, str, str]] = []
        self.courier = self.new_courier()

    def monotonic(self) -> float:
        """Seconds as the courier's process counts them: they pass by themselves, and with `later`."""
        return self.real + time.monotonic() - self._began

    def new_courier(self, owner: str = "w1", **more: Any) -> DeliveryWorker:
        limiter: RateLimiter | None = more.pop("pacer", None)
        channel = more.pop("channel", self.channel)
        return DeliveryWorker(
            outbox=more.pop("outbox", self.messages), cards=self.cards, renderer=more.pop("renderer", self.drawing), moves=self.moves, office=self.office,
            channels={"telegram": channel}, bindings=self, ids=self.ids, texts=self.catalogue, owner=owner,
            rate_limiter=limiter, chance=Chance(bytes), **more,  # `bytes`: zeros, no jitter
        )  # fmt: skip

    async def drop_binding(self, person: str, channel: str, reason: str) -> None:
        """The registry's part."""
        self.lost.append((person, channel, reason))
        b = t.bindings.c

        def work(c: Any) -> None:
            c.execute(update(t.bindings).where(b.person == person, b.state == "live").values(state="dead"))
            bump_epoch(c)

        await self.db.write(work)

    async def open(self, people: tuple[tuple[str, str, str, bool], ...] = PEOPLE, chats: bool = True) -> "House":
        await self.config.save_units([
            Unit("M01", "市热线", UnitKind.MANAGEMENT, "A市"), Unit("U01", "住建局", UnitKind.HANDLING, "A市"),
            Unit("U02", "交通局", UnitKind.HANDLING, "A市"),
        ])  # fmt: skip

        def staff(c: Any) -> None:
            for number, (code, unit, role, bound) in enumerate(people):
                c.execute(insert(t.people).values(
                    code=code, name=f"{code}某", unit=unit, role=role, phone_sealed=b"x", active=True, rank=number,
                    key_authorised=False, pin_failures=0))  # fmt: skip
                if bound and chats:
                    c.execute(insert(t.bindings).values(
                        id=900_000 + number, person=code, channel="telegram", address=f"chat-{code}",
                        user_id=code, state="live", bound_at=0))  # fmt: skip
            bump_epoch(c)

        await self.db.write(staff)
        await self.ids.refill()
        return self

    async def ticket(self, no: str = "T1", grade: Grade = Grade.GENERAL, **more: Any) -> None:
        now = self.at.astimezone(UTC)
        ticket_id = self.ids.take()
        line = build_entry(KEY, prev_hash="", entry_id=self.ids.take(), ticket_id=ticket_id, version=1, assignment_id=None,
                     verb="create", from_state="", to_state="pending_dispatch", by="D1", source=Source.API, at=now,
                     recorded_at=now, words={})  # fmt: skip
        text = more.pop("text", "我叫王小明，电话13800001234，人民大街5号楼路灯不亮")
        ticket = Ticket(ticket_id, no, 1, line.hash, State.PENDING_DISPATCH, Category.HELP, grade, "phone", "A市",
                        "M01", "M01", now, text=text, place="人民大街", has_phone=True, **more)  # fmt: skip
        sealed = {"name_sealed": VAULT.seal("tickets", ticket_id, "name", "欧阳小明")}
        assert await self.moves.create([NewTicket(ticket, line, columns=sealed)]) == [True]

    async def act(self, verb: str, by: Actor, no: str = "T1", **words: object) -> None:
        await self.desk.act(Act(verb, by, Source.API, ticket_no=no, arguments=words))

    async def dispatched(self, no: str = "T1", grade: Grade = Grade.GENERAL, unit: str = "U01", **more: Any) -> int:
        """A ticket in a unit's hands; the id of its assignment."""
        await self.ticket(no, grade, **more)
        await self.act("dispatch", DISPATCHER, no, unit=unit)
        snap = await self.moves.load(TicketRef(no=no))
        assert snap is not None and snap.lead is not None
        return snap.lead.id

    async def deliveries(self, no: str = "T1") -> list[MessageDelivery]:
        snap = await self.moves.load(TicketRef(no=no))
        assert snap is not None
        return await self.messages.list_by_ticket(snap.ticket.id)

    async def states(self, no: str = "T1") -> dict[tuple[str, str], list[str]]:
        """(kind, person) → states of such letters."""
        found: dict[tuple[str, str], list[str]] = {}
        for d in await self.deliveries(no):
            found.setdefault((d.message.kind, d.message.person), []).append(d.message.state)
        return found

    async def audit(self) -> list[str]:
        return await self.db.read(lambda c: [r.what for r in c.execute(select(t.audit).order_by(t.audit.c.id))])

    async def silence(self, letter_id: int) -> None:
        """Make a letter look as if its holder had died while it was asked for."""
        query = update(t.letters).where(t.letters.c.id == letter_id)
        until = int((self.real - 1) * 1_000_000)
        await self.db.write(lambda c: c.execute(
            query.values(state="sending", owner="dead", attempts=t.letters.c.attempts + 1, lease_until=until, asked_at=1, asks=1)) and None)  # fmt: skip

    def later(self, **span: float) -> None:
        """Time passes, for the office and in truth."""
        self.at += timedelta(**span)
        self.real += timedelta(**span).total_seconds()
