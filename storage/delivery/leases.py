"""Leases of an SQLite file end with the process that owned it: its clock said nothing to the next one (XR1)."""

from sqlalchemy import Connection, delete, update

from storage import tables as t
from storage.engine.database import Database

_EXPIRED = 0  # before every time of a lease clock


async def void_leases(db: Database) -> int:
    """At the start of the one process that owns the file: end all leases there; return how many. PostgreSQL: none.

    What was in hand counts as left by a dead process. Waits by the former clock end too, and so do beats.
    """
    if db.dialect != "sqlite":
        return 0
    inbox, letters, cards, writebacks = t.inbox.c, t.letters.c, t.cards.c, t.writebacks.c
    ending = (
        update(t.inbox).where(inbox.lease_until.is_not(None) | inbox.not_before.is_not(None), inbox.state == "new")
        .values(owner=None, lease_until=None, not_before=None),
        update(t.letters).where(letters.lease_until.is_not(None)).values(lease_until=_EXPIRED),
        update(t.cards).where(cards.lease_until.is_not(None)).values(owner=None, lease_until=None),
        update(t.writebacks).where(writebacks.lease_until.is_not(None)).values(lease_until=_EXPIRED),
        delete(t.leases),
        delete(t.pace),
        delete(t.beats),
    )  # fmt: skip

    def work(c: Connection) -> int:
        return sum(c.execute(end).rowcount for end in ending)

    return await db.write(work)
