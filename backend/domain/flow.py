"""Decides an act: permission, table, guards and effects give one plan or a refusal; pure, asks only the context."""

import hashlib
import hmac
import json
from dataclasses import replace
from datetime import datetime, timedelta, tzinfo
from typing import Any

from backend.domain.acts import Act, Actor, Plan, Snapshot, World
from backend.domain.instants import micros
from backend.domain.mover import Mover
from backend.domain.moves import EFFECTS
from backend.domain.records import Assignment, Line
from backend.domain.refusals import Refused
from backend.domain.table import BY_VERB, Row, may
from backend.domain.ticket import State
from backend.domain.words import read_words

MOMENT = timedelta(seconds=10)  # a double tap, a request sent again
EMPTY: tuple[Any, ...] = (None, "", ())  # arguments without a value


class Unchanged(Exception):
    """The same actor repeats an act that already took effect; nothing to write."""


def visible(snap: Snapshot, actor: Actor) -> bool:
    """Return whether the actor may know of this ticket: unit roles see only what their unit was assigned."""
    return not actor.of_unit or any(a.unit == actor.unit for a in snap.assignments)


def decide(snap: Snapshot, act: Act, world: World, key: bytes) -> Plan:
    """Return the plan of one act on one ticket.

    Raises Refused (`forbidden`, `not_found`, `overtaken`, `not_now`, or a failed guard's code) or Unchanged.
    """
    if act.verb not in BY_VERB:
        raise Refused("unknown_verb", verb=act.verb)
    row = BY_VERB[act.verb]
    if not visible(snap, act.by):
        raise Refused("not_found", ticket=snap.ticket.no)
    if not may(act.by.role, act.verb):
        raise Refused("forbidden", verb=act.verb)
    target = _target(snap, act, row)
    words = read_words(act.verb, act.words)
    if _tapped_twice(snap, act, target, words, world.now):
        raise Unchanged
    _check_order(snap, act, row, target, words, world.now.tzinfo)
    mover = Mover(snap, act, world, words, target if row.on_assignment else target or snap.lead)
    if not row.on_assignment:
        mover.from_state = mover.to_state = snap.ticket.state
    try:
        EFFECTS[act.verb](mover)
    except Refused:
        if act.by.role and repeats(snap, act, mover.target or target, words):
            raise Unchanged from None  # the guard failed because they have done it already
        raise
    plan = _plan(mover, key)
    if mover.also is None or snap.beside is None:
        return plan
    return replace(plan, also=decide(snap.beside, mover.also, world, key))


def _target(snap: Snapshot, act: Act, row: Row) -> Assignment | None:
    """Return the assignment meant: the named one, else the newest of the actor's unit, else the lead."""
    if act.assignment_id is not None:
        found = snap.assignment(act.assignment_id)
        if found is None or (act.by.of_unit and found.unit != act.by.unit):
            raise Refused("not_found", assignment=act.assignment_id)
        return found
    if act.by.of_unit:
        mine = [a for a in snap.assignments if a.unit == act.by.unit]
        living = [a for a in mine if a.ended_at is None]
        return (living or mine)[-1] if mine else None
    return snap.lead if row.on_assignment else None


def _check_order(
    snap: Snapshot, act: Act, row: Row, target: Assignment | None, words: dict[str, Any], zone: tzinfo | None
) -> None:
    """Compare with what the actor saw and with the table; the refusal names who won and when."""
    state = target.state if row.on_assignment and target else snap.ticket.state
    last = snap.last
    allowed = state in row.sources and (target is None or target.ended_at is None or not row.on_assignment)
    stale = (act.version is not None and act.version != snap.ticket.version) or (
        act.card is not None and target is not None and act.card != target.version
    )
    if last and (stale or not allowed) and repeats(snap, act, target, words):
        raise Unchanged
    facts: dict[str, Any] = {"state": str(state)}
    if last:
        facts |= {
            "by": last.by,
            "at": last.at.astimezone(zone).isoformat(timespec="seconds"),
            "version": snap.ticket.version,
        }
    if stale:
        raise Refused("overtaken", **facts)
    if not allowed:
        if last and _overtook(last, act, row):
            raise Refused("overtaken", **facts)
        earlier = _winner(act, target)
        if earlier is not None:
            by, at = earlier
            raise Refused("overtaken", **{**facts, "by": by, "at": at.astimezone(zone).isoformat(timespec="seconds")})
        raise Refused("not_now", **facts)


