"""Dependencies of the call services: the carrier, stores, other services, and the clock."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Protocol

from backend.calls.carriers import Carriers
from backend.delivery.worker import DeliveryWorker
from backend.domain.chance import Chance
from backend.domain.texts import Texts
from backend.office.cache import OfficeCache, OfficeSnapshot
from backend.office.clock import Clock
from backend.office.people import People
from backend.ports.calls import Call, CallStore, LiveCall
from backend.ports.ids import IdSupply
from backend.ports.integrity import AuditStore
from backend.ports.operations import TellAlarm
from backend.ports.outbox import OutboxStore
from backend.scoring.ledgers import Ledgers
from backend.tickets.service import TicketService
from notify.carrier import VoiceCarrier
from notify.rate_limit import RateLimiter

#: How long an attempt may be silent before the carrier is asked: before it is confirmed as placed, and after.
UNCONFIRMED_TIMEOUT, SILENCE_TIMEOUT = timedelta(seconds=90), timedelta(minutes=15)


class CallPurpose(Protocol):
    """What the telephone asks of the feature a call is for: visits (backend/visits/automatic.py), bridges."""

    async def earliest_call(self, call: Call, number: str, now: datetime, snapshot: OfficeSnapshot) -> datetime | None:
        """Return when this call may ring: now, later, or None if it was settled otherwise (FW32)."""
        ...

    async def judge(self, talk: LiveCall, outcome: str, error: str = "") -> None:
        """Apply the consequences of an ended attempt, then store it."""
        ...

    async def conclude_unreachable(self, call: Call, why: str) -> None:
        """Settle what the call was for: it cannot be placed at all."""
        ...


@dataclass
class CallDependencies:
    """`public_url` is our base URL for callbacks, without a trailing slash.

    `in_use` is the carrier of the call in hand; None: of no call in particular, so the preferred one. `wake` is called when work was created outside a worker's run; `ledgers` take
    drafts of 联系不上 (B46).
    """

    store: CallStore
    outbox: OutboxStore
    tickets: TicketService
    office: OfficeCache
    people: People
    delivery: DeliveryWorker
    carriers: Carriers
    rate_limiter: RateLimiter
    audit: AuditStore
    texts: Texts
    public_url: str
    hotline: str
    hotline_name: str
    ids: IdSupply
    chance: Chance
    ledgers: Ledgers
    wake: Callable[[], None]
    tell_alarm: TellAlarm
    in_use: VoiceCarrier | None = None

    @property
    def carrier(self) -> VoiceCarrier:
        """The carrier. Refused `no_carrier` without one."""
        return self.in_use or self.carriers.get("")

    def use(self, carrier: VoiceCarrier) -> "CallDependencies":
        """Return the same for the calls of one carrier."""
        return replace(self, in_use=carrier)

    @property
    def own_number(self) -> str:
        """The number that calls come from, E.164."""
        return self.carrier.number

    @property
    def clock(self) -> Clock:
        """The office's clock."""
        return self.office.clock

    def now(self) -> datetime:
        """Return the office's current time."""
        return self.clock.now()

    @property
    def hooks_url(self) -> str:
        """Base URL of the carrier's callbacks."""
        return f"{self.public_url.rstrip('/')}/hooks/{self.carrier.name}"

    @property
    def language(self) -> str:
        """The spoken language, as carriers write it."""
        return "zh-CN" if self.texts.language.startswith("zh") else "en-US"
