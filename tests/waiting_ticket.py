"""A ticket that waits to be dispatched, stored as intake stores it."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from backend.domain.journal_hash import JournalKey, build_entry
from backend.domain.records import Ticket
from backend.domain.ticket_enums import Category, Grade, Source, State
from backend.ports.tickets import MoveStore, TicketRows
from storage.engine.ids import IdSupply

JOURNAL_KEY = JournalKey("journal", b"k" * 32)


async def create_waiting_ticket(
    moves: MoveStore, ids: IdSupply, at: datetime, no: str,
    columns: Callable[[int], Mapping[str, Any]] = lambda ticket_id: {}, **fields: Any,
) -> Ticket:  # fmt: skip
    """Create what `build_waiting_ticket` builds."""
    new = await build_waiting_ticket(ids, at, no, columns, **fields)
    assert await moves.create([new]) == [True]
    return new.ticket


async def build_waiting_ticket(
    ids: IdSupply, at: datetime, no: str,
    columns: Callable[[int], Mapping[str, Any]] = lambda ticket_id: {}, **fields: Any,
) -> TicketRows:  # fmt: skip
    """Build a ticket of institution M01 with its first journal entry.

    `fields` replace those of an ordinary demand; `columns` gives the encrypted columns for the ticket's id.
    """
    await ids.refill()
    now, ticket_id = at.astimezone(UTC), ids.take()
    entry = build_entry(
        JOURNAL_KEY, prev_hash="", entry_id=ids.take(), ticket_id=ticket_id, version=1, assignment_id=None,
        verb="create", from_state="", to_state="pending_dispatch", by="D1", source=Source.API, at=now, recorded_at=now,
        arguments={},
    )  # fmt: skip
    ticket = Ticket(
        ticket_id, no, 1, entry.hash, State.PENDING_DISPATCH, Category.HELP, Grade.GENERAL, "phone", "A市", "M01", "M01",
        now, text="路灯不亮", has_phone=True,
    )  # fmt: skip
    return TicketRows(replace(ticket, **fields), entry, columns=columns(ticket_id))