def _overtook(last: Line, act: Act, row: Row) -> bool:
    """Return whether someone else's newest move is why this one is too late: it competes for the same move, or led away
    from the states in which this verb is allowed."""
    if last.by == act.by.code:
        return False
    led_away = last.from_state in row.sources and last.to_state not in row.sources
    return led_away or last.verb in _RIVALS.get(act.verb, (act.verb,))


def _winner(act: Act, target: Assignment | None) -> tuple[str, datetime] | None:
    """Return who already did, however long ago, what the actor attempts now, and when."""
    if target is None or act.verb not in _DONE:
        return None
    by, at = (getattr(target, name) for name in _DONE[act.verb])
    return None if at is None or by == act.by.code else (by or "system", at)


#: Verbs done once, with the columns for who did it and when.
_DONE = {"sign": ("signed_by", "signed_at"), "close": ("closed_by", "closed_at")}
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


def repeats(snap: Snapshot, act: Act, target: Assignment | None, words: dict[str, Any]) -> bool:
    """Return whether the newest entry is this very act by this very actor (a double tap, a resent request)."""
    last = snap.last
    if act.verb == "sign" and target is not None and target.signed == "manual" and target.ended_at is None:
        return target.signed_by == act.by.code  # they signed it, whatever came after
    if last is None or last.verb != act.verb or last.by != act.by.code:
        return False
    if target is not None and last.assignment_id not in (None, target.id):
        return False
    given = {k: _plain(v) for k, v in words.items() if v not in EMPTY}
    said = {k: v for k, v in last.words.items() if k in words}
    if "due_at" not in given:
        said.pop("due_at", None)  # computed if the act named none
    return given == said


def _tapped_twice(snap: Snapshot, act: Act, target: Assignment | None, words: dict[str, Any], now: datetime) -> bool:
    """Return whether it is the same act again within `MOMENT` where the table would allow it (a progress report)."""
    last = snap.last
    if last is None or act.by.role is None or act.version == snap.ticket.version or now - last.recorded_at > MOMENT:
        return False
    return last.from_state == last.to_state and repeats(snap, act, target, words)


def _plan(m: Mover, key: bytes) -> Plan:
    snap, act, now = m.snap, m.act, m.world.now
    words = {k: _plain(v) for k, v in {**m.words, **m.line_words}.items() if v not in EMPTY}
    line = chain(
        key, prev=snap.ticket.head, line_id=m.world.new_id(), ticket_id=snap.ticket.id,
        version=snap.ticket.version + 1, assignment_id=m.target.id if m.target else None, verb=act.verb,
        from_state=m.from_state, to_state=m.to_state, by=act.by.code, source=act.source, at=m.at,
        recorded_at=now, words=words,
    )  # fmt: skip
    return Plan(
        ticket_id=snap.ticket.id, expected=snap.ticket.version,
        ticket={**m.ticket_values, "version": line.version, "head": line.hash},
        line=line, rows=tuple(m.rows), changes=m.changes(), redraw=tuple(sorted(m.redraw)),
        inbox_id=act.inbox_id, urgent=any(getattr(r, "urgent", False) for r in m.rows),
    )  # fmt: skip


def _plain(value: Any) -> Any:
    """Convert a value to what JSON will store."""
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, (tuple, list)):
        return [_plain(v) for v in value]
    if isinstance(value, dict):
        return {k: _plain(v) for k, v in value.items()}
    return str(value) if isinstance(value, State) else value


def chain(key: bytes, *, prev: str, line_id: int, **fields: Any) -> Line:
    """Return a journal entry chained to the one before it: HMAC-SHA256 over the previous hash and its own fields."""
    return Line(id=line_id, prev=prev, hash=seal(key, prev, fields), **fields)


def seal(key: bytes, prev: str, fields: dict[str, Any]) -> str:
    """Return the hash of an entry: hex HMAC-SHA256; instants enter as whole microseconds whatever the storage."""
    body = [prev]
    for name in _SEALED:
        value = fields[name]
        if isinstance(value, datetime):
            value = micros(value)
        elif name == "words":
            value = json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
        body.append("" if value is None else str(value))
    return hmac.new(key, "\x1f".join(body).encode(), hashlib.sha256).hexdigest()


_SEALED = (
    "ticket_id", "version", "assignment_id", "verb", "from_state", "to_state", "by", "source", "at",
    "recorded_at", "words",
)  # fmt: skip
