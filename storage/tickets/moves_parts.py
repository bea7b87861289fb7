"""What a move reads and writes on both engines: the parts of a snapshot, and a new ticket's columns."""

from dataclasses import replace
from typing import Any

from backend.domain.acts import Plan, Snapshot
from backend.domain.records import Assignment, Duty, JournalEntry, Request, Ticket, Visit
from backend.domain.ticket_enums import Source
from backend.domain.typed_numbers import list_spellings
from backend.ports.tickets import TicketRef, TicketRows
from storage.engine.mapping import MAPPERS, encode

PARTS: tuple[tuple[type, str], ...] = (
    (Assignment, "ticket_id = {id} ORDER BY id"),
    # CASE, not OR: given an OR, PostgreSQL may scan the index of all open duties
    (Duty, "ticket_id = {id} AND CASE WHEN met_at IS NULL THEN true ELSE kind = 'return' END ORDER BY id"),
    (Request, "ticket_id = {id} ORDER BY id"),
    (Visit, "ticket_id = {id} ORDER BY id"),
    (JournalEntry, "ticket_id = {id} ORDER BY version DESC LIMIT 1"),
)


def format_columns(record_type: type) -> str:
    """Return a record type's columns, in field order, for a SELECT or an INSERT."""
    return ", ".join(f'"{name}"' for name in MAPPERS[record_type].names)


def build_condition(ref: TicketRef) -> tuple[str, Any]:
    """Return the condition on `tickets` (with `{p}` for its one parameter) and the parameter."""
    if ref.ticket_no is not None:
        return "ticket_no = {p}", ref.ticket_no
    if ref.ticket_id is not None:
        return "id = {p}", ref.ticket_id
    return "id = (SELECT ticket_id FROM assignments WHERE id = {p})", ref.assignment_id


def list_spelled(ref: TicketRef) -> tuple[TicketRef, ...]:
    """Return the references that may be meant, the most literal first: a number is found however it is typed."""
    return (ref,) if ref.ticket_no is None else tuple(TicketRef(ticket_no=no) for no in list_spellings(ref.ticket_no))


def build_snapshot(ticket: Ticket, parts: list[tuple[Any, ...]]) -> Snapshot:
    """Build the snapshot of a ticket from its parts, in the order of PARTS."""
    assignments, duties, requests, visits, last = parts
    return Snapshot(ticket, assignments, duties, requests, visits, last[0] if last else None)


def attach_other(found: Snapshot | None, other: Snapshot | None) -> Snapshot | None:
    """Return the snapshot with the other ticket its act names."""
    return None if found is None else replace(found, other=other)


def sort_for_locking(plan: Plan) -> list[Plan]:
    """Return a plan and its part for the other ticket in the order in which tickets are always locked."""
    return [plan] if plan.other is None else sorted((plan, plan.other), key=lambda p: p.ticket_id)


def list_gate_parts(plan: Plan) -> tuple[str, ...]:
    """Return the parts of the version gate that must be open for a plan: what the clock does is held with deadlines."""
    return ("acts", "deadlines") if plan.entry.source is Source.CLOCK else ("acts",)


def build_ticket_columns(new: TicketRows) -> dict[str, Any]:
    """Return every column of a new ticket's row."""
    shape = MAPPERS[Ticket]
    columns = dict(zip(shape.names, shape.write(new.ticket), strict=True))
    columns |= {"created_at": encode(new.line.recorded_at), "extra": "{}"}
    return columns | {name: encode(value) for name, value in new.columns.items()}
