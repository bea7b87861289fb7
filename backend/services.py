"""Services available to the web and chat layers."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from backend.calls.service import Calls
from backend.deadlines.recompute import DutyRecompute
from backend.domain.addresses import Addresses
from backend.domain.chance import Chance
from backend.domain.texts import Texts
from backend.identity.accounts import Accounts
from backend.identity.keys import ApiKeys
from backend.identity.sign_in import SignIn
from backend.importing.service import ImportService
from backend.integrity.checks import IntegrityChecks
from backend.integrity.journal import JournalVerifier
from backend.office.cache import OfficeCache
from backend.office.clock import Clock
from backend.office.duty_roster import DutyRoster
from backend.office.people import People
from backend.office.readiness import UnitReadiness
from backend.operations.gate import VersionGate
from backend.operations.health import Health
from backend.operations.hold import Holds
from backend.platform.service import PlatformSync
from backend.ports.integrity import AuditStore
from backend.ports.operations import TellAlarm
from backend.ports.ticket_queries import QueryStore
from backend.ports.web import IdempotencyStore, KeyStore
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


@dataclass(frozen=True)
class Services:
    """All services an adapter may use. Each exists; without its driver it refuses (`no_carrier`)."""

    clock: Clock
    chance: Chance
    office: OfficeCache
    tickets: TicketService
    queries: QueryStore
    keys: KeyStore
    api_keys: ApiKeys
    accounts: Accounts
    sign_in: SignIn
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
    calls: Calls
    integrity: IntegrityChecks
    journal: JournalVerifier
    holds: Holds
    health: Health
    gate: VersionGate
    list_conditions: Callable[[], Sequence[str]]  # what is wrong with the storage and the scanner, in codes
    tell_alarm: TellAlarm
    addresses: Addresses
    heartbeats: Mapping[str, float]  # worker → `clock.monotonic` seconds of its last completed run
    providers: Mapping[str, str]  # provider → its state, for `/readyz`
    process_token: str  # commands on this machine sign in with it while this process lives; "": it serves none (XR12)
