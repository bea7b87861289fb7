"""Administrators, a chat network, two telephone carriers and a URL that remember what they were asked."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

from backend.domain.texts import Texts
from backend.operations.alarm_calls import AlarmCalls
from backend.operations.alarms import AlarmTeller
from backend.operations.contacts import Contact
from backend.ports.operations import AlarmBook, ToldAlarm
from notify.carrier import CallUrls, Menu, PlacedCall, VoiceCapabilities
from notify.channel import ChannelCapabilities, DeliveryError, EditResult, Edits
from notify.message import Card, Receipt
from notify.rate_limit import Bucket
from tests.chats import bind_to
from tests.time_and_chance import build_clock

PEOPLE = (
    Contact("A1", False, bind_to("a1", network="chat"), "+8613800000001"), Contact("A2", False, (), "+8613800000002"),
    Contact("A3", False, bind_to("a3", network="chat"), None), Contact("O1", True, bind_to("o1", network="chat"), "+8613800000009"),
)  # fmt: skip


@dataclass
class FakeChannel:
    """A chat network; the next sends fail with `failures`."""

    name: str = "chat"
    shown: dict[tuple[str, str], str] = field(default_factory=dict)  # address, message id → text
    failures: list[DeliveryError] = field(default_factory=list)
    edits: int = 0
    can: ClassVar = ChannelCapabilities(Edits(), True, True, True, True, 4096)

    async def send(self, address: str, card: Card, *, reply_to: str | None = None, again: str = "") -> Receipt:
        if self.failures:
            raise self.failures.pop(0)
        message_id = str(len(self.shown) + 1)
        self.shown[address, message_id] = card.text
        return Receipt(message_id, address)

    async def edit(self, address: str, message_id: str, card: Card) -> EditResult:
        self.edits += 1
        self.shown[address, message_id] = card.text
        return EditResult.DONE

    def texts_of(self, address: str) -> list[str]:
        return [text for (to, _), text in self.shown.items() if to == address]


@dataclass
class FakeCarrier:
    """A voice carrier; `error` is raised instead of taking a call."""

    name: str
    can: VoiceCapabilities
    number = "+861080000000"
    error: DeliveryError | None = None
    calls: list[tuple[str, str, Menu | None]] = field(default_factory=list)

    async def place(self, to: str, *, caller: str, urls: CallUrls, menu: Menu | None = None, **_: Any) -> PlacedCall:
        if self.error is not None:
            raise self.error
        self.calls.append((to, urls.answer, menu))
        return PlacedCall(f"call-{len(self.calls)}")

    def buckets(self, caller: str) -> tuple[Bucket, ...]:
        return (Bucket("x", 1000, 1),)


class DeadBook:
    """A database that is away, or hangs, until it is back."""

    def __init__(self, *, hangs: bool = False) -> None:
        self.hangs = hangs
        self.back: AlarmBook | None = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self.back, name) if self.back is not None else self._fail

    async def _fail(self, *_: Any, **__: Any) -> Any:
        await asyncio.sleep(3600 if self.hangs else 0)
        raise OSError("database disk image is malformed")


class EmptyBook(DeadBook):
    """One that tells nothing and takes nothing: what was told is known to its process alone."""

    async def list_told(self) -> Sequence[ToldAlarm]:
        return []


class Told:
    """One installation's administrators; each process has a teller of its own. `at` is real time."""

    def __init__(self, book: AlarmBook, people: Sequence[Contact] = PEOPLE) -> None:
        self.book = book
        self.at = datetime(2026, 11, 10, 1, 0, tzinfo=UTC)
        self.people = people
        self.chat = FakeChannel()
        self.channels = {"chat": self.chat}
        live = VoiceCapabilities(live=True, speech=True, record=True, bridge=True, detect_machine=True)
        menus = VoiceCapabilities(live=False, speech=False, record=False, bridge=False, detect_machine=False)
        self.carriers = [FakeCarrier("first", live), FakeCarrier("second", menus)]
        self.posted: list[Mapping[str, Any]] = []
        self.alarms = self.start_process()

    def start_process(self) -> AlarmTeller:
        """Another process of the same installation, or this one after a restart."""
        calls = AlarmCalls(self.carriers, lambda c: f"https://x/hooks/{c.name}", Texts("zh_CN"), "热线")

        async def post(document: Mapping[str, Any]) -> None:
            self.posted.append(document)

        clock = build_clock(lambda: self.at, lambda: self.at.timestamp())  # noqa: PLW0108 - moved
        return AlarmTeller(
            self.book,
            self,
            self.channels,
            calls,
            post,
            Texts("zh_CN"),
            clock,
            0.05 if isinstance(self.book, DeadBook) else 2.0,
        )  # type: ignore[arg-type, dict-item]

    async def refresh(self) -> None:
        """As `AlarmContacts`."""

    def list_contacts(self, *, auditors: bool) -> Sequence[Contact]:
        """As `AlarmContacts`."""
        return [one for one in self.people if auditors or not one.is_auditor]

    def name_person(self, code: str) -> str:
        """As `AlarmContacts`."""
        return {"H1": "李明"}.get(code, code)

    @property
    def rung(self) -> list[str]:
        """Whose telephone rang, by any carrier."""
        return [to for carrier in self.carriers for to, _, _ in carrier.calls]

    def pass_time(self, minutes: float) -> None:
        self.at += timedelta(minutes=minutes)
