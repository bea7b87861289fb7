"""Reads calls and attempts, each with the ticket it is about, in one query."""

import json
from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, Executable, func, select

from backend.domain.instants import from_micros
from backend.domain.ticket_enums import Category, Grade, State
from backend.ports.calls import Call, CallAttempt, CallSubject, LiveCall, PhoneMessage
from storage import tables as t
from storage.engine.mapping import decode_instant

K, D, T, A = t.calls.c, t.call_attempts.c, t.tickets.c, t.assignments.c
_CALL = [
    K.id, K.purpose, K.script, K.state, K.outbox_id, K.ticket_id, K.assignment_id, K.person, K.round, K.urgent,
    K.attempt_count, K.next_at, K.created_at, K.phone_index, K.position, K.facts, K.answers, K.outcome,
]  # fmt: skip
_SUBJECT = [
    T.ticket_no.label("t_no"), T.state.label("t_state"), T.category.label("t_category"), T.grade.label("t_grade"),
    T.management.label("t_management"), T.flags.label("t_flags"), T.generated_at.label("t_generated"),
    T.closed_at.label("t_closed"), A.unit.label("a_unit"), A.state.label("a_state"),
    A.opened_at.label("a_opened"), A.ended_at.label("a_ended"), A.sign_due_at.label("a_sign_due"),
    A.close_due_at.label("a_close_due"),
]  # fmt: skip
_ATTEMPT = [
    D.id.label("d_id"), D.attempt_no.label("d_number"), D.state.label("d_state"), D.provider_id.label("d_provider"),
    D.status.label("d_status"), D.answered_by.label("d_answered"), D.asked_at.label("d_asked"),
    D.next_step.label("d_step"), D.last_prompt.label("d_said"), D["keys"].label("d_keys"), D.outcome.label("d_outcome"),
]  # fmt: skip
_ATTEMPT_COUNT = (
    select(func.count())
    .select_from(t.call_attempts)
    .where(D.call_id == K.id)
    .correlate(t.calls)
    .scalar_subquery()
    .label("attempts")
)


def _join_subject(base: Any) -> Any:
    return base.outerjoin(t.tickets, T.id == K.ticket_id).outerjoin(t.assignments, A.id == K.assignment_id)


#: Calls with what they are about; read rows with `to_call`.
SELECT_CALLS = select(*_CALL, *_SUBJECT, _ATTEMPT_COUNT).select_from(_join_subject(t.calls))
#: Attempts with their calls; read rows with `to_live_call`.
SELECT_ATTEMPTS = select(*_CALL, *_SUBJECT, *_ATTEMPT, _ATTEMPT_COUNT).select_from(
    _join_subject(t.call_attempts.join(t.calls, K.id == D.call_id))
)
_M = t.outbox.c
#: Messages by telephone with the grade and unit that decide when to call; read rows with `to_phone_message`.
SELECT_PHONE_MESSAGES = select(
    _M.id, _M.kind, _M.person, _M.ticket_id, _M.assignment_id, _M.attempts, _M.urgent, _M.facts, T.grade, A.unit
).select_from(t.outbox.outerjoin(t.tickets, T.id == _M.ticket_id).outerjoin(t.assignments, A.id == _M.assignment_id))


def to_phone_message(r: Any) -> PhoneMessage:
    """Build the message of a row."""
    grade = Grade.URGENT if r.urgent else Grade(r.grade) if r.grade else Grade.GENERAL
    return PhoneMessage(
        r.id, r.kind, r.person, r.ticket_id, r.assignment_id, r.attempts, bool(r.urgent), json.loads(r.facts),
        grade, r.unit,
    )  # fmt: skip


def to_call(r: Any) -> Call:
    """Build the call of a row."""
    return Call(
        r.id, r.purpose, r.script, r.state, r.outbox_id, r.ticket_id, r.assignment_id, r.person, r.round,
        bool(r.urgent), r.attempt_count, r.attempts, decode_instant(r.next_at), from_micros(r.created_at), r.phone_index, r.position,
        json.loads(r.facts), json.loads(r.answers), None if r.t_no is None else _to_subject(r), r.outcome,
    )  # fmt: skip


def find_call(c: Connection, query: Executable, given: Mapping[str, object]) -> Call | None:
    """Return the first call of a query, or None."""
    row = c.execute(query, given).first()
    return None if row is None else to_call(row)


def to_live_call(r: Any) -> LiveCall:
    """Build the attempt of a row, with its call."""
    said = None if r.d_said is None else json.loads(r.d_said)
    attempt = CallAttempt(
        r.d_id, r.d_number, r.d_state, r.d_provider, r.d_status, r.d_answered, from_micros(r.d_asked), r.d_step, said,
        r.d_keys, r.d_outcome,
    )  # fmt: skip
    return LiveCall(attempt, to_call(r))


def _to_subject(r: Any) -> CallSubject:
    return CallSubject(
        r.t_no, State(r.t_state), Category(r.t_category) if r.t_category else None, Grade(r.t_grade),
        r.t_management, frozenset(r.t_flags.split()), from_micros(r.t_generated), decode_instant(r.t_closed), r.a_unit,
        State(r.a_state) if r.a_state else None, decode_instant(r.a_opened), decode_instant(r.a_ended), decode_instant(r.a_sign_due),
        decode_instant(r.a_close_due),
    )  # fmt: skip
