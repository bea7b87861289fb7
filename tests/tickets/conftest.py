"""The sample city without adapters and without tickets, on either engine; tests move its clock."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from backend.app.build_services import Built, open_services
from backend.app.config import Config
from backend.app.core import Core, Opening
from backend.domain.acts import Act, Actor
from backend.domain.ticket_enums import Role, Source
from backend.rehearsal.city import load_sample
from backend.services import Services
from storage import tables as t

DISPATCHER = Actor("PD01", Role.DISPATCHER, "M01")
ADMIN = Actor("GL01", Role.ADMIN, "M01")
HANDLER = Actor("H101", Role.HANDLER, "U01")


@dataclass
class SampleCity:
    """The services of the sample city; `at` is its time."""

    at: datetime
    built: Built = field(init=False)

    @property
    def core(self) -> Core:
        return self.built.core

    @property
    def services(self) -> Services:
        return self.built.services

    def advance(self, **span: float) -> None:
        """Let time pass; `span` as for timedelta."""
        self.at += timedelta(**span)

    async def import_text(self, kind: str, text: str, by: Actor = ADMIN, **options: Any) -> dict[str, Any]:
        """Import the text of a file and return the report."""
        return await self.services.imports.import_file(kind, f"{kind}.csv", text.encode(), by, **options)

    async def act(self, verb: str, by: Actor, no: str, **arguments: Any) -> None:
        """Act on a ticket; raises Refused."""
        await self.services.tickets.act(Act(verb, by, Source.API, ticket_no=no, arguments=arguments))

    async def count(self, table: Any) -> int:
        """Return the number of rows of a table."""
        return await self.core.db.read(lambda c: int(c.execute(select(func.count()).select_from(table)).scalar_one()))

    async def load_row(self, no: str) -> Any:
        """Return the row of a ticket as the table has it."""
        return await self.core.db.read(lambda c: c.execute(select(t.tickets).where(t.tickets.c.ticket_no == no)).one())

    async def verify_journal(self) -> Any:
        """Return what a check of the whole journal says."""
        return await self.services.journal.verify()


@pytest.fixture
async def city(database_url: str, tmp_path: Path) -> AsyncIterator[SampleCity]:
    """The sample city on 2026-11-10 at 09:00, local time."""
    settings = Config(database_url=database_url, data=tmp_path, sandbox=True, secret_key="a secret of the tests")
    city = SampleCity(datetime(2026, 11, 10, 1, 0, tzinfo=UTC))
    async with open_services(settings, Opening(wall_clock=lambda: city.at)) as city.built:
        await load_sample(city.services.imports, "units", "people")
        yield city
