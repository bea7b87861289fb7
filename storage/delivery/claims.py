"""How messages of the outbox are claimed, held and freed: statements that ask the database's clock and gate."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Executable,
    Update,
    and_,
    bindparam,
    case,
    distinct,
    func,
    null,
    or_,
    select,
    update,
)
from sqlalchemy.sql.dml import ReturningUpdate

from backend.domain.records import Message
from backend.ports.outbox import SUSPECT_DEATHS
from storage import tables as t
from storage.engine.database import Database
from storage.engine.mapping import MAPPERS

M = t.outbox.c
_CLAIMED = [*MAPPERS[Message].columns(t.outbox), M.owner, M.uncertain_sends, M.asks, M.asked_at, M.deaths]
RELEASED = {"owner": None, "lease_until": None, "asked_at": None}
_LEASE = bindparam("lease", type_=BigInteger)


def build_claim(db: Database, these: bool) -> ReturningUpdate[object]:
    """Build what takes due messages, urgent ones first, or only of `these` ids; it returns what `_claimed` reads."""
    due = (
        select(M.id)
        .where(
            M.state == "pending",
            M.channel.in_(bindparam("channels", expanding=True)),
            M.not_before <= bindparam("now"),
            or_(M.deaths < SUSPECT_DEATHS, bindparam("alone", type_=Boolean)),
            db.gate.is_admitted("outbox"),
        )
        .order_by(M.urgent.desc(), M.not_before, M.id)
        .limit(bindparam("most"))
        .with_for_update(skip_locked=True)
    )
    if these:
        due = due.where(M.id.in_(bindparam("ids", expanding=True)))
    chosen = due.cte("due")  # a CTE with locks is evaluated once; a plain subquery may exceed its limit
    asked = and_(M.id.in_(bindparam("ask", expanding=True)), M.uncertain_sends == 0)
    return (
        update(t.outbox)
        .where(M.id.in_(select(chosen.c.id)), M.state == "pending")
        .values(
            state="sending",
            owner=bindparam("by"),
            attempts=M.attempts + 1,
            lease_until=db.lease_clock.now + _LEASE,
            asked_at=case((asked, bindparam("now", type_=BigInteger)), else_=null()),
            asks=M.asks + case((asked, 1), else_=0),
        )
        .returning(*_CLAIMED)
    )


def build_renew(db: Database) -> ReturningUpdate[int]:
    """Build what extends the leases of one owner; it returns the ids that were still theirs."""
    return (
        update(t.outbox)
        .where(M.id.in_(bindparam("ids", expanding=True)), M.owner == bindparam("by"), M.state == "sending")
        .values(lease_until=db.lease_clock.now + _LEASE)
        .returning(M.id)
    )


def build_rescue(db: Database) -> tuple[Executable, Executable, Update]:
    """Build what counts the owners who live and what the dead held, takes that, and frees a part of it."""
    is_lost = and_(M.lease_until < db.lease_clock.now, db.lease_clock.has_served(_LEASE))
    held = (M.state == "sending", M.channel.in_(bindparam("channels", expanding=True)), db.gate.is_admitted("outbox"))
    now = bindparam("now", type_=BigInteger)
    return (
        select(
            func.count(distinct(case((~is_lost, M.owner)))), func.coalesce(func.sum(case((is_lost, 1), else_=0)), 0)
        ).where(*held),
        select(*_CLAIMED).where(*held, is_lost).order_by(M.id).with_for_update(skip_locked=True),
        update(t.outbox)
        .where(M.id.in_(bindparam("ids", expanding=True)), M.state == "sending", is_lost)
        .values(
            state="pending",
            error="lease_expired",
            **RELEASED,
            not_before=case((M.not_before < now, M.not_before), else_=now),
        ),
    )
