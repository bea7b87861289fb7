"""Counts as if pending requests were granted: two tables as a yes would leave them (B2, what if).

A query with this prefix sees `requests` and `assignments` as they would be; nothing is written.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Column, Connection, Table, bindparam, text

from backend.domain.instants import from_micros, to_micros
from backend.ports.scoring import Cohort, PendingRequest
from storage import tables as t

#: a claim about a ticket without an assignment of its own belongs to the lead unit
_PENDING = text("""SELECT r.id, r.kind, t.ticket_no, r.assignment_id, r.asked_at, r.facts
    FROM requests r JOIN tickets t ON t.id = r.ticket_id
    LEFT JOIN assignments a ON a.id = COALESCE(r.assignment_id, t.lead_id)
    WHERE r.decision IS NULL AND r.kind IN :kinds AND COALESCE(r.unit, a.unit) = :unit AND a.dispatched_at < :until
    ORDER BY r.id LIMIT :limit""").bindparams(bindparam("kinds", expanding=True))


def list_pending_requests(c: Connection, values: Mapping[str, Any]) -> Sequence[PendingRequest]:
    """List a unit's pending requests of these kinds about assignments dispatched before `until`, oldest first."""
    found = []
    for number, kind, no, assignment, asked_at, facts in c.execute(_PENDING, dict(values)):
        due = json.loads(facts).get("new_due_at")
        found.append(
            PendingRequest(
                number,
                kind,
                no,
                assignment,
                from_micros(asked_at),
                None if due is None else datetime.fromisoformat(due),
            )
        )
    return found


def build_prefix(cohort: Cohort, dialect: str) -> str:
    """Return the SQL prefix under which the question's `granted` requests are granted."""
    if not cohort.granted:
        return ""
    is_granted = _in_condition("id", [one.id for one in cohort.granted])
    returned = _in_condition("id", [o.assignment_id for o in cohort.granted if o.kind == "return" and o.assignment_id])
    later = {
        o.assignment_id: to_micros(o.new_due_at)
        for o in cohort.granted
        if o.kind == "extension" and o.new_due_at is not None
    }
    moved = " ".join(f"WHEN id = {number} THEN {due}" for number, due in later.items() if number is not None)
    longer = _in_condition("id", [number for number in later if number is not None])
    changed = {
        "requests": {
            "decision": f"CASE WHEN {is_granted} THEN 'accepted' ELSE decision END",
            "decided_at": f"CASE WHEN {is_granted} THEN :as_of ELSE decided_at END",
        },
        "assignments": {
            "state": f"CASE WHEN {returned} THEN 'returned' ELSE state END",
            "ended_at": f"CASE WHEN {returned} THEN :as_of ELSE ended_at END",
            "close_due_at": f"CASE {moved} ELSE close_due_at END" if moved else "close_due_at",
            "extension_count": f"CASE WHEN {longer} THEN extension_count + 1 ELSE extension_count END",
        },
    }
    schema = "main." if dialect == "sqlite" else ""  # without it SQLite takes the view for its own source
    views = [f"{table.name} AS (SELECT {_list_columns(table, changed[table.name])} FROM {schema}{table.name})"
             for table in (t.requests, t.assignments)]  # fmt: skip
    return f"WITH {', '.join(views)} "


def _list_columns(table: Table, changed: Mapping[str, str]) -> str:
    def one(column: Column[Any]) -> str:
        return f"{changed[column.name]} AS {column.name}" if column.name in changed else column.name

    return ", ".join(map(one, table.c))


def _in_condition(name: str, numbers: Sequence[int | None]) -> str:
    """Return a condition on a number; never true for an empty choice."""
    return f"{name} IN ({', '.join(str(int(n)) for n in numbers if n is not None)})" if numbers else "1 = 0"
