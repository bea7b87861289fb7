"""The house as its doors see it: every room by name, and what each of them promises."""

from collections.abc import Awaitable, Callable, Mapping, MutableMapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol

from backend.bulletins import Bulletins
from backend.desk import Desk
from backend.domain.acts import Actor
from backend.domain.texts import Catalogue
from backend.duties import Duties
from backend.filing import Filing
from backend.indicators import Indicators
from backend.mail.short_texts import ShortTexts
from backend.office import Clock, Office
from backend.platform import Platform
from backend.ports.audit import AuditStore
from backend.ports.auditing import Finding
from backend.ports.idempotency import IdempotencyStore
from backend.ports.keys import KeysStore
from backend.ports.reading import ReadingStore
from backend.readiness import Chases
from backend.rosters import Rosters
from backend.visiting.room import Visiting

if TYPE_CHECKING:
    from backend.dispatch_aid import DispatchAid
    from backend.governance import Governance
    from backend.likeness import Likeness
    from backend.likeness.hot import HotLists


class IntakeRoom(Protocol):
    """backend/intake.py: a demand becomes a ticket."""

    async def receive(self, form: Any, by: Actor, source: Any) -> str:
        """The number of the new ticket. Refused `exists`, `bad_field` …"""
        ...


class RegistryRoom(Protocol):
    """backend/registry.py: people, units and bindings."""

    async def put_people(self, people: Sequence[Any], by: str) -> list[bool]:
        """Keep people; True for each that was new or changed."""
        ...

    async def put_units(self, units: Sequence[Any], by: str) -> list[bool]:
        """Keep units; True for each that was new or changed."""
        ...

    async def open_binding(self, person: str, by: str) -> Any:
        """A binding code with `code`, `link` and `expires_at`."""
        ...


class InboxRoom(Protocol):
    """bot: what was heard is stored before it is answered."""

    async def hear(self, mouth: str, body: bytes) -> bool:
        """Store one incoming message; an unreadable one as unreadable."""
        ...


class ImportsRoom(Protocol):
    """backend/imports.py: a file's rows become tickets, people …"""

    async def run(
        self, kind: str, name: str, content: bytes, by: Actor, *, dry_run: bool, preset: Mapping[str, str]
    ) -> Mapping[str, Any]:
        """The report of contract §3: read, imported, already, refused."""
        ...


class MarksRoom(Protocol):
    """backend/marks.py: score sheets, runs and ledgers; mappings in and out."""

    async def scores(self, *, month: str, scheme: str | None, unit: str | None, actor: Actor) -> Mapping[str, Any]:
        """The month's sheets."""
        ...

    async def start_run(self, period: str, scheme: str | None, actor: Actor) -> Mapping[str, Any]:
        """A stored run."""
        ...

    async def lock(self, run_id: int, actor: Actor, *, force: bool = ..., reason: str = ...) -> Mapping[str, Any]:
        """定稿."""
        ...

    async def appeal(self, run_id: int, words: Mapping[str, Any], actor: Actor) -> Mapping[str, Any]:
        """异议."""
        ...

    async def enter(self, entry: Mapping[str, Any], actor: Actor) -> Mapping[str, Any]:
        """A ledger row, to be reviewed by a second person."""
        ...

    async def review(self, entry_id: int, accept: bool, actor: Actor) -> Mapping[str, Any]:
        """The second person's decision."""
        ...


class AuditorRoom(Protocol):
    """backend/auditor.py: what should have happened and did not."""

    async def round(self) -> int:
        """One look over everything; how much was found or healed."""
        ...

    async def findings(self) -> Sequence[Finding]:
        """What stands open."""
        ...


class SandboxClock(Protocol):
    """backend/sandbox_clock.py: time that can be moved."""

    async def advance(self, span: str) -> Any:
        """Move on by `2h30m`; returns when the rounds that became due have run. Refused `bad_limit`."""
        ...


@dataclass
class Rooms:
    """All rooms a door may enter. What is None is not open in this house."""

    clock: Clock
    office: Office
    desk: Desk
    reading: ReadingStore
    keys: KeysStore
    filing: Filing
    audit: AuditStore
    idempotency: IdempotencyStore
    catalogue: Catalogue
    public_url: str = "http://127.0.0.1:8080"
    sandbox: bool = False
    telegram_secret: str = ""
    intake: IntakeRoom | None = None
    registry: RegistryRoom | None = None
    inbox: InboxRoom | None = None
    imports: ImportsRoom | None = None
    marks: MarksRoom | None = None
    bulletins: Bulletins | None = None
    sandbox_clock: SandboxClock | None = None
    platform: Platform | None = None
    chases: Chases | None = None
    indicators: Indicators | None = None
    rosters: Rosters | None = None
    duties: Duties | None = None
    likeness: "Likeness | None" = None
    hot: "HotLists | None" = None
    aid: "DispatchAid | None" = None
    governance: "Governance | None" = None
    courier: Any = None
    calls: Any = None
    auditor: "AuditorRoom | None" = None
    visits: Any = None
    visiting: Visiting | None = None
    short_texts: ShortTexts | None = None
    #: name of a round → monotonic seconds of its last completed turn
    heartbeat: MutableMapping[str, float] = field(default_factory=dict)
    #: name of a provider → how it is, asked when `/readyz` is asked
    providers: Callable[[], Awaitable[Mapping[str, str]]] | None = None
    started_at: datetime | None = None
