"""Write a draft of a ledger line: its note in words, its tickets as evidence, once per source (B4)."""

from collections.abc import Callable, Sequence

from backend.ports.ledgers import LedgerFilter, LedgerStore
from backend.scoring.entries import MAX_CHARS, MAX_ITEMS, SYSTEM
from backend.scoring.ledgers import Ledgers

Render = Callable[..., str]
MAX_LINES = 500  # lines of one kind, unit and month that are looked through


class DraftWriter:
    """Writes drafts. `render` renders the notes (texts `draft.…`)."""

    def __init__(self, store: LedgerStore, ledgers: Ledgers, render: Render) -> None:
        self._store, self._ledgers, self.render = store, ledgers, render

    def join(self, names: Sequence[str]) -> str:
        """Return the names as one text."""
        return self.render("draft.comma").join(names)

    async def write(
        self, kind: str, unit: str, month: str, source: str, *, count: int = 1, level: str | None = None,
        tickets: Sequence[str] = (), text: str = "", **facts: str,
    ) -> int:  # fmt: skip
        """Draft one line; return 1 if it is new or changed, else 0."""
        about = list(tickets)[:MAX_ITEMS]
        named = {"ticket_no": self.join(about), "first": about[0] if about else "", "others": self.join(about[1:])}
        note = self.render(f"draft.{text or kind}", count=count, **named, **facts)
        made = await self._ledgers.draft(
            kind, unit, month, source=source, count=count, level=level, note=note[:MAX_CHARS], tickets=about
        )
        return int(made)

    async def write_list(self, kind: str, unit: str, month: str, tickets: Sequence[str]) -> int:
        """Draft one line of a month with the list of its tickets, without those in lines decided before (XD11)."""
        lines = await self._store.list_ledger_entries(LedgerFilter(month, unit, kind), MAX_LINES)
        decided = [line for line in lines if line.state != "draft"]
        taken = {ticket for line in decided for ticket in line.tickets}
        left = [ticket for ticket in tickets if ticket not in taken]
        if not left:
            return 0
        source = f"{kind}:{unit}:{month}:{sum(line.entered_by == SYSTEM for line in decided)}"
        return await self.write(kind, unit, month, source, count=len(left), tickets=left)
