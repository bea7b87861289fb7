"""Projects of proactive governance (未诉先办): open, edit, close and review them (B23, B29)."""

from typing import Annotated

from pydantic import Field

from backend.domain.ticket import Role
from backend.triage.governance import Governance, to_json
from backend.web.api.likeness import OFFICE, PAGED, number_of, paged, room_of
from backend.web.asked import Answer, Ask
from backend.web.gate import Route
from backend.web.wants import Code, Flag, Nothing, Want

GOVERNORS = frozenset({Role.DISPATCHER, Role.REVIEWER, Role.SUPERVISOR, Role.SCORE_CLERK})
REVIEWERS = frozenset({Role.SCORE_CLERK})
Words = Annotated[str, Field(max_length=2_000, strict=True)]
Numbers = Annotated[list[Code], Field(max_length=200)]


class ProjectWant(Want):
    """A governance project (B23)."""

    topic: Annotated[str, Field(max_length=100, strict=True)]
    cause: Words = ""
    measures: Words = ""
    tickets: Numbers = []  # noqa: RUF012 - pydantic copies it
    unit: Code | None = None
    month: Annotated[str, Field(pattern=r"^20\d\d-(0[1-9]|1[0-2])$", strict=True)] | None = None


class ProjectChange(Want):
    """Changes to a project."""

    topic: Annotated[str, Field(max_length=100, strict=True)] | None = None
    cause: Words | None = None
    measures: Words | None = None
    tickets: Numbers | None = None


class Verdict(Want):
    """The second person's decision."""

    accept: Flag


async def projects(ask: Ask) -> Answer:
    """List projects (未诉先办), newest first."""
    room: Governance = room_of(ask.rooms.governance)
    found = await room.list_projects(ask.query.get("month"), ask.query.get("unit"))
    return paged(ask, [to_json(p) for p in found], rising=False)


async def open_project(ask: Ask) -> Answer:
    """Open a project."""
    return Answer(to_json(await room_of(ask.rooms.governance).open(ask.body.model_dump(), ask.actor)), 201)


async def change_project(ask: Ask) -> Answer:
    """Edit a project; that also confirms a draft."""
    return Answer(to_json(await room_of(ask.rooms.governance).edit(number_of(ask), ask.body.model_dump(), ask.actor)))


async def close_project(ask: Ask) -> Answer:
    """Close a project as governed; a ledger row then waits for review."""
    return Answer(to_json(await room_of(ask.rooms.governance).close(number_of(ask), ask.actor)))


async def drop_project(ask: Ask) -> Answer:
    """Drop a project."""
    return Answer(to_json(await room_of(ask.rooms.governance).drop(number_of(ask), ask.actor)))


async def review_project(ask: Ask) -> Answer:
    """Record the second person's decision; an accepted project counts in the scores."""
    return Answer(to_json(await room_of(ask.rooms.governance).review(number_of(ask), ask.body.accept, ask.actor)))


# fmt: off
ROUTES: tuple[Route, ...] = (
    Route("GET",    "/governance",               projects,       "Governance projects", OFFICE, filters=("month", "unit", *PAGED)),
    Route("POST",   "/governance",               open_project,   "A governance project", GOVERNORS, ProjectWant, answers=201),
    Route("PUT",    "/governance/{id}",          change_project, "Write on", GOVERNORS, ProjectChange),
    Route("POST",   "/governance/{id}/close",    close_project,  "The class is governed", GOVERNORS, Nothing),
    Route("POST",   "/governance/{id}/drop",     drop_project,   "Put it aside", GOVERNORS, Nothing),
    Route("POST",   "/governance/{id}/review",   review_project, "Review it", REVIEWERS, Verdict),
)
# fmt: on
