"""An office whose tickets are checked, and ways to make every fault by hand."""

from datetime import UTC, datetime, timedelta

from sqlalchemy import text

from backend.domain.instants import to_micros
from backend.integrity.checks import IntegrityChecks
from backend.ports.integrity import Finding
from storage.engine.database import Database
from storage.engine.lease_clock import LeaseClock
from storage.integrity.checks import SqlIntegrityStore
from tests.tickets.world import World
from tests.time_and_chance import build_clock


class CheckedWorld(World):
    """An office and its integrity checks; tests write with `change` what the product would never write."""

    def __init__(self, db: Database) -> None:
        super().__init__(db)
        self.real = datetime(2026, 1, 1, tzinfo=UTC)  # the wall clock; the office's may be moved, this one may not
        self.leases_at = 1_000_000_000  # microseconds by which leases run
        db.lease_clock = LeaseClock(lambda: self.leases_at / 1_000_000)
        self.store = SqlIntegrityStore(db, self.ids)
        real = lambda: self.real.timestamp()  # noqa: E731, PLW0108 - real is moved
        self.clock = build_clock(lambda: self.at, real, real)
        self.checks = IntegrityChecks(self.store, self.clock)

    async def change(self, sql: str, **values: object) -> None:
        """Change the database by SQL."""
        await self.db.write(lambda c: c.execute(text(sql), values) and None)

    async def pass_time(self, span: timedelta) -> None:
        """Let time pass while somebody looks at every open duty, and acts on none."""
        self.at += span
        await self.change("UPDATE duties SET check_at = :now WHERE met_at IS NULL", now=to_micros(self.at))

    async def mark_sent(self) -> None:
        """Mark every message as sent, as delivery would."""
        await self.change("UPDATE outbox SET state = 'sent', sent_at = not_before")

    async def find_one(self, kind: str) -> Finding:
        """Check once; assert that exactly this is found, and return it."""
        new = await self.checks.check()
        assert [finding.kind for finding in new] == [kind]
        return new[0]

    async def list_audited(self) -> list[str]:
        """Return what the checks wrote into the audit log, oldest first."""
        query = text("SELECT event FROM audit_log WHERE actor = 'auditor' ORDER BY id")
        return [row.event for row in await self.db.read(lambda c: c.execute(query).all())]
