"""Governance projects: one row each, updated only from the state it was read in."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields
from datetime import datetime
from typing import Any

from sqlalchemy import insert, select, update

from backend.domain.instants import from_micros, to_micros
from backend.ports.governance import GovernanceProject
from storage import tables as t
from storage.engine.database import Database
from storage.engine.dialect import find_existing

_AT = ("opened_at", "closed_at", "reviewed_at")


class SqlGovernanceStore:
    """`GovernanceStore` on either engine."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def add_project(self, project: GovernanceProject) -> None:
        await self._db.execute(insert(t.governance).values(**_encode(asdict(project))))

    async def get_project(self, project_id: int) -> GovernanceProject | None:
        return await self._db.fetch_one(select(t.governance).where(t.governance.c.id == project_id), _to_project)

    async def list_projects(self, month: str | None, unit: str | None) -> Sequence[GovernanceProject]:
        g = t.governance.c
        where = [column == value for column, value in ((g.month, month), (g.unit, unit)) if value is not None]
        query = select(t.governance).where(*where).order_by(g.id.desc())
        return await self._db.fetch_all(query, _to_project)

    async def update_project(self, project_id: int, state: str, changes: Mapping[str, Any]) -> bool:
        g = t.governance.c
        row = update(t.governance).where(g.id == project_id, g.state == state).values(**_encode(changes))
        return await self._db.execute(row) == 1

    async def find_existing_numbers(self, numbers: Sequence[str]) -> frozenset[str]:
        return frozenset(await self._db.read(lambda c: find_existing(c, t.tickets.c.no, numbers)))


def _encode(values: Mapping[str, Any]) -> dict[str, Any]:
    def plain(value: Any) -> Any:
        if isinstance(value, datetime):
            return to_micros(value)
        return json.dumps(value, ensure_ascii=False) if isinstance(value, (list, tuple)) else value

    return {name: plain(value) for name, value in values.items()}


def _to_project(row: Any) -> GovernanceProject:
    values: dict[str, Any] = {f.name: getattr(row, f.name) for f in fields(GovernanceProject)}
    values["tickets"] = tuple(json.loads(values["tickets"]))
    for name in _AT:
        if values[name] is not None:
            values[name] = from_micros(values[name])
    return GovernanceProject(**values)
