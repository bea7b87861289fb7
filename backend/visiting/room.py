"""The visit service: what adapters ask about return visits."""

from dataclasses import dataclass

from backend.domain.acts import Actor
from backend.domain.refusals import Refused
from backend.domain.ticket import Role
from backend.office.cache import OfficeCache
from backend.ports.audit import AuditStore
from backend.ports.visits import Recording, VisitStore
from backend.visiting.figures import Counting
from backend.visiting.informing import Informing
from backend.visiting.peace import Peace
from backend.visiting.tasks import Tasks
from backend.visiting.texting import Texting

#: Roles that may listen to recordings.
LISTENERS = frozenset({Role.REVISIT_AGENT, Role.REVIEWER, Role.SUPERVISOR, Role.AUDITOR, Role.ADMIN})


@dataclass
class Visiting:
    """Manual visits, the do-not-call list, statistics, texts (None without a carrier), recordings."""

    store: VisitStore
    office: OfficeCache
    audit: AuditStore
    tasks: Tasks
    peace: Peace
    figures: Counting
    texting: Texting | None = None
    informing: Informing | None = None

    async def recording(self, attempt_id: int, by: Actor) -> Recording:
        """Return where a recording is stored; audited.

        Refused `forbidden`, `not_found` (none, or dropped after `recording.keep`).
        """
        if by.role not in LISTENERS:
            raise Refused("forbidden", verb="listen")
        kept = await self.store.find_recording(attempt_id)
        if kept is None:
            raise Refused("not_found")
        await self.audit.record(self.office.clock.now(), by.code, "listened", kept.ticket_no, dial=attempt_id)
        return kept
