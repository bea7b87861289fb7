"""The highest office time ever seen, and what becomes due again when it is set back: one transaction of one leader."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import Connection, Table, Update, and_, case, insert, or_, select, text, update

from backend.domain.instants import from_micros, to_micros
from backend.ports.integrity import Finding
from storage import tables as t
from storage.delivery.leases import acquire_lease
from storage.engine.database import Database
from storage.engine.ids import IdSupply
from storage.integrity.audit import build_audit_row
from storage.integrity.checks import insert_finding

HIGH, LEADER = "clock_high", "clock_back"
LEADS = timedelta(seconds=5)  # how long one leader keeps others out
LONGEST_LEASE = timedelta(minutes=5)  # by the database's clock: one that ends later was given before it was set back
SOON = ("", "retry", "throttle")  # what such a message waits for has come; a quiet hour or a digest has not
_KEEP = text(
    "INSERT INTO key_values (name, value) VALUES (:name, :value) ON CONFLICT (name) DO UPDATE SET value = excluded.value "
    "WHERE CAST(key_values.value AS bigint) < CAST(excluded.value AS bigint)"
)


class SqlClockStore:
    """`ClockStore` on either engine."""

    def __init__(self, db: Database, ids: IdSupply) -> None:
        self._db = db
        self._ids = ids
        self._leases = _list_lease_changes(db)

    async def load_high(self) -> datetime | None:
        kept = await self._db.fetch_value(select(t.key_values.c.value).where(t.key_values.c.name == HIGH))
        return None if kept is None else from_micros(int(kept))

    async def keep_high(self, now: datetime) -> None:
        await self._db.execute(_KEEP, {"name": HIGH, "value": str(to_micros(now))})

    async def take_back(self, owner: str, now: datetime, tolerance: timedelta) -> bool:
        await self._ids.refill(1)
        clock, row = self._db.lease_clock, t.key_values.c.name == HIGH

        def work(c: Connection) -> bool:
            if acquire_lease(c, self._db, LEADER, owner, LEADS) is None:
                return False
            high = c.execute(select(t.key_values.c.value).where(row).with_for_update()).scalar()
            if high is None or from_micros(int(high)) <= now + tolerance:
                return False
            step = int(high) - to_micros(now)
            for change in _list_changes(to_micros(now), step):
                c.execute(change)
            for change in self._leases:
                c.execute(change, clock.parameters())
            c.execute(update(t.key_values).where(row).values(value=str(to_micros(now))))
            facts = {"from_at": from_micros(int(high)).isoformat(), "seconds": step // 1_000_000}
            finding = Finding("clock_back", now.isoformat(), facts)
            insert_finding(c, finding, now)
            c.execute(insert(t.audit_log), [build_audit_row(self._ids, now, "auditor", "finding", None, facts)])
            return True

        return await self._db.write(work)


def _list_changes(now: int, step: int) -> Sequence[Update]:
    """What waits by office time. A pause keeps its length; a time that was planned by itself stays."""
    outbox, cards, writebacks, calls, texts = (
        x.c for x in (t.outbox, t.chat_cards, t.writebacks, t.calls, t.requester_texts)
    )
    is_tried = or_(calls.state == "live", calls.attempt_id.is_not(None))

    def sooner(table: Table) -> Update:
        at = table.c.next_at
        return update(table).where(at > now).values(next_at=case((at - step > now, at - step), else_=now))

    return (
        update(t.outbox).where(outbox.state == "pending", outbox.not_before > now, outbox.waits_for.in_(SOON))
        .values(not_before=now),
        update(t.chat_cards).where(cards.not_before > now).values(not_before=now),
        update(t.writebacks).where(writebacks.state == "waiting", writebacks.not_before > now).values(not_before=now),
        sooner(t.calls).where(is_tried),
        update(t.calls).where(and_(calls.next_at > now, calls.next_at <= calls.created_at, ~is_tried))
        .values(next_at=now),
        sooner(t.requester_texts).where(texts.next_at.is_not(None)),
    )  # fmt: skip


def _list_lease_changes(db: Database) -> Sequence[Update]:
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
