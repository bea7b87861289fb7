"""What waits to leave after a restore: counted by kind and age, and dropped where it may have left before (FD13)."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    Select,
    Update,
    bindparam,
    case,
    func,
    literal,
    or_,
    select,
    update,
)
from sqlalchemy.sql.expression import false, true

from backend.domain.instants import from_micros
from backend.ports.backups import Release, Waiting
from backend.ports.calls import CALLS_OWNER
from storage import tables as t

ERROR = "restored"
L, C, X, K, W = t.outbox.c, t.calls.c, t.requester_texts.c, t.chat_cards.c, t.writebacks.c
_RELEASED: dict[str, Any] = {"owner": None, "lease_until": None}
_BY_CALL = (L.state == "sending") & (L.owner == CALLS_OWNER)  # it is the call that waits
_STALE = (K.target_version > K.shown_version) & (K.state == "live")
#: What waits: its name, its kind, when it was due, and which rows those are.
_WAITING: tuple[tuple[str, ColumnElement[Any], ColumnElement[Any], ColumnElement[bool]], ...] = (
    ("messages", L.kind, L.not_before, (L.state == "pending") | ((L.state == "sending") & (L.owner != CALLS_OWNER))),
    ("calls", C.purpose, func.coalesce(C.next_at, C.created_at), C.state.in_(("waiting", "live"))),
    ("requester_texts", literal(""), func.coalesce(X.next_at, X.created_at), X.state.in_(("pending", "sending"))),
    ("cards", K.kind, func.coalesce(K.not_before, K.sent_at), _STALE),
    ("writebacks", literal(""), W.since, W.state.in_(("waiting", "sending", "asked"))),
)
_MARK_AT, _NOW = bindparam("mark_at", type_=BigInteger), bindparam("now", type_=BigInteger)


def _build_count(
    kind: ColumnElement[str], due: ColumnElement[int], waits: ColumnElement[bool]
) -> Select[str, int, int, int]:
    older = func.sum(case((due <= _MARK_AT, 1), else_=0))
    return (
        select(kind.label("sort_of"), older, func.count(), func.min(due)).where(waits, due <= _NOW).group_by("sort_of")
    )


_COUNTS = [(name, _build_count(*what)) for name, *what in _WAITING]
_IS_NEW_VISIT = (C.state == "waiting") & (C.purpose == "visit") & (C.next_at <= bindparam("b_now"))
_START_VISITS_ANEW = update(t.calls).where(_IS_NEW_VISIT).values(next_at=bindparam("b_now"))
_RELEASE_CARDS = update(t.chat_cards).where(K.owner.is_not(None)).values(**_RELEASED)


def count_waiting(c: Connection, mark_at: int, now: int) -> Sequence[Waiting]:
    """Count what is due by now, by kind, the largest number first."""
    found = []
    for name, query in _COUNTS:
        rows = c.execute(query, {"mark_at": mark_at, "now": now})
        found += [Waiting(name, r[0], int(r[1]), int(r[2] - r[1]), from_micros(r[3])) for r in rows]
    return sorted(found, key=lambda one: (-one.older - one.newer, one.what, one.kind))


def drop_waiting(c: Connection, mode: Release, cut: int, now: int) -> int:
    """Drop what may not leave by this mode; return how much that was. What was in hand never leaves again."""
    dropped = sum(c.execute(change).rowcount for change in _build_drops(mode, cut, now))
    c.execute(_START_VISITS_ANEW, {"b_now": now})  # a visit that nobody remembers is made
    c.execute(_RELEASE_CARDS)
    return dropped


def _build_drops(mode: Release, cut: int, now: int) -> Sequence[Update]:
    def old(due: ColumnElement[Any], urgent: ColumnElement[bool]) -> ColumnElement[bool]:
        if mode is Release.ALL:
            return false()
        return or_(due <= cut, (due <= now) & ~urgent) if mode is Release.URGENT else due <= cut

    is_visit = C.purpose == "visit"
    ending = ~is_visit & ((C.state == "live") | ((C.state == "waiting") & old(C.next_at, C.urgent)))
    its_call = L.id.in_(select(C.outbox_id).where(ending, C.outbox_id.is_not(None)))
    in_hand = (L.state == "sending") & (L.owner.is_(None) | (L.owner != CALLS_OWNER))
    skipped = in_hand | (_BY_CALL & its_call) | ((L.state == "pending") & old(L.not_before, L.urgent))
    ended_dials = t.call_attempts.c.call_id.in_(select(C.id).where(ending)) & (t.call_attempts.c.state != "done")
    text_dropped = (X.state == "sending") | ((X.state == "pending") & old(X.next_at, false()))
    card_dropped = _STALE & old(func.coalesce(K.not_before, K.sent_at), false())
    # what the platform of record was told is for a person to compare: it may hold more than we remember
    doubtful = W.state.in_(("sending", "asked")) | ((W.state == "waiting") & old(W.since, true()))
    return (
        update(t.outbox).where(skipped).values(state="skipped", error=ERROR, asked_at=None, **_RELEASED),
        update(t.call_attempts).where(ended_dials).values(state="done", outcome="failed", error=ERROR, ended_at=now),
        update(t.calls).where(ending).values(state="done", next_at=None, ended_at=now),
        update(t.requester_texts).where(text_dropped).values(state="failed", error=ERROR, next_at=None),
        update(t.chat_cards).where(card_dropped).values(shown_version=K.target_version, **_RELEASED),
        update(t.writebacks).where(doubtful).values(state="refused", error=ERROR, **_RELEASED),
    )
