"""Services available to the web and chat layers."""

from collections.abc import Awaitable, Callable, Mapping, MutableMapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol

from backend.deadlines.recompute import DutyRecompute
from backend.delivery.sms import SmsWorker
from backend.domain.acts import Actor
from backend.domain.chance import Chance
from backend.domain.texts import Texts
from backend.office.cache import OfficeCache
from backend.office.clock import Clock
from backend.office.duty_roster import DutyRoster
from backend.office.readiness import UnitReadiness
from backend.platform.service import PlatformSync
from backend.ports.audit import AuditStore
from backend.ports.idempotency import IdempotencyStore
from backend.ports.integrity import Finding
from backend.ports.keys import KeyStore
from backend.ports.ticket_queries import QueryStore
from backend.reporting import Reporting
from backend.reporting.indicators import Indicators
from backend.tickets.files import TicketFiles
from backend.tickets.service import TicketService
from backend.visits.service import VisitService

if TYPE_CHECKING:
    from backend.calls.service import Calls
    from backend.delivery.worker import DeliveryWorker
    from backend.triage import Similarity
    from backend.triage.dispatching import DispatchSuggestions
    from backend.triage.governance import Governance
    from backend.triage.hot import HotListBuilder
    from backend.visits.automatic import AutoVisits


class IntakeService(Protocol):
    """Creates tickets from demands; implemented in backend/tickets/intake.py."""

    async def receive(self, form: Any, by: Actor, source: Any) -> str:
        """Create a ticket and return its number. Refused `exists`, `bad_field` …"""
        ...


class PeopleService(Protocol):
    """Stores people, units and bindings; implemented in backend/office/people.py."""

    async def save_people(self, people: Sequence[Any], by: str) -> list[bool]:
        """Save people; True for each that was new or changed."""
        ...

    async def save_units(self, units: Sequence[Any], by: str) -> list[bool]:
        """Save units; True for each that was new or changed."""
        ...

    async def create_binding_code(self, person: str, by: str) -> Any:
        """Create a binding code; the result has `code`, `link` and `expires_at`."""
        ...


class InboxReceiver(Protocol):
    """Stores incoming chat events before they are answered; implemented in bot."""

    async def receive(self, source: str, body: bytes) -> bool:
        """Store one incoming event; an unreadable one is stored as unreadable."""
        ...


class FileImportService(Protocol):
    """Imports the rows of a file as tickets, people …; implemented in backend/importing/service.py."""

    async def import_file(
        self, kind: str, name: str, content: bytes, by: Actor, *, dry_run: bool, preset: Mapping[str, str]
    ) -> Mapping[str, Any]:
        """Import a file and return the report of contract §3: read, imported, already, refused."""
        ...


class ScoringService(Protocol):
    """Score sheets, runs and ledgers, as mappings; implemented in backend/scoring.py."""

    async def get_scores(self, *, month: str, scheme: str | None, unit: str | None, actor: Actor) -> Mapping[str, Any]:
        """Return the score sheets of a month."""
        ...

    async def start_run(
        self, period: str, scheme: str | None, actor: Actor, *, settings: Mapping[str, str] | None = ...,
        current_rules: bool = ...,
    ) -> Mapping[str, Any]:  # fmt: skip
        """Compute and store a run, with changed settings only for comparison."""
        ...

    async def lock_run(self, run_id: int, actor: Actor, *, force: bool = ..., reason: str = ...) -> Mapping[str, Any]:
        """Lock a run (定稿)."""
        ...

    async def submit_contest(self, run_id: int, arguments: Mapping[str, Any], actor: Actor) -> Mapping[str, Any]:
        """Contest a line of a run (异议)."""
        ...

    async def enter_ledger(self, entry: Mapping[str, Any], actor: Actor) -> Mapping[str, Any]:
        """Enter a ledger row; it counts after a second person's review."""
        ...

    async def review_ledger(self, entry_id: int, accept: bool, actor: Actor) -> Mapping[str, Any]:
        """Accept or reject a ledger row as the second person."""
        ...


class IntegrityService(Protocol):
    """Finds what should have happened and did not; implemented in backend/integrity/checks.py."""

    async def run_once(self) -> int:
        """Run all checks once; return how much was found or repaired."""
        ...

    async def list_findings(self) -> Sequence[Finding]:
        """Return the open findings."""
        ...


class MovableClock(Protocol):
    """A clock that can be moved; implemented in backend/rehearsal/clock.py."""

    async def advance(self, span: str) -> Any:
        """Move by a span such as `2h30m`; return when the workers that became due have run. Refused `bad_limit`."""
        ...


@dataclass
class Services:
    """All services an adapter may use. None: not available in this process."""

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
    public_url: str = "http://127.0.0.1:8080"
    sandbox: bool = False
    telegram_secret: str = ""
    intake: IntakeService | None = None
    people: PeopleService | None = None
    inbox: InboxReceiver | None = None
    imports: FileImportService | None = None
    scoring: ScoringService | None = None
    reporting: Reporting | None = None
    sandbox_clock: MovableClock | None = None
    platform: PlatformSync | None = None
    readiness: UnitReadiness | None = None
    indicators: Indicators | None = None
    duty_roster: DutyRoster | None = None
    deadlines: DutyRecompute | None = None
    similarity: "Similarity | None" = None
    hot_topics: "HotListBuilder | None" = None
    dispatch_suggestions: "DispatchSuggestions | None" = None
    governance: "Governance | None" = None
    delivery: "DeliveryWorker | None" = None
    calls: "Calls | None" = None
    integrity: "IntegrityService | None" = None
    automatic_visits: "AutoVisits | None" = None
    visits: VisitService | None = None
    sms: SmsWorker | None = None
    #: worker name → `clock.monotonic` seconds of its last completed run
    heartbeats: MutableMapping[str, float] = field(default_factory=dict)
    #: provider name → its status, queried for `/readyz`
    providers: Callable[[], Awaitable[Mapping[str, str]]] | None = None
    started_at: datetime | None = None
