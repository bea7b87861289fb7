"""Leases of an SQLite file end with the process that owned it: its clock said nothing to the next one (XR1)."""

from datetime import timedelta
from functools import cache

from sqlalchemy import Connection, TextClause, bindparam, delete, text, update

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
_INBOX, _OUTBOX, _CARDS, _WRITEBACKS = t.inbox.c, t.outbox.c, t.chat_cards.c, t.writebacks.c
#: What was in hand counts as left by a dead process. Waits by the former clock end too, and so do beats.
_END_ALL = (
    update(t.inbox)
    .where(_INBOX.lease_until.is_not(None) | _INBOX.not_before.is_not(None), _INBOX.state == "new")
    .values(owner=None, lease_until=None, not_before=None),
    update(t.outbox).where(_OUTBOX.lease_until.is_not(None)).values(lease_until=_EXPIRED),
    update(t.chat_cards).where(_CARDS.lease_until.is_not(None)).values(owner=None, lease_until=None),
    update(t.writebacks).where(_WRITEBACKS.lease_until.is_not(None)).values(lease_until=_EXPIRED),
    delete(t.leases),
    delete(t.rate_limits),
    delete(t.beats),
)
_RELEASE = delete(t.leases).where(t.leases.c.name == bindparam("name"), t.leases.c.owner == bindparam("owner"))


@cache
def _build_acquire(now: str, is_open: str) -> TextClause:
    return text(_ACQUIRE.format(now=now, is_open=is_open))


def acquire_lease(c: Connection, db: Database, name: str, owner: str, span: timedelta) -> int | None:
    """Acquire or renew a lease that one owner at a time holds; its fence, or None while another holds it.

    None too where the version gate does not let this code take anything in: it must not keep others from leading.
    """
    given = {"name": name, "owner": owner, "lease": to_span(span), **db.lease_clock.parameters()}
    fence = c.execute(_build_acquire(db.lease_clock.sql, db.gate.admits("inbox")), given).scalar()
    return None if fence is None else int(fence)


async def void_leases(db: Database) -> int:
    """At the start of the one process that owns the file: end all leases there; return how many. PostgreSQL: none."""
    if db.dialect != "sqlite":
        return 0
    return await db.write(lambda c: sum(c.execute(end).rowcount for end in _END_ALL))


class SqlLeases:
    """Leases by name on either engine (FT30)."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def acquire_lease(self, name: str, owner: str, span: timedelta) -> bool:
        """Acquire or renew for `span` a lease that one process at a time may hold; False while another holds it."""
        return await self._db.write(lambda c: acquire_lease(c, self._db, name, owner, span) is not None)

    async def release_lease(self, name: str, owner: str) -> None:
        """Release a lease."""
        await self._db.execute(_RELEASE, {"name": name, "owner": owner})
