"""Services available to the web and chat layers."""

from collections.abc import Awaitable, Callable, Mapping, MutableMapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from backend.calls.service import Calls
from backend.deadlines.recompute import DutyRecompute
from backend.domain.addresses import Addresses
from backend.domain.chance import Chance
from backend.domain.refusals import Refused
from backend.domain.texts import Texts
from backend.importing.service import ImportService
from backend.integrity.checks import IntegrityChecks
from backend.office.cache import OfficeCache
from backend.office.clock import Clock
from backend.office.duty_roster import DutyRoster
from backend.office.people import People
from backend.office.readiness import UnitReadiness
from backend.operations.gate import VersionGate
from backend.operations.health import Health
from backend.operations.hold import Holds
from backend.platform.service import PlatformSync
from backend.ports.alarms import TellAlarm, tell_nobody
from backend.ports.api_keys import KeyStore
from backend.ports.audit import AuditStore
from backend.ports.idempotency import IdempotencyStore
from backend.ports.ticket_queries import QueryStore
from backend.reporting import Reporting
from backend.reporting.indicators import Indicators
from backend.scoring import Scoring
from backend.tickets.files import TicketFiles
from backend.tickets.intake import Intake
from backend.tickets.service import TicketService
from backend.triage import Similarity
from backend.triage.dispatching import DispatchSuggestions
from backend.triage.governance_projects import Governance
from backend.triage.hot import HotListBuilder
from backend.visits.service import VisitService


class InboxReceiver(Protocol):
    """Stores incoming chat events before they are answered; implemented in bot."""

    async def receive(self, source: str, body: bytes) -> bool:
        """Store one incoming event; an unreadable one is stored as unreadable."""
        ...


class MovableClock(Protocol):
    """A clock that can be moved; implemented in backend/rehearsal/clock.py."""

    async def advance(self, span: str, *, until_ring: bool = False) -> object:
        """Move by a span such as `2h30m`, or to where a telephone rings before; return when the workers that became due have run. Refused `bad_limit`."""
        ...


@dataclass
class Services:
    """All services an adapter may use. None: this process has no chat network, no carrier, or is no rehearsal."""

    clock: Clock
    chance: Chance
    office: OfficeCache
    tickets: TicketService
    queries: QueryStore
    keys: KeyStore
    files: TicketFiles
    audit: AuditStore
    idempotency: IdempotencyStore
    texts: Texts
    intake: Intake
    people: People
    imports: ImportService
    scoring: Scoring
    reporting: Reporting
    indicators: Indicators
    platform: PlatformSync
    readiness: UnitReadiness
    duty_roster: DutyRoster
    deadlines: DutyRecompute
    similarity: Similarity
    hot_topics: HotListBuilder
    dispatch_suggestions: DispatchSuggestions
    governance: Governance
    visits: VisitService
    integrity: IntegrityChecks
    holds: Holds
    health: Health
    gate: VersionGate
    list_conditions: Callable[[], Sequence[str]] = tuple  # what is wrong with the storage and the scanner, in codes
    calls: Calls | None = None
    inbox: InboxReceiver | None = None
    sandbox_clock: MovableClock | None = None
    addresses: Addresses = field(default_factory=lambda: Addresses("http://127.0.0.1:8080"))
    sandbox: bool = False
    telegram_secret: str = ""
    process_token: str = ""  # of this process, for commands on this machine (XR12)
    #: worker name → `clock.monotonic` seconds of its last completed run
    heartbeats: MutableMapping[str, float] = field(default_factory=dict)
    #: provider name → its status, queried for `/readyz`
    providers: Callable[[], Awaitable[Mapping[str, str]]] | None = None
    started_at: datetime | None = None
    tell_alarm: TellAlarm = tell_nobody

    def require_calls(self) -> Calls:
        """Return the call service. Refused `unavailable` without a carrier."""
        if self.calls is None:
            raise Refused("unavailable")
        return self.calls
