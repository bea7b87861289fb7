"""Write a draft of a ledger line: its note in words, its tickets as evidence, once per source (B4)."""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

from backend.ports.ledgers import LedgerEntry, LedgerFilter, LedgerStore
from backend.scoring.entries import MAX_CHARS, MAX_ITEMS, SYSTEM
from backend.scoring.ledgers import Ledgers

Render = Callable[..., str]
Known = Mapping[str, LedgerEntry]  # lines by their fingerprint
MAX_LINES = 500  # lines of one kind, unit and month that are looked through
MAX_KNOWN = 10_000  # lines of one kind and month that need not be written again
NOTHING: Known = MappingProxyType({})


class DraftWriter:
    """Writes drafts. `render` renders the notes (texts `draft.…`)."""

    def __init__(self, store: LedgerStore, ledgers: Ledgers, render: Render) -> None:
        self._store, self._ledgers, self.render = store, ledgers, render

    def join(self, names: Sequence[str]) -> str:
        """Return the names as one text."""
        return self.render("draft.comma").join(names)

    async def write(
        self, kind: str, unit: str, month: str, source: str, *, count: int = 1, level: str | None = None,
        tickets: Sequence[str] = (), text: str = "", known: Known = NOTHING, **facts: str,
    ) -> int:  # fmt: skip
        """Draft one line; return 1 if it is new or changed, else 0. What `known` says already is not written again."""
        about = list(tickets)[:MAX_ITEMS]
        named = {"ticket_no": self.join(about), "first": about[0] if about else "", "others": self.join(about[1:])}
        note = self.render(f"draft.{text or kind}", count=count, **named, **facts)[:MAX_CHARS]
        old = known.get(f"draft:{source}")
        if old and (old.state != "draft" or (old.count, old.note, old.tickets) == (count, note, tuple(about))):
            return 0
        made = await self._ledgers.draft(
            kind, unit, month, source=source, count=count, level=level, note=note, tickets=about
        )
        return int(made)

    async def load_known(self, kind: str, month: str) -> Known:
        """Load the newest lines of a kind and month, by their fingerprint."""
        lines = await self._store.list_ledger_entries(LedgerFilter(month, kind=kind), MAX_KNOWN)
        return {line.fingerprint: line for line in lines}

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
