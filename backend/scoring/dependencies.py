"""Optional dependencies of scoring besides its own store: audit log, files, outbox, texts."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from backend.domain.texts import Texts
from backend.ports.audit import AuditStore
from backend.ports.outbox import OutboxStore
from backend.tickets.files import TicketFiles


@dataclass
class ScoringDependencies:
    """Dependencies, each optional: a trial run at the command line needs none."""

    audit: AuditStore | None = None
    files: TicketFiles | None = None
    outbox: OutboxStore | None = None
    texts: Texts | None = None

    async def note(self, now: datetime, who: str, what: str, about: object, **facts: Any) -> None:
        """Write an audit log row, if there is an audit log."""
        if self.audit is not None:
            await self.audit.record(now, who, what, str(about), **facts)

    def render(self, key: str, /, **facts: Any) -> str:
        """Render a text of the catalogue; "" without a catalogue."""
        return "" if self.texts is None else self.texts.render(key, **facts)
