"""A small office on an empty database: the ticket service, units and people, and a clock that tests move."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import ClassVar, Self

from sqlalchemy import Connection, insert

from backend.domain.acts import Act, Actor, Snapshot
from backend.domain.journal_hash import build_entry
from backend.domain.records import Duty, Ticket, Unit
from backend.domain.ticket_enums import Category, Grade, Obligation, Role, Source, State, UnitKind
from backend.office.cache import OfficeCache
from backend.ports.tickets import TicketRef, TicketRows
from backend.tickets.service import TicketService
from storage import tables as t
from storage.engine.database import Database
from storage.engine.encryption import Encryption
from storage.engine.ids import IdSupply
from storage.office.config import SqlConfigStore, bump_epoch
from storage.tickets.moves import create_move_store
from tests.time_and_chance import CHANCE, ZONE, build_clock

DISPATCHER = Actor("D1", Role.DISPATCHER, "M01")
REVIEWER = Actor("R1", Role.REVIEWER, "M01")
SUPERVISOR = Actor("S1", Role.SUPERVISOR, "M01")
HANDLER = Actor("H1", Role.HANDLER, "U01")


class World:
    """`at` is the office's time; two units with handlers, and an institution that dispatches to them."""

    start: ClassVar[datetime] = datetime(2026, 11, 10, 9, 0, tzinfo=ZONE)  # a Tuesday
    region: ClassVar[str] = "A市"
    units: ClassVar[Sequence[Unit]] = (
        Unit("M01", "市热线", UnitKind.MANAGEMENT, "A市"),
        Unit("U01", "住建局", UnitKind.HANDLING, "A市"),
        Unit("U02", "交通局", UnitKind.HANDLING, "A市"),
    )
    handlers: ClassVar[Sequence[tuple[str, str]]] = (("H1", "U01"), ("H2", "U01"), ("H9", "U02"))

    def __init__(self, db: Database) -> None:
        self.at = self.start
        self.db, self.ids = db, IdSupply(db)
        self.encryption = Encryption("a secret of the tests", CHANCE)
        self.config = SqlConfigStore(db, self.ids)
        self.clock = build_clock(lambda: self.at)
        self.office = OfficeCache(self.config, self.clock, "jilin")
        self.moves = create_move_store(db)
        self.tickets = TicketService(self.moves, self.office, self.ids, self.encryption.journal)

    async def open(self) -> Self:
        """Write the units and their handlers."""
        await self.config.save_units(self.units, "admin", self.at)

        def insert_handlers(c: Connection) -> None:
            for code, unit in self.handlers:
                person = {"code": code, "name": code, "unit": unit, "role": "handler", "phone_sealed": b"x"}
                c.execute(insert(t.people).values(**person, active=True))
            bump_epoch(c)

        await self.db.write(insert_handlers)
        return self

    async def add_ticket(self, no: str = "T1", grade: Grade = Grade.GENERAL) -> None:
        """Add a ticket as intake leaves it: waiting for dispatch, with twelve hours for that."""
        await self.ids.refill()
        now, ticket_id = self.at.astimezone(UTC), self.ids.take()
        entry = build_entry(
            self.encryption.journal, prev_hash="", entry_id=self.ids.take(), ticket_id=ticket_id, version=1,
            assignment_id=None, verb="create", from_state="", to_state="pending_dispatch", by="D1", source=Source.API,
            at=now, recorded_at=now, arguments={},
        )  # fmt: skip
        ticket = Ticket(ticket_id, no, 1, entry.hash, State.PENDING_DISPATCH, Category.HELP, grade, "phone",
                        self.region, "M01", "M01", now, text="路灯不亮", has_phone=True)  # fmt: skip
        duty = Duty(self.ids.take(), ticket_id, None, "M01", Obligation.DISPATCH, grade, now,
                    now + timedelta(hours=12), now + timedelta(hours=6))  # fmt: skip
        assert await self.moves.create([TicketRows(ticket, entry, (duty,))]) == [True]

    async def load(self, no: str = "T1") -> Snapshot:
        """Return the ticket as it is stored now."""
        snapshot = await self.moves.load(TicketRef(ticket_no=no))
        assert snapshot is not None
        return snapshot

    async def act(self, verb: str, by: Actor, no: str = "T1", **arguments: object) -> None:
        """Act on a ticket; raises Refused."""
        await self.tickets.act(Act(verb, by, Source.API, ticket_no=no, arguments=arguments))
