"""Leases of an SQLite file end with the process that owned it: its clock said nothing to the next one (XR1)."""

from datetime import timedelta

from sqlalchemy import Connection, delete, text, update

from backend.domain.instants import to_span
from storage import tables as t
from storage.engine.database import Database

_ACQUIRE = """
INSERT INTO leases (name, owner, until, fence)
SELECT CAST(:name AS text), CAST(:owner AS text), {now} + :lease, 1 WHERE {is_open}
ON CONFLICT (name) DO UPDATE SET owner = excluded.owner, until = excluded.until, fence = leases.fence + 1
WHERE leases.owner = excluded.owner OR leases.until <= {now} RETURNING fence
"""
_EXPIRED = 0  # before every time of a lease clock


def acquire_lease(c: Connection, db: Database, name: str, owner: str, span: timedelta) -> int | None:
    """Acquire or renew a lease that one owner at a time holds; its fence, or None while another holds it.

    None too where the version gate does not let this code take anything in: it must not keep others from leading.
    """
    given = {"name": name, "owner": owner, "lease": to_span(span), **db.lease_clock.parameters()}
    acquire = _ACQUIRE.format(now=db.lease_clock.sql, is_open=db.gate.admits("inbox"))
    fence = c.execute(text(acquire), given).scalar()
    return None if fence is None else int(fence)


async def void_leases(db: Database) -> int:
    """At the start of the one process that owns the file: end all leases there; return how many. PostgreSQL: none.

    What was in hand counts as left by a dead process. Waits by the former clock end too, and so do beats.
    """
    if db.dialect != "sqlite":
        return 0
    inbox, outbox, cards, writebacks = t.inbox.c, t.outbox.c, t.chat_cards.c, t.writebacks.c
    ending = (
        update(t.inbox)
        .where(inbox.lease_until.is_not(None) | inbox.not_before.is_not(None), inbox.state == "new")
        .values(owner=None, lease_until=None, not_before=None),
        update(t.outbox).where(outbox.lease_until.is_not(None)).values(lease_until=_EXPIRED),
        update(t.chat_cards).where(cards.lease_until.is_not(None)).values(owner=None, lease_until=None),
        update(t.writebacks).where(writebacks.lease_until.is_not(None)).values(lease_until=_EXPIRED),
        delete(t.leases),
        delete(t.rate_limits),
        delete(t.beats),
    )

    def work(c: Connection) -> int:
        return sum(c.execute(end).rowcount for end in ending)

    return await db.write(work)
