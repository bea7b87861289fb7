"""A house without doors, with the sample office in it, on either engine; its clock is in the hand of the test."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from backend.app.config import Config
from backend.app.core import Core, open_core
from backend.domain.acts import Act, Actor
from backend.domain.ticket import Role, Source
from backend.rehearsal import city
from storage import tables as t

CLERK = Actor("PD01", Role.DISPATCHER, "M01")
ADMIN = Actor("GL01", Role.ADMIN, "M01")


@dataclass
class Bench:
    """A house and the hand on its clock."""

    house: Core
    moment: list[datetime]

    def later(self, **span: float) -> None:
        """Time passes."""
        self.moment[0] += timedelta(**span)

    async def bring(self, kind: str, text: str, by: Actor = ADMIN, **words: Any) -> dict[str, Any]:
        """Import a file written in the test."""
        return await self.house.imports.import_file(kind, f"{kind}.csv", text.encode(), by, **words)

    async def act(self, verb: str, by: Actor, no: str, **words: Any) -> None:
        """Somebody acts."""
        await self.house.tickets.act(Act(verb, by, Source.API, ticket_no=no, arguments=words))

    async def count(self, table: Any) -> int:
        """How many rows a table has."""
        return await self.house.db.read(lambda c: int(c.execute(select(func.count()).select_from(table)).scalar_one()))

    async def ticket(self, no: str) -> Any:
        """The bare row of a ticket."""
        return await self.house.db.read(lambda c: c.execute(select(t.tickets).where(t.tickets.c.no == no)).one())


def environment(url: str, data: Path) -> Config:
    """A sandbox over this database."""
    return Config(database_url=url, data=data, sandbox=True, secret_key="a secret of the tests")  # type: ignore[arg-type]


@pytest.fixture
async def bench(database_url: str, tmp_path: Path) -> AsyncIterator[Bench]:
    """A house with the sample office and no tickets, on 2026-11-10 09:00."""
    moment = [datetime(2026, 11, 10, 1, 0, tzinfo=UTC)]
    async with open_core(environment(database_url, tmp_path), wall_clock=lambda: moment[0]) as house:
        await city.load_sample(house.imports, "units", "people")
        yield Bench(house, moment)
