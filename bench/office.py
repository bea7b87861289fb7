"""An office for benchmarks: one institution, twenty units with handlers, any number of tickets, on either engine."""

import asyncio
import shutil
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, insert, text
from sqlalchemy.ext.asyncio import create_async_engine

from backend.domain.acts import Actor
from backend.domain.journal_hash import JournalKey, build_entry
from backend.domain.records import Duty, Ticket, Unit
from backend.domain.ticket_enums import Category, Grade, Obligation, Role, Source, State, UnitKind
from backend.office.cache import OfficeCache
from backend.office.clock import Clock
from backend.ports.tickets import TicketRows
from backend.tickets.service import TicketService
from storage import tables as t
from storage.engine import versions
from storage.engine.database import Database
from storage.engine.ids import IdSupply
from storage.engine.open import open_database
from storage.office.config import SqlConfigStore, bump_epoch
from storage.tickets.moves import create_move_store
from tests import postgres

ZONE = ZoneInfo("Asia/Shanghai")
KEY = JournalKey("journal", b"k" * 32)
UNITS = 20
DISPATCHER = Actor("D1", Role.DISPATCHER, "M01")
START = datetime(2026, 11, 10, 9, 0, tzinfo=ZONE)


def make_handler(unit: str) -> Actor:
    """Return the first handler of a unit."""
    return Actor(f"H{unit[1:]}", Role.HANDLER, unit)


def unit_of(index: int) -> str:
    """Return the unit of a ticket by its index, spreading tickets over the units."""
    return f"U{index % UNITS:02d}"


class BenchOffice:
    """A ticket service with its dependencies.

    Its time is START plus `later` plus the real time since, so that no two moves share an instant.
    """

    def __init__(self, db: Database) -> None:
        self.db = db
        self.offset = timedelta()
        self._started_at = time.monotonic()
        self.ids = IdSupply(db)
        self.config = SqlConfigStore(db, self.ids)
        self.moves = create_move_store(db)
        self.office = OfficeCache(self.config, Clock(self.now, ZONE, time.time, time.monotonic), "jilin")
        self.tickets = TicketService(self.moves, self.office, self.ids, KEY)
        self._made = 0

    def now(self) -> datetime:
        """Return the current time of this office."""
        return START + self.offset + timedelta(seconds=time.monotonic() - self._started_at)

    async def open(self) -> "BenchOffice":
        """Create units and people, each with a telephone and bound to a chat."""
        units = [Unit("M01", "市热线", UnitKind.MANAGEMENT, "A市")]
        units += [Unit(unit_of(i), f"单位{i}", UnitKind.HANDLING, "A市") for i in range(UNITS)]
        await self.config.save_units(units, "bench", START)

        def staff(c: Connection) -> None:
            people = [("D1", "M01", "dispatcher"), ("R1", "M01", "reviewer")]
            people += [(f"H{i:02d}", unit_of(i), "handler") for i in range(UNITS)]
            people += [(f"L{i:02d}", unit_of(i), "liaison") for i in range(UNITS)]
            for number, (code, unit, role) in enumerate(people, 1):
                c.execute(insert(t.people).values(code=code, name=code, unit=unit, role=role, phone_sealed=b"x",
                                                  active=True, contact_order=0, key_authorised=False, pin_failures=0))  # fmt: skip
                c.execute(insert(t.bindings).values(id=number, person=code, channel="telegram", state="live", how="code",
                                                    address=str(number), user_id=str(number), bound_at=0))  # fmt: skip
            bump_epoch(c)

        await self.db.write(staff)
        await self.ids.refill()
        return self

    async def create_tickets(self, count: int) -> list[str]:
        """Create tickets waiting to be dispatched; return their numbers."""
        now = self.now().astimezone(UTC)
        numbers = []
        for first in range(0, count, 500):
            batch = []
            many = min(500, count - first)
            await self.ids.refill(many * 3)
            for _ in range(many):
                self._made += 1
                numbers.append(f"JS20261110{self._made:06d}")
                batch.append(self._make_ticket(numbers[-1], now))
            assert all(await self.moves.create(batch))
        return numbers

    def _make_ticket(self, no: str, now: datetime) -> TicketRows:
        ticket_id = self.ids.take()
        line = build_entry(KEY, prev_hash="", entry_id=self.ids.take(), ticket_id=ticket_id, version=1, assignment_id=None,
                     verb="create", from_state="", to_state="pending_dispatch", by="D1", source=Source.API, at=now,
                     recorded_at=now, arguments={})  # fmt: skip
        ticket = Ticket(ticket_id, no, 1, line.hash, State.PENDING_DISPATCH, Category.HELP, Grade.GENERAL, "phone",
                        "A市", "M01", "M01", now, text="路灯不亮，请派人维修。" * 5, has_phone=True)  # fmt: skip
        due = Duty(self.ids.take(), ticket_id, None, "M01", Obligation.DISPATCH, Grade.GENERAL, now,
                   now + timedelta(hours=12), None)  # fmt: skip
        return TicketRows(ticket, line, (due,))


async def run_concurrently(jobs: Sequence[Callable[[], object]], width: int) -> None:
    """Await all jobs, `width` of them at the same time."""
    waiting = iter(jobs)

    async def hand() -> None:
        for job in waiting:
            await job()  # type: ignore[misc]

    await asyncio.gather(*(hand() for _ in range(width)))


@asynccontextmanager
async def open_office(engine: str) -> AsyncIterator[BenchOffice]:
    """Open a bench office on its own database."""
    async with open_bench_database(engine) as db:
        yield await BenchOffice(db).open()


@asynccontextmanager
async def open_bench_database(engine: str) -> AsyncIterator[Database]:
    """Open an empty database; PostgreSQL needs its programs installed."""
    async with AsyncExitStack() as stack:
        if engine == "sqlite":
            home = Path(tempfile.mkdtemp(prefix="jiesu-bench-"))
            stack.callback(shutil.rmtree, home, ignore_errors=True)
            url = f"sqlite:///{home / 'bench.db'}"
        else:
            cluster = stack.enter_context(postgres.run_cluster())
            maker = create_async_engine(
                cluster.replace("postgresql://", "postgresql+asyncpg://") + "postgres", isolation_level="AUTOCOMMIT"
            )
            async with maker.connect() as c:
                await c.execute(text("CREATE DATABASE bench"))
            await maker.dispose()
            url = cluster + "bench"
        await asyncio.to_thread(versions.create_tables, url)
        db = open_database(url, time.monotonic)
        stack.push_async_callback(db.close)
        yield db


def list_engines() -> list[str]:
    """List the database engines available on this machine."""
    return ["sqlite", "postgresql"] if postgres.find_programs() is not None else ["sqlite"]
