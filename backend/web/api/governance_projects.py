"""Projects of proactive governance (未诉先办): open, edit, close and review them (B23, B29)."""

from typing import Annotated

from pydantic import Field

from backend.ports.triage import GovernanceProject
from backend.triage.governance_projects import Project, to_json
from backend.web.api.similarity import paginate
from backend.web.endpoint import Route
from backend.web.query import PAGED, UNIT, month_filter, parse_id
from backend.web.request import ApiRequest, ApiResponse
from backend.web.schemas import Code, EmptyBody, Flag, RequestBody
from backend.web.shapes import Page

LongWords = Annotated[str, Field(max_length=2_000, strict=True)]
TicketNumbers = Annotated[list[Code], Field(max_length=200)]


class ProjectBody(RequestBody):
    """A governance project (B23)."""

    topic: Annotated[str, Field(max_length=100, strict=True)]
    cause: LongWords = ""
    measures: LongWords = ""
    tickets: TicketNumbers = []  # noqa: RUF012 - pydantic copies it
    unit: Code | None = None
    month: Annotated[str, Field(pattern=r"^20\d\d-(0[1-9]|1[0-2])$", strict=True)] | None = None


class ProjectChangeBody(RequestBody):
    """Changes to a project."""

    topic: Annotated[str, Field(max_length=100, strict=True)] | None = None
    cause: LongWords | None = None
    measures: LongWords | None = None
    tickets: TicketNumbers | None = None


class VerdictBody(RequestBody):
    """The second person's decision."""

    accept: Flag


def _answer(request: ApiRequest, project: GovernanceProject, status: int = 200) -> ApiResponse[Project]:
    return ApiResponse(to_json(project, request.services.clock.zone), status)


async def list_projects(request: ApiRequest) -> ApiResponse[Page[Project]]:
    """List projects (未诉先办), newest first."""
    found = await request.services.governance.list_projects(request.query.get("month"), request.query.get("unit"))
    return paginate(request, [to_json(p, request.services.clock.zone) for p in found], ascending=False)


async def open_project(request: ApiRequest) -> ApiResponse[Project]:
    """Open a project."""
    return _answer(request, await request.services.governance.open(request.body.model_dump(), request.actor), 201)


async def change_project(request: ApiRequest) -> ApiResponse[Project]:
    """Edit a project; that also confirms a draft."""
    number = parse_id(request.path["id"])
    return _answer(request, await request.services.governance.edit(number, request.body.model_dump(), request.actor))


async def close_project(request: ApiRequest) -> ApiResponse[Project]:
    """Close a project as governed; a ledger row then waits for review."""
    return _answer(request, await request.services.governance.close(parse_id(request.path["id"]), request.actor))


async def drop_project(request: ApiRequest) -> ApiResponse[Project]:
    """Drop a project."""
    return _answer(request, await request.services.governance.drop(parse_id(request.path["id"]), request.actor))


async def review_project(request: ApiRequest) -> ApiResponse[Project]:
    """Record the second person's decision; an accepted project counts in the scores."""
    number = parse_id(request.path["id"])
    return _answer(request, await request.services.governance.review(number, request.body.accept, request.actor))


# fmt: off
ROUTES: tuple[Route, ...] = (
    Route("GET",    "/governance",               list_projects, "triage.read", filters=(month_filter(), UNIT, *PAGED)),
    Route("POST",   "/governance",               open_project, "governance.edit", ProjectBody, status=201,
          refuses=("not_found", "not_an_institution", "unknown_unit")),
    Route("PUT",    "/governance/{id}",          change_project, "governance.edit", ProjectChangeBody,
          refuses=("overtaken", "not_now", "missing")),
    Route("POST",   "/governance/{id}/close",    close_project, "governance.edit", EmptyBody,
          refuses=("overtaken", "not_now", "governance_incomplete", "month_locked")),
    Route("POST",   "/governance/{id}/drop",     drop_project, "governance.edit", EmptyBody,
          refuses=("overtaken", "not_now")),
    Route("POST",   "/governance/{id}/review",   review_project, "governance.review", VerdictBody,
          refuses=("same_person", "not_now", "overtaken")),
)
# fmt: on
