"""Governance projects: one row each, updated only from the state it was read in."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Executable, bindparam, insert, select, update

from backend.ports.triage import GovernanceProject
from storage import tables as t
from storage.engine.database import Database
from storage.engine.dialect import find_existing
from storage.engine.mapping import RowMapper, encode

_PROJECT = RowMapper(GovernanceProject)


G = t.governance_projects.c
_INSERT_PROJECT = insert(t.governance_projects)
_SELECT_PROJECTS = select(*_PROJECT.columns(t.governance_projects))
_GET_PROJECT = _SELECT_PROJECTS.where(G.id == bindparam("project"))
#: Sets the columns that are among its parameters.
_UPDATE_PROJECT = update(t.governance_projects).where(G.id == bindparam("b_id"), G.state == bindparam("b_state"))


class SqlGovernanceStore:
    """`GovernanceStore` on either engine."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def add_project(self, project: GovernanceProject) -> None:
        await self._db.execute(_INSERT_PROJECT, _PROJECT.values(project))

    async def get_project(self, project_id: int) -> GovernanceProject | None:
        def work(c: Connection) -> GovernanceProject | None:
            row = c.execute(_GET_PROJECT, {"project": project_id}).first()
            return None if row is None else _PROJECT.read(row)

        return await self._db.read(work)

    async def list_projects(self, month: str | None, unit: str | None) -> Sequence[GovernanceProject]:
        return await self._db.fetch_all(_build_list(month, unit), _PROJECT.read)

    async def update_project(self, project_id: int, state: str, changes: Mapping[str, Any]) -> bool:
        given = {name: encode(value) for name, value in changes.items()}
        return await self._db.execute(_UPDATE_PROJECT, {**given, "b_id": project_id, "b_state": state}) == 1

    async def find_existing_numbers(self, numbers: Sequence[str]) -> frozenset[str]:
        return frozenset(await self._db.read(lambda c: find_existing(c, t.tickets.c.ticket_no, numbers)))


def _build_list(month: str | None, unit: str | None) -> Executable:
    where = [column == value for column, value in ((G.month, month), (G.unit, unit)) if value is not None]
    return _SELECT_PROJECTS.where(*where).order_by(G.id.desc())
