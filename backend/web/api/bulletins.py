"""Bulletins: list them, make one, download its documents; each download is audited (FA12)."""

from collections.abc import Sequence
from typing import Annotated
from zoneinfo import ZoneInfo

from pydantic import Field
from typing_extensions import TypedDict

from backend.domain.json_shapes import Instant, one_of
from backend.ports.reporting import BulletinIssue, IssueDocument
from backend.web.api.files import build_headers
from backend.web.endpoint import Route
from backend.web.query import PAGED, encode_cursor, parse_id, parse_limit, parse_row_cursor, period_filter
from backend.web.request import ApiRequest, ApiResponse
from backend.web.schemas import Int32, RequestBody, ShortText
from backend.web.shapes import Page

MIME = {
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "pdf": "application/pdf",
}


class BulletinBody(RequestBody):
    """A period, and the kind where it is not the profile's own for that period."""

    period: ShortText
    kind: ShortText | None = None
    number: Annotated[Int32, Field(ge=1)] | None = None
    profile: ShortText | None = None
    scheme: ShortText | None = None


class IssueFile(TypedDict):
    """A document of a bulletin."""

    name: str
    size: int
    sha256: str


class Issue(TypedDict):
    """A bulletin; its files are there once it is ready."""

    id: int
    kind: str
    period: str
    year: int
    number: int
    revision: int
    state: Annotated[str, one_of(("making", "ready", "failed"))]
    made_at: Instant
    by: str
    error: str | None
    files: list[IssueFile]


def parse_issue_id(text: str) -> int:
    """Parse an issue's id from a path. Refused `not_found`."""
    return parse_id(text)


def dump_issue(issue: BulletinIssue, files: Sequence[IssueDocument], zone: ZoneInfo) -> Issue:
    """Serialize an issue, in the office's time; its files only once it is ready."""
    return {
        "id": issue.id, "kind": issue.kind, "period": issue.period, "year": issue.year, "number": issue.number,
        "revision": issue.revision, "state": issue.state, "made_at": issue.made_at.astimezone(zone).isoformat(), "by": issue.made_by,
        "error": issue.error,
        "files": [{"name": f.name, "size": f.size, "sha256": f.sha256} for f in files] if issue.state == "ready" else [],
    }  # fmt: skip


async def list_issues(request: ApiRequest) -> ApiResponse[Page[Issue]]:
    """List issues, newest first."""
    page = await request.services.reporting.list_issues(
        request.actor,
        request.query.get("period"),
        before=parse_row_cursor(request.query),
        limit=parse_limit(request.query),
    )
    return ApiResponse(
        {
            "items": [dump_issue(*one, request.services.clock.zone) for one in page.items],
            "next": encode_cursor(page.next_id),
        }
    )


async def start_issue(request: ApiRequest) -> ApiResponse[Issue]:
    """Start making one; `GET /bulletins/ID` tells when it is ready."""
    body: BulletinBody = request.body
    issue = await request.services.reporting.start(
        body.period, body.kind, request.actor, number=body.number, profile=body.profile, scheme=body.scheme
    )
    return ApiResponse(dump_issue(issue, (), request.services.clock.zone), 202)


async def get_issue(request: ApiRequest) -> ApiResponse[Issue]:
    """Return one issue."""
    found = await request.services.reporting.get_issue(parse_issue_id(request.path["id"]), request.actor)
    return ApiResponse(dump_issue(*found, request.services.clock.zone))


async def download(request: ApiRequest) -> ApiResponse[None]:
    """Return a document, by its name or its extension alone."""
    name, content = await request.services.reporting.export_document(
        parse_issue_id(request.path["id"]), request.path["file"], request.actor
    )
    return ApiResponse(None, raw=content, headers=build_download_headers(name))


def build_download_headers(name: str) -> dict[str, str]:
    """Return the headers of a download that is never cached."""
    return build_headers(name, MIME[name.rpartition(".")[2]])


ROUTES = (
    Route("GET", "/bulletins", list_issues, "bulletins.read", filters=(period_filter(), *PAGED)),
    Route(
        "POST",
        "/bulletins",
        start_issue,
        "bulletins.make",
        BulletinBody,
        status=202,
        refuses=(
            "bad_period",
            "period_not_begun",
            "bad_bulletin",
            "bulletin_not_made",
            "bad_setting",
            "bad_issue",
            "issue_taken",
            "unknown_scheme",
        ),
    ),
    Route("GET", "/bulletins/{id}", get_issue, "bulletins.read"),
    Route("GET", "/bulletins/{id}/{file}", download, "bulletins.read", media=tuple(MIME.values())),
)
