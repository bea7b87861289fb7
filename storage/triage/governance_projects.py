"""Governance projects: one row each, updated only from the state it was read in."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import insert, select, update

from backend.ports.triage import GovernanceProject
from storage import tables as t
from storage.engine.database import Database
from storage.engine.dialect import find_existing
from storage.engine.mapping import RowMapper, encode

_PROJECT = RowMapper(GovernanceProject)


class SqlGovernanceStore:
    """`GovernanceStore` on either engine."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def add_project(self, project: GovernanceProject) -> None:
        await self._db.execute(insert(t.governance_projects).values(**_PROJECT.values(project)))

    async def get_project(self, project_id: int) -> GovernanceProject | None:
        return await self._db.fetch_one(
            select(*_PROJECT.columns(t.governance_projects)).where(t.governance_projects.c.id == project_id),
            _PROJECT.read,
        )

    async def list_projects(self, month: str | None, unit: str | None) -> Sequence[GovernanceProject]:
        g = t.governance_projects.c
        where = [column == value for column, value in ((g.month, month), (g.unit, unit)) if value is not None]
        query = select(*_PROJECT.columns(t.governance_projects)).where(*where).order_by(g.id.desc())
        return await self._db.fetch_all(query, _PROJECT.read)

    async def update_project(self, project_id: int, state: str, changes: Mapping[str, Any]) -> bool:
        g = t.governance_projects.c
        row = (
            update(t.governance_projects)
            .where(g.id == project_id, g.state == state)
            .values(**{name: encode(value) for name, value in changes.items()})
        )
        return await self._db.execute(row) == 1

    async def find_existing_numbers(self, numbers: Sequence[str]) -> frozenset[str]:
        return frozenset(await self._db.read(lambda c: find_existing(c, t.tickets.c.ticket_no, numbers)))
