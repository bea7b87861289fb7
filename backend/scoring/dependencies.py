"""Dependencies of scoring besides its own store: audit log, files, outbox, texts."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from backend.domain.texts import Texts
from backend.ports.integrity import AuditStore
from backend.ports.outbox import OutboxStore
from backend.tickets.files import TicketFiles


@dataclass(frozen=True, slots=True)
class ScoringDependencies:
    """What the parts of scoring share."""

    audit: AuditStore
    files: TicketFiles
    outbox: OutboxStore
    texts: Texts

    async def note(self, now: datetime, who: str, what: str, about: object, **facts: Any) -> None:
        """Write an audit log row."""
        await self.audit.record(now, who, what, str(about), **facts)

    def render(self, key: str, /, **facts: Any) -> str:
        """Render a text of the catalogue."""
        return self.texts.render(key, **facts)
