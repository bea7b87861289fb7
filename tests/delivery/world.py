"""An office around the delivery worker: services, people with chats, a clock that tests move, a network that remembers."""

import asyncio
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import insert, select, update

from backend.delivery.cards import CardRenderer
from backend.delivery.worker import DeliveryWorker
from backend.domain.acts import Act, Actor, Snapshot
from backend.domain.chance import Chance
from backend.domain.records import Message, Unit
from backend.domain.texts import Texts
from backend.domain.ticket_enums import Grade, Role, Source, UnitKind
from backend.office.cache import OfficeCache
from backend.ports.office import SettingVersion
from backend.ports.outbox import MessageDelivery
from backend.ports.tickets import TicketRef
from backend.tickets.service import TicketService
from notify.channel import ChannelCapabilities, DeliveryError, EditResult, Edits
from notify.message import Card, Receipt
from notify.rate_limit import Bucket
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
from tests.time_and_chance import CHANCE, ZONE, build_clock
from tests.waiting_ticket import JOURNAL_KEY, create_waiting_ticket

DISPATCHER = Actor("D1", Role.DISPATCHER, "M01")
REVIEWER = Actor("R1", Role.REVIEWER, "M01")
SUPERVISOR = Actor("S1", Role.SUPERVISOR, "M01")
HANDLER = Actor("H1", Role.HANDLER, "U01")
ENCRYPTION = Encryption("a secret of at least sixteen", CHANCE)
#: code, unit, role, whether their chat is bound
STAFF = (
    ("D1", "M01", "dispatcher", True), ("R1", "M01", "reviewer", True), ("S1", "M01", "supervisor", True),
    ("H1", "U01", "handler", True), ("H2", "U01", "handler", True), ("L1", "U01", "liaison", True),
    ("G1", "U01", "leader", False), ("H9", "U02", "handler", True),
)  # fmt: skip


@dataclass
class SentMessage:
    """A message as the network has it; `data` is what each button carries, by its label."""

    address: str
    text: str
    buttons: list[str]
    message_id: str
    data: dict[str, str]


class FakeChannel:
    """A chat network that remembers every message, fails as planned, and complains of what cannot be."""

    name = "telegram"
    can = ChannelCapabilities(Edits(), True, True, True, True, 4096)

    def __init__(self, buckets: Callable[[str], tuple[Bucket, ...]] = lambda _: ()) -> None:
        self.sent: list[SentMessage] = []
        self.edits: list[SentMessage] = []
        self.planned: dict[str, list[DeliveryError | EditResult | None]] = {}
        self.requested: list[str] = []  # addresses of all requests to send, failed ones too
        self.complaints: list[str] = []
        self.before: Callable[[str], Any] = lambda _: None  # called, and awaited, before a message is sent
        self.buckets = buckets

    def plan(self, address: str, *outcomes: DeliveryError | EditResult | None) -> None:
        """Plan how the next requests to an address end; None is success."""
        self.planned.setdefault(address, []).extend(outcomes)

    async def send(self, address: str, card: Card, *, reply_to: str | None = None, again: str = "") -> Receipt:
        self.requested.append(address)
        self._check_length(card)
        await asyncio.sleep(0)
        result = self.before(address)
        if asyncio.iscoroutine(result):
            await result
        self._end_as_planned(address)
        sent = _build_sent(address, str(1000 + len(self.sent)), again + card.text, card)
        self.sent.append(sent)
        return Receipt(sent.message_id, address, datetime.now(UTC))

    async def edit(self, address: str, message_id: str, card: Card) -> EditResult:
        self._check_length(card)
        if self._end_as_planned(address) is EditResult.GONE:
            return EditResult.GONE
        if (address, message_id) not in {(sent.address, sent.message_id) for sent in self.sent}:
            self.complaints.append(f"edit of a message never sent: {address} {message_id}")
        self.edits.append(_build_sent(address, message_id, card.text, card))
        return EditResult.DONE

    async def fetch(self, file_ref: str, limit: int) -> bytes:
        raise AssertionError("the delivery worker fetches no file")

    async def close(self) -> None:
        return None

    def list_sent(self, address: str) -> list[SentMessage]:
        """The messages one chat received."""
        return [sent for sent in self.sent if sent.address == address]

    def _end_as_planned(self, address: str) -> object:
        planned = self.planned.get(address)
        outcome = planned.pop(0) if planned else None
        if isinstance(outcome, DeliveryError):
            raise outcome
        return outcome

    def _check_length(self, card: Card) -> None:
        if not card.text.strip() or len(card.text) > 900:
            self.complaints.append(f"a card of {len(card.text)} characters")


