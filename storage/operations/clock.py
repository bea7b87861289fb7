"""The highest office time ever seen, and what becomes due again when it is set back: one transaction of one leader."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import BigInteger, Connection, Table, Update, and_, bindparam, case, or_, text, update

from backend.domain.instants import from_micros, to_micros
from backend.ports.integrity import Finding
from storage import tables as t
from storage.delivery.leases import acquire_lease
from storage.engine.database import Database
from storage.engine.ids import IdSupply
from storage.integrity.audit import INSERT_AUDIT, build_audit_row
from storage.integrity.checks import insert_finding
from storage.office.key_values import FIND_VALUE, LOCK_VALUE, UPDATE_VALUE

HIGH, LEADER = "clock_high", "clock_back"
LEADS = timedelta(seconds=5)  # how long one leader keeps others out
LONGEST_LEASE = timedelta(minutes=5)  # by the database's clock: one that ends later was given before it was set back
SOON = ("", "retry", "throttle")  # what such a message waits for has come; a quiet hour or a digest has not
_KEEP = text(
    "INSERT INTO key_values (name, value) VALUES (:name, :value) ON CONFLICT (name) DO UPDATE SET value = excluded.value "
    "WHERE CAST(key_values.value AS bigint) < CAST(excluded.value AS bigint)"
)
_NOW, _STEP = bindparam("b_now", type_=BigInteger), bindparam("b_step", type_=BigInteger)
L, K, W, C, X = (x.c for x in (t.outbox, t.chat_cards, t.writebacks, t.calls, t.requester_texts))
_IS_TRIED = or_(C.state == "live", C.attempt_id.is_not(None))


def _build_sooner(table: Table) -> Update:
    at = table.c.next_at
    return update(table).where(at > _NOW).values(next_at=case((at - _STEP > _NOW, at - _STEP), else_=_NOW))


#: What waits by office time. A pause keeps its length; a time that was planned by itself stays.
_CHANGES = (
    update(t.outbox).where(L.state == "pending", L.not_before > _NOW, L.waits_for.in_(SOON)).values(not_before=_NOW),
    update(t.chat_cards).where(K.not_before > _NOW).values(not_before=_NOW),
    update(t.writebacks).where(W.state == "waiting", W.not_before > _NOW).values(not_before=_NOW),
    _build_sooner(t.calls).where(_IS_TRIED),
    update(t.calls).where(and_(C.next_at > _NOW, C.next_at <= C.created_at, ~_IS_TRIED)).values(next_at=_NOW),
    _build_sooner(t.requester_texts).where(X.next_at.is_not(None)),
)


class SqlClockStore:
    """`ClockStore` on either engine."""

    def __init__(self, db: Database, ids: IdSupply) -> None:
        self._db = db
        self._ids = ids
        self._leases = _build_lease_changes(db)

    async def load_high(self) -> datetime | None:
        kept = await self._db.fetch_value(FIND_VALUE, {"name": HIGH})
        return None if kept is None else from_micros(int(kept))

    async def keep_high(self, now: datetime) -> None:
        await self._db.execute(_KEEP, {"name": HIGH, "value": str(to_micros(now))})

    async def take_back(self, owner: str, now: datetime, tolerance: timedelta) -> bool:
        await self._ids.refill(1)
        clock = self._db.lease_clock

        def work(c: Connection) -> bool:
            if acquire_lease(c, self._db, LEADER, owner, LEADS) is None:
                return False
            high = c.execute(LOCK_VALUE, {"name": HIGH}).scalar()
            if high is None or from_micros(int(high)) <= now + tolerance:
                return False
            step = int(high) - to_micros(now)
            for change in _CHANGES:
                c.execute(change, {"b_now": to_micros(now), "b_step": step})
            for change in self._leases:
                c.execute(change, clock.parameters())
            c.execute(UPDATE_VALUE, {"b_name": HIGH, "b_value": str(to_micros(now))})
            facts = {"from_at": from_micros(int(high)).isoformat(), "seconds": step // 1_000_000}
            finding = Finding("clock_back", now.isoformat(), facts)
            insert_finding(c, finding, now)
            c.execute(INSERT_AUDIT, [build_audit_row(self._ids, now, "auditor", "finding", None, facts)])
            return True

        return await self._db.write(work)


def _build_lease_changes(db: Database) -> Sequence[Update]:
    """What lasts by the database's clock, which was set back too: what is too long ends soon, retries of the inbox now."""
    clock = db.lease_clock
    latest = clock.after(LONGEST_LEASE)
    return (
        *(
            update(x).where(x.c.lease_until > latest).values(lease_until=latest)
            for x in (t.inbox, t.outbox, t.chat_cards, t.writebacks)
        ),
        update(t.leases).where(t.leases.c.until > latest).values(until=latest),
        update(t.inbox).where(t.inbox.c.state == "new", t.inbox.c.not_before > clock.now).values(not_before=None),
        update(t.beats).where(t.beats.c.at > clock.now).values(at=clock.now),
    )
