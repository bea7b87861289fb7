"""Manage proactive governance projects (未诉先办): drafted from similar tickets, counted after review (B23, B29)."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from typing_extensions import TypedDict

from backend.domain.acts import Actor
from backend.domain.json_shapes import Instant, Month, one_of
from backend.domain.permissions import require
from backend.domain.refusals import Refused
from backend.domain.ticket_enums import UnitKind
from backend.office.cache import OfficeCache
from backend.ports.ids import IdSupply
from backend.ports.triage import GovernanceProject, GovernanceStore
from backend.scoring import Scoring
from backend.triage import Similarity
from backend.triage.similarity import TicketGroup

MAX_LENGTH, MAX_TOPIC_LENGTH, MAX_TICKETS = 2_000, 100, 200
LEDGER_KIND = "governed_class"  # kind of ledger line
DRAFT_AUTHOR = "clock"  # the author of drafts


STATES = ("draft", "open", "closed", "accepted", "refused", "dropped")


class Project(TypedDict):
    """A governance project; `drafted`: proposed by the system."""

    id: int
    unit: str
    month: Month
    topic: str
    cause: str
    measures: str
    tickets: list[str]
    state: Annotated[str, one_of(STATES)]
    drafted: bool
    opened_by: str
    opened_at: Instant
    closed_by: str | None
    closed_at: Instant | None
    reviewed_by: str | None
    reviewed_at: Instant | None
    ledger_id: int | None


class Governance:
    """Governance projects: the system drafts, a person opens and closes, another reviews; only then does it count."""

    def __init__(
        self, store: GovernanceStore, similarity: Similarity, ledgers: Scoring, office: OfficeCache, ids: IdSupply
    ) -> None:
        self._store, self._similarity, self._ledgers, self._office, self._ids = store, similarity, ledgers, office, ids

    async def list_projects(self, month: str | None = None, unit: str | None = None) -> Sequence[GovernanceProject]:
        """List projects, newest first."""
        return await self._store.list_projects(month, unit)

    async def open(self, fields: Mapping[str, Any], by: Actor) -> GovernanceProject:
        """Open a new project. `fields`: topic, cause, measures, tickets, unit?, month?

        Refused `forbidden`, `missing`, `bad_field`, `unknown_unit`, `not_an_institution`, `not_found` (a ticket).
        """
        require(by, "governance.edit", verb="governance")
        now = self._office.clock.now()
        unit = await self._resolve_institution(fields.get("unit"), by)
        await self._ids.refill(1)
        project = GovernanceProject(
            self._ids.take(), unit, fields.get("month") or f"{now:%Y-%m}", _parse_text(fields, "topic", MAX_TOPIC_LENGTH, required=True),
            _parse_text(fields, "cause"), _parse_text(fields, "measures"), await self._check_tickets(fields.get("tickets") or ()),
            "open", False, by.code, now,
        )  # fmt: skip
        await self._store.add_project(project)
        return project

    async def edit(self, project_id: int, fields: Mapping[str, Any], by: Actor) -> GovernanceProject:
        """Edit topic, cause, measures or tickets. Editing a draft opens it.

        Refused `forbidden`, `not_found`, `not_now`, `bad_field`.
        """
        require(by, "governance.edit", verb="governance")
        project = await self._load(project_id, "draft", "open")
        changes: dict[str, object] = {"state": "open"}
        if project.state == "draft":
            changes |= {"opened_by": by.code, "opened_at": self._office.clock.now()}
        for name, longest in (("topic", MAX_TOPIC_LENGTH), ("cause", MAX_LENGTH), ("measures", MAX_LENGTH)):
            if fields.get(name) is not None:
                changes[name] = _parse_text(fields, name, longest, required=name == "topic")
        if fields.get("tickets") is not None:
            changes["tickets"] = await self._check_tickets(fields["tickets"])
        return await self._apply(project, changes)

    async def drop(self, project_id: int, by: Actor) -> GovernanceProject:
        """Drop a draft or an open project. Refused `forbidden`, `not_found`, `not_now`."""
        require(by, "governance.edit", verb="governance")
        project = await self._load(project_id, "draft", "open")
        return await self._apply(
            project, {"state": "dropped", "closed_by": by.code, "closed_at": self._office.clock.now()}
        )

    async def close(self, project_id: int, by: Actor) -> GovernanceProject:
        """Declare the class governed: enter a ledger line that waits for the second person's review.

        Refused `forbidden`, `not_found`, `not_now`, `governance_incomplete` (cause, measures and a ticket are
        required: by solving one demand a class is governed, B23), and as the ledger refuses.
        """
        require(by, "governance.edit", verb="governance")
        project = await self._load(project_id, "open")
        if not (project.cause and project.measures and project.tickets):
            raise Refused("governance_incomplete")
        entry = await self._ledgers.enter_ledger(
            {
                "kind": LEDGER_KIND, "unit": project.unit, "month": project.month, "count": 1,
                "note": f"{project.topic}\n{project.cause}\n{project.measures}"[:MAX_LENGTH],
                "evidence": " ".join(project.tickets)[:MAX_LENGTH],
            },
            by.with_role(None),
        )  # fmt: skip
        return await self._apply(project, {"state": "closed", "closed_by": by.code, "ledger_id": entry["id"],
                                             "closed_at": self._office.clock.now()})  # fmt: skip

    async def review(self, project_id: int, accept: bool, by: Actor) -> GovernanceProject:
        """Accept or refuse a closed project; accepted, it counts.

        Refused `forbidden`, `not_found`, `not_now`, `same_person`.
        """
        require(by, "governance.review", verb="governance")
        project = await self._load(project_id, "closed")
        assert project.ledger_id is not None
        if project.closed_by == by.code:
            raise Refused("same_person", by=by.code)
        await self._ledgers.review_ledger(project.ledger_id, accept, by)
        return await self._apply(project, {"state": "accepted" if accept else "refused", "reviewed_by": by.code,
                                             "reviewed_at": self._office.clock.now()})  # fmt: skip

    async def draft_projects(self) -> int:
        """Draft projects from this month's large groups that have none (`governance.draft_from`); return how many."""
        now = self._office.clock.now()
        snapshot = await self._office.snapshot()
        least = snapshot.settings.integer("governance.draft_from")
        first = datetime(now.year, now.month, 1, tzinfo=now.tzinfo)
        groups, _ = await self._similarity.group_period(first, now)
        month = f"{now:%Y-%m}"
        taken = {no for project in await self._store.list_projects(month, None) for no in project.tickets}
        made = 0
        for group in groups:
            numbers = tuple(one.ticket_no for one in group.members)
            unit = snapshot.find_institution(_most_common_region(group))
            if len(numbers) < least or taken & {*numbers} or unit is None:
                continue
            await self._ids.refill(1)
            await self._store.add_project(GovernanceProject(
                self._ids.take(), unit, month, " ".join(group.common_terms)[:MAX_TOPIC_LENGTH], "", "", numbers[:MAX_TICKETS],
                "draft", True, DRAFT_AUTHOR, now,
            ))  # fmt: skip
            made += 1
        return made

    # -- shared helpers

    async def _load(self, project_id: int, *states: str) -> GovernanceProject:
        project = await self._store.get_project(project_id)
        if project is None:
            raise Refused("not_found", project=project_id)
        if project.state not in states:
            raise Refused("not_now", state=project.state)
        return project

    async def _apply(self, project: GovernanceProject, changes: Mapping[str, Any]) -> GovernanceProject:
        if not await self._store.update_project(project.id, project.state, changes):
            raise Refused("overtaken")
        return replace(project, **changes)

    async def _resolve_institution(self, code: str | None, by: Actor) -> str:
        snapshot = await self._office.snapshot()
        unit = snapshot.config.units.get(code or snapshot.find_institution(receiver=by.unit) or "")
        if unit is None:
            raise Refused("unknown_unit", unit=code or "")
        if unit.kind is not UnitKind.MANAGEMENT:
            raise Refused("not_an_institution", unit=unit.name)
        return unit.code

    async def _check_tickets(self, numbers: Sequence[str]) -> tuple[str, ...]:
        wanted = tuple(dict.fromkeys(numbers))
        if len(wanted) > MAX_TICKETS:
            raise Refused("bad_field", field="tickets")
        known = await self._store.find_existing_numbers(wanted)
        for no in wanted:
            if no not in known:
                raise Refused("not_found", ticket=no)
        return wanted


def _most_common_region(group: TicketGroup) -> str:
    return Counter(one.region for one in group.members).most_common(1)[0][0]


def _parse_text(fields: Mapping[str, object], name: str, longest: int = MAX_LENGTH, *, required: bool = False) -> str:
    value = str(fields.get(name) or "").strip()
    if len(value) > longest:
        raise Refused("bad_field", field=name)
    if required and not value:
        raise Refused("missing", field=name)
    return value


def to_json(project: GovernanceProject, zone: ZoneInfo) -> Project:
    """Convert a project to JSON, its times in the office's zone."""
    p = project
    return {
        "id": p.id, "unit": p.unit, "month": p.month, "topic": p.topic, "cause": p.cause, "measures": p.measures,
        "tickets": list(p.tickets), "state": p.state, "drafted": p.drafted, "opened_by": p.opened_by,
        "opened_at": p.opened_at.astimezone(zone).isoformat(), "closed_by": p.closed_by,
        "closed_at": None if p.closed_at is None else p.closed_at.astimezone(zone).isoformat(), "reviewed_by": p.reviewed_by,
        "reviewed_at": None if p.reviewed_at is None else p.reviewed_at.astimezone(zone).isoformat(), "ledger_id": p.ledger_id,
    }  # fmt: skip
