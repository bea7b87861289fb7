"""Services available to the web and chat layers."""

from collections.abc import Awaitable, Callable, Mapping, MutableMapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol

from backend.deadlines.recompute import DutyRecompute
from backend.delivery.sms import SmsWorker
from backend.domain.acts import Actor
from backend.domain.texts import Texts
from backend.office.cache import Clock, OfficeCache
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


class IntakeRoom(Protocol):
    """Creates tickets from demands; implemented in backend/tickets/intake.py."""

    async def receive(self, form: Any, by: Actor, source: Any) -> str:
        """Create a ticket and return its number. Refused `exists`, `bad_field` …"""
        ...


class RegistryRoom(Protocol):
    """Stores people, units and bindings; implemented in backend/office/people.py."""

    async def put_people(self, people: Sequence[Any], by: str) -> list[bool]:
        """Save people; True for each that was new or changed."""
        ...

    async def put_units(self, units: Sequence[Any], by: str) -> list[bool]:
        """Save units; True for each that was new or changed."""
        ...

    async def create_binding_code(self, person: str, by: str) -> Any:
        """Create a binding code; the result has `code`, `link` and `expires_at`."""
        ...


class InboxRoom(Protocol):
    """Stores incoming chat events before they are answered; implemented in bot."""

    async def receive(self, source: str, body: bytes) -> bool:
        """Store one incoming event; an unreadable one is stored as unreadable."""
        ...


class ImportsRoom(Protocol):
    """Imports the rows of a file as tickets, people …; implemented in backend/importing/service.py."""

    async def import_file(
        self, kind: str, name: str, content: bytes, by: Actor, *, dry_run: bool, preset: Mapping[str, str]
    ) -> Mapping[str, Any]:
        """Import a file and return the report of contract §3: read, imported, already, refused."""
        ...


class MarksRoom(Protocol):
    """Score sheets, runs and ledgers, as mappings; implemented in backend/scoring.py."""

    async def get_scores(self, *, month: str, scheme: str | None, unit: str | None, actor: Actor) -> Mapping[str, Any]:
        """Return the score sheets of a month."""
        ...

    async def start_run(self, period: str, scheme: str | None, actor: Actor) -> Mapping[str, Any]:
        """Compute and store a run."""
        ...

    async def lock_run(self, run_id: int, actor: Actor, *, force: bool = ..., reason: str = ...) -> Mapping[str, Any]:
        """Lock a run (定稿)."""
        ...

    async def submit_contest(self, run_id: int, words: Mapping[str, Any], actor: Actor) -> Mapping[str, Any]:
        """Contest a line of a run (异议)."""
        ...

    async def enter(self, entry: Mapping[str, Any], actor: Actor) -> Mapping[str, Any]:
        """Enter a ledger row; it counts after a second person's review."""
        ...

    async def review(self, entry_id: int, accept: bool, actor: Actor) -> Mapping[str, Any]:
        """Accept or reject a ledger row as the second person."""
        ...


class AuditorRoom(Protocol):
    """Finds what should have happened and did not; implemented in backend/integrity/checks.py."""

    async def run_once(self) -> int:
        """Run all checks once; return how much was found or repaired."""
        ...

    async def list_findings(self) -> Sequence[Finding]:
        """Return the open findings."""
        ...


class SandboxClock(Protocol):
    """A clock that can be moved; implemented in backend/sandbox_clock.py."""

    async def advance(self, span: str) -> Any:
        """Move by a span such as `2h30m`; return when the workers that became due have run. Refused `bad_limit`."""
        ...


@dataclass
class Rooms:
    """All services an adapter may use. None: not available in this process."""

    clock: Clock
    office: OfficeCache
    desk: TicketService
    reading: QueryStore
    keys: KeyStore
    filing: TicketFiles
    audit: AuditStore
    idempotency: IdempotencyStore
    catalogue: Texts
    public_url: str = "http://127.0.0.1:8080"
    sandbox: bool = False
    telegram_secret: str = ""
    intake: IntakeRoom | None = None
    registry: RegistryRoom | None = None
    inbox: InboxRoom | None = None
    imports: ImportsRoom | None = None
    marks: MarksRoom | None = None
    bulletins: Reporting | None = None
    sandbox_clock: SandboxClock | None = None
    platform: PlatformSync | None = None
    chases: UnitReadiness | None = None
    indicators: Indicators | None = None
    rosters: DutyRoster | None = None
    duties: DutyRecompute | None = None
    likeness: "Similarity | None" = None
    hot: "HotListBuilder | None" = None
    aid: "DispatchSuggestions | None" = None
    governance: "Governance | None" = None
    courier: "DeliveryWorker | None" = None
    calls: "Calls | None" = None
    auditor: "AuditorRoom | None" = None
    visits: "AutoVisits | None" = None
    visiting: VisitService | None = None
    short_texts: SmsWorker | None = None
    #: worker name → monotonic seconds of its last completed run
    heartbeat: MutableMapping[str, float] = field(default_factory=dict)
    #: provider name → its status, queried for `/readyz`
    providers: Callable[[], Awaitable[Mapping[str, str]]] | None = None
    started_at: datetime | None = None
