"""Decides an act: permission, table, guards and effects give one plan or a refusal; pure, asks only the context."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta, tzinfo

from backend.domain.acts import Act, Actor, DecisionContext, Plan, Snapshot
from backend.domain.journal_hash import JournalKey, build_entry
from backend.domain.move_table import BY_VERB, Transition, is_allowed
from backend.domain.moves import EFFECTS
from backend.domain.offered_verbs import select_assignment
from backend.domain.plan_builder import PlanBuilder
from backend.domain.records import Assignment, JournalEntry, Message
from backend.domain.refusals import Refused
from backend.domain.ticket_enums import State
from backend.domain.verb_fields import parse_arguments

DOUBLE_TAP_WINDOW = timedelta(seconds=10)  # a double tap, a request sent again
_EMPTY: tuple[object, ...] = (None, "", ())  # arguments without a value


class Unchanged(Exception):
    """The same actor repeats an act that already took effect; nothing to write."""


def is_visible(snap: Snapshot, actor: Actor) -> bool:
    """Return whether the actor may know of this ticket: unit roles see what their unit, or one below it, was given."""
    return actor.sight is None or actor.sight.covers(snap.ticket, {a.unit for a in snap.assignments})


def decide(snap: Snapshot, act: Act, context: DecisionContext, key: JournalKey) -> Plan:
    """Return the plan of one act on one ticket.

    Raises Refused (`forbidden`, `not_found`, `overtaken`, `not_now`, or a failed guard's code) or Unchanged.
    """
    if act.verb not in BY_VERB:
        raise Refused("unknown_verb", verb=act.verb)
    transition = BY_VERB[act.verb]
    if not is_visible(snap, act.by):
        raise Refused("not_found", ticket=snap.ticket.ticket_no)
    if not is_allowed(act.by.role, act.verb):
        raise Refused("forbidden", verb=act.verb)
    target = _target(snap, act, transition)
    arguments = parse_arguments(act.verb, act.arguments)
    if _is_double_tap(snap, act, target, arguments, context.now):
        raise Unchanged
    _check_order(snap, act, transition, target, arguments, context.now.tzinfo)
    builder = PlanBuilder(snap, act, context, arguments, target if transition.on_assignment else target or snap.lead)
    if not transition.on_assignment:
        builder.from_state = builder.to_state = snap.ticket.state
    try:
        EFFECTS[act.verb](builder)
    except Refused:
        if act.by.role and is_repeat(snap, act, builder.target or target, arguments):
            raise Unchanged from None  # the guard failed because they have done it already
        raise
    if files := builder.arguments.get("files"):
        builder.attach_files(files)
    plan = _build_plan(builder, key)
    if builder.other_act is None or snap.other is None:
        return plan
    return replace(plan, other=decide(snap.other, builder.other_act, context, key))


def _target(snap: Snapshot, act: Act, transition: Transition) -> Assignment | None:
    """Return the assignment meant: the named one, else the newest of the actor's unit, else the lead."""
    if act.assignment_id is not None:
        found = snap.find_assignment(act.assignment_id)
        if found is None or not act.by.may_see(found.unit):
            raise Refused("not_found", assignment=act.assignment_id)
        return found
    if act.by.is_unit_member or transition.on_assignment:
        return select_assignment(snap.ticket, snap.assignments, act.by)
    return None


def _check_order(
    snap: Snapshot,
    act: Act,
    transition: Transition,
    target: Assignment | None,
    arguments: dict[str, object],
    zone: tzinfo | None,
) -> None:
    """Compare with what the actor saw and with the table; the refusal names who won and when."""
    state = target.state if transition.on_assignment and target else snap.ticket.state
    last = snap.last_entry
    allowed = state in transition.from_states and (
        target is None or target.ended_at is None or not transition.on_assignment
    )
    stale = (act.version is not None and act.version != snap.ticket.version) or (
        act.seen_version is not None and target is not None and act.seen_version != target.version
    )
    if last and (stale or not allowed) and is_repeat(snap, act, target, arguments):
        raise Unchanged
    facts: dict[str, object] = {"state": str(state)}
    if last:
        facts |= {
            "by": last.by,
            "at": last.at.astimezone(zone).isoformat(timespec="seconds"),
            "version": snap.ticket.version,
        }
    if stale:
        raise Refused("overtaken", **facts)
    if not allowed:
        if last and _is_overtaken(last, act, transition):
            raise Refused("overtaken", **facts)
        earlier = _find_winner(act, target)
        if earlier is not None:
            by, at = earlier
            raise Refused("overtaken", **{**facts, "by": by, "at": at.astimezone(zone).isoformat(timespec="seconds")})
        raise Refused("not_now", **facts)


def _is_overtaken(last: JournalEntry, act: Act, transition: Transition) -> bool:
    """Return whether someone else's newest move is why this one is too late: it competes for the same move, or led away
    from the states in which this verb is allowed."""
    if last.by == act.by.code:
        return False
    led_away = last.from_state in transition.from_states and last.to_state not in transition.from_states
    return led_away or last.verb in _RIVALS.get(act.verb, (act.verb,))


def _find_winner(act: Act, target: Assignment | None) -> tuple[str, datetime] | None:
    """Return who already did, however long ago, what the actor attempts now, and when."""
    if target is None or act.verb not in _DONE:
        return None
    by, at = _DONE[act.verb](target)
    return None if at is None or by == act.by.code else (by or "system", at)


#: Verbs done once, and how to tell who did it and when.
_DONE: dict[str, Callable[[Assignment], tuple[str | None, datetime | None]]] = {
    "sign": lambda a: (a.signed_by, a.signed_at),
    "close": lambda a: (a.closed_by, a.closed_at),
}
#: Verbs that compete for the same move: the second of two is refused as overtaken.
_RIVALS = {
    "sign": ("sign", "auto_sign", "reassign", "cancel"),
    "return": ("return", "reply", "close", "extend", "reassign", "cancel"),
    "reply": ("reply", "close", "return", "extend", "reassign", "cancel"),
    "close": ("close", "return", "extend", "reassign", "cancel"),
    "extend": ("extend", "return", "reply", "close", "reassign", "cancel"),
    "dispatch": ("dispatch", "merge", "cancel", "answer"),
    "reassign": ("reassign", "return", "reply", "cancel"),
    "visit": ("visit", "finalize"),
}


def is_repeat(snap: Snapshot, act: Act, target: Assignment | None, arguments: dict[str, object]) -> bool:
    """Return whether the newest entry is this very act by this very actor (a double tap, a resent request)."""
    last = snap.last_entry
    if act.verb == "sign" and target is not None and target.sign_method == "manual" and target.ended_at is None:
        return target.signed_by == act.by.code  # they signed it, whatever came after
    if last is None or last.verb != act.verb or last.by != act.by.code:
        return False
    if target is not None and last.assignment_id not in (None, target.id):
        return False
    given = {k: _to_json(v) for k, v in arguments.items() if v not in _EMPTY}
    recorded = {k: v for k, v in last.arguments.items() if k in arguments}
    if "due_at" not in given:
        recorded.pop("due_at", None)  # computed if the act named none
    return given == recorded


def _is_double_tap(
    snap: Snapshot, act: Act, target: Assignment | None, arguments: dict[str, object], now: datetime
) -> bool:
    """Return whether it is the same act again within `MOMENT` where the table would allow it (a progress report)."""
    last = snap.last_entry
    if (
        last is None
        or act.by.role is None
        or act.version == snap.ticket.version
        or abs(now - last.recorded_at) > DOUBLE_TAP_WINDOW
    ):
        return False
    return last.from_state == last.to_state and is_repeat(snap, act, target, arguments)


def _build_plan(builder: PlanBuilder, key: JournalKey) -> Plan:
    snap, act, now = builder.snapshot, builder.act, builder.now
    arguments = {k: _to_json(v) for k, v in {**builder.arguments, **builder.entry_arguments}.items() if v not in _EMPTY}
    entry = build_entry(
        key, prev_hash=snap.ticket.journal_head, entry_id=builder.new_id(), ticket_id=snap.ticket.id,
        version=snap.ticket.version + 1, assignment_id=builder.target.id if builder.target else None, verb=act.verb,
        from_state=builder.from_state, to_state=builder.to_state, by=act.by.code, source=act.source, at=builder.at,
        recorded_at=now, arguments=arguments,
    )  # fmt: skip
    return Plan(
        ticket_id=snap.ticket.id, expected_version=snap.ticket.version,
        ticket={**builder.ticket_values, "version": entry.version, "journal_head": entry.hash},
        entry=entry, rows=tuple(builder.rows), changes=builder.collect_changes(), redraw=tuple(sorted(builder.redraw)),
        inbox_id=act.inbox_id, urgent=any(isinstance(r, Message) and r.urgent for r in builder.rows),
    )  # fmt: skip


def _to_json(value: object) -> object:
    """Convert a value to what JSON will store."""
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, (tuple, list)):
        return [_to_json(v) for v in value]
    if isinstance(value, dict):
        return {k: _to_json(v) for k, v in value.items()}
    return str(value) if isinstance(value, State) else value