def _build_sent(address: str, message_id: str, text: str, card: Card) -> SentMessage:
    buttons = [button for row in card.buttons for button in row]
    return SentMessage(address, text, [b.label for b in buttons], message_id, {b.label: b.data for b in buttons})


class World:
    """Everything around one delivery worker or several; `at` is the office's time, `real` the machine's (epoch seconds)."""

    def __init__(self, db: Database, channel: FakeChannel | None = None) -> None:
        self.at = datetime(2026, 11, 10, 9, 30, tzinfo=ZONE)
        self.real = 1_800_000_000.0
        self.in_real_time = False  # True where rate limits are measured: `real` is then the machine's own clock
        self.db = db
        self.ids = IdSupply(db)
        self.config = SqlConfigStore(db, self.ids)
        self.moves = create_move_store(db)
        self._began = time.monotonic()
        db.lease_clock = LeaseClock(lambda: time.monotonic() if self.in_real_time else self.real)
        self.office = OfficeCache(self.config, build_clock(lambda: self.at, time.time, self.monotonic), "jilin")
        self.tickets = TicketService(self.moves, self.office, self.ids, JOURNAL_KEY)
        self.outbox = SqlOutboxStore(db, self.ids)
        self.cards = SqlCardStore(db, self.ids, ENCRYPTION)
        self.channel = channel or FakeChannel()
        self.texts = Texts("zh_CN")
        self.renderer = CardRenderer(self.moves, self.office, self.cards, self.texts, SqlChatStateStore(db))
        self.dropped_bindings: list[tuple[str, str, str]] = []  # person, channel, reason
        self.other_channels: dict[str, FakeChannel] = {}
        self.worker = self.build_worker()

    def monotonic(self) -> float:
        """Seconds as the worker's process counts them: they pass by themselves, and with `pass_time`."""
        return self.real + time.monotonic() - self._began

    def build_worker(self, owner: str = "w1", **arguments: Any) -> DeliveryWorker:
        """A delivery worker on the same database."""
        channel = arguments.pop("channel", self.channel)
        return DeliveryWorker(
            outbox=arguments.pop("outbox", self.outbox), cards=self.cards,
            renderer=arguments.pop("renderer", self.renderer), moves=self.moves, office=self.office,
            channels={"telegram": channel, **self.other_channels}, bindings=self, ids=self.ids, texts=self.texts, owner=owner,
            chance=Chance(bytes), **arguments,  # `bytes`: zeros, no jitter
        )  # fmt: skip

    async def drop_binding(self, person: str, channel: str, reason: str) -> None:
        """What `People` does when a chat is lost."""
        self.dropped_bindings.append((person, channel, reason))
        b = t.bindings.c

        def end_binding(c: Any) -> None:
            c.execute(
                update(t.bindings)
                .where(b.person == person, b.channel == channel, b.state == "live")
                .values(state="dead")
            )
            bump_epoch(c)

        await self.db.write(end_binding)

    async def open(self, staff: Iterable[tuple[str, str, str, bool]] = STAFF) -> "World":
        await self.config.save_units([
            Unit("M01", "市热线", UnitKind.MANAGEMENT, "A市"), Unit("U01", "住建局", UnitKind.HANDLING, "A市"),
            Unit("U02", "交通局", UnitKind.HANDLING, "A市"),
        ], "admin", self.at)  # fmt: skip

        def add_staff(c: Any) -> None:
            for number, (code, unit, role, bound) in enumerate(staff):
                c.execute(insert(t.people).values(
                    code=code, name=f"{code}某", unit=unit, role=role, phone_sealed=b"x", active=True, contact_order=number,
                    key_authorised=False, pin_failures=0))  # fmt: skip
                if bound:
                    c.execute(insert(t.bindings).values(
                        id=900_000 + number, person=code, channel="telegram", address=f"chat-{code}",
                        user_id=code, state="live", how="code", bound_at=0))  # fmt: skip
            bump_epoch(c)

        await self.db.write(add_staff)
        await self.ids.refill()
        return self

    async def set_setting(self, key: str, value: str) -> None:
        await self.config.add_version(SettingVersion(key, None, value, self.at, "A1", self.at))
        self.office.invalidate()

    # -- tickets

    async def create_ticket(self, no: str = "T1", grade: Grade = Grade.GENERAL, **fields: Any) -> None:
        """Create a ticket that waits to be dispatched."""
        await create_waiting_ticket(
            self.moves, self.ids, self.at, no, grade=grade,
            columns=lambda ticket_id: {"name_sealed": ENCRYPTION.seal("tickets", ticket_id, "name", "欧阳小明")},
            **{"text": "我叫王小明，电话13800001234，人民大街5号楼路灯不亮", "place": "人民大街"} | fields,
        )  # fmt: skip

    async def act(self, verb: str, by: Actor, no: str = "T1", **arguments: object) -> None:
        await self.tickets.act(Act(verb, by, Source.API, ticket_no=no, arguments=arguments))

    async def dispatch_ticket(
        self, no: str = "T1", grade: Grade = Grade.GENERAL, *, unit: str = "U01", **fields: Any
    ) -> int:
        """Create a ticket and dispatch it to a unit; the id of its assignment."""
        await self.create_ticket(no, grade, **fields)
        await self.act("dispatch", DISPATCHER, no, unit=unit)
        snap = await self.load(no)
        assert snap.lead is not None
        return snap.lead.id

    async def load(self, no: str = "T1") -> Snapshot:
        snap = await self.moves.load(TicketRef(ticket_no=no))
        assert snap is not None
        return snap

    # -- messages

    async def add_message(
        self, kind: str, person: str, no: str = "T1", channel: str = "telegram", **fields: Any
    ) -> Message:
        """Put a message about a ticket's assignment into the outbox, due now; `fields` replace its other fields."""
        snap = await self.load(no)
        await self.ids.refill(1)
        message = Message(**{
            "id": self.ids.take(), "kind": kind, "channel": channel, "person": person, "ticket_id": snap.ticket.id,
            "assignment_id": snap.lead.id if snap.lead else None, "ticket_version": snap.ticket.version, "urgent": True,
            "created_at": self.at, "not_before": self.at,
        } | fields)  # fmt: skip
        await self.outbox.add([message])
        return message

    async def list_deliveries(self, no: str = "T1", channel: str | None = None) -> list[MessageDelivery]:
        """A ticket's messages, of one channel or of all."""
        found = await self.outbox.list_by_ticket((await self.load(no)).ticket.id)
        return [d for d in found if channel in (None, d.message.channel)]

    async def list_states(self, no: str = "T1") -> dict[tuple[str, str], list[str]]:
        """(kind, person) → states of such messages about a ticket."""
        found: dict[tuple[str, str], list[str]] = {}
        for d in await self.list_deliveries(no):
            found.setdefault((d.message.kind, d.message.person), []).append(d.message.state)
        return found

    async def list_audit_events(self) -> list[str]:
        return await self.db.read(
            lambda c: [r.event for r in c.execute(select(t.audit_log).order_by(t.audit_log.c.id))]
        )

    def pass_time(self, **span: float) -> None:
        """Move both clocks: the office's and the machine's."""
        self.at += timedelta(**span)
        self.real += timedelta(**span).total_seconds()
