"""Bulletins: list them, make one, download its documents; each download is audited (FA12)."""

from collections.abc import Sequence
from typing import Annotated, Any
from urllib.parse import quote

from pydantic import Field

from backend.domain.refusals import Refused
from backend.domain.ticket import Role
from backend.ports.reporting import BulletinIssue, IssueDocument
from backend.reporting.service import Reporting
from backend.web.asked import Answer, Ask
from backend.web.gate import Route
from backend.web.queries import cursor, limit_of, place_of
from backend.web.wants import Short, Want, Whole

#: Who may make and who may read them; which ones a unit's leader may read is the service's decision.
MAKERS = frozenset({Role.SCORE_CLERK})
READERS = frozenset({
    Role.SCORE_CLERK, Role.LEADER, Role.AUDITOR, Role.SUPERVISOR, Role.REVIEWER, Role.DISPATCHER, Role.REVISIT_AGENT,
})  # fmt: skip
MIME = {
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "pdf": "application/pdf",
}  # fmt: skip


class BulletinWant(Want):
    """A period, and the kind where it is not the profile's own for that period."""

    period: Short
    kind: Short | None = None
    number: Annotated[Whole, Field(ge=1)] | None = None
    profile: Short | None = None
    scheme: Short | None = None


def room(ask: Ask) -> Reporting:
    """Return the service. Refused `unavailable`."""
    if ask.rooms.bulletins is None:
        raise Refused("unavailable")
    return ask.rooms.bulletins


def number_of(written: str) -> int:
    """Parse an issue's id from a path. Refused `not_found`."""
    if not (written.isascii() and written.isdigit() and len(written) <= 18):
        raise Refused("not_found", id=written[:40])
    return int(written)


def as_json(issue: BulletinIssue, leaves: Sequence[IssueDocument]) -> dict[str, Any]:
    """Serialize an issue; its files only once it is ready."""
    return {
        "id": issue.id, "kind": issue.kind, "period": issue.period, "year": issue.year, "number": issue.number,
        "revision": issue.revision, "state": issue.state, "made_at": issue.made_at.isoformat(), "by": issue.made_by,
        "error": issue.error,
        "files": [{"name": f.name, "size": f.size, "sha256": f.sha256} for f in leaves] if issue.state == "ready" else [],
    }  # fmt: skip


async def listed(ask: Ask) -> Answer:
    """List issues, newest first."""
    page = await room(ask).list_issues(
        ask.actor, ask.query.get("period"), before=place_of(ask.query), limit=limit_of(ask.query)
    )
    return Answer({"items": [as_json(*one) for one in page.items], "next": cursor(page.next_id)})


async def make(ask: Ask) -> Answer:
    """Start making one; `GET /bulletins/ID` tells when it is ready."""
    want: BulletinWant = ask.body
    issue = await room(ask).start(
        want.period, want.kind, ask.actor, number=want.number, profile=want.profile, scheme=want.scheme
    )
    return Answer(as_json(issue, ()), 202)


async def one(ask: Ask) -> Answer:
    """Return one issue."""
    return Answer(as_json(*await room(ask).get_issue(number_of(ask.path["id"]), ask.actor)))


async def take_out(ask: Ask) -> Answer:
    """Return a document, by its name or its extension alone."""
    name, content = await room(ask).export_document(number_of(ask.path["id"]), ask.path["file"], ask.actor)
    return Answer(None, raw=content, headers=headers(name))


def headers(name: str) -> dict[str, str]:
    """Return the headers of a download that is never cached."""
    return {
        "Content-Type": MIME[name.rpartition(".")[2]], "Cache-Control": "no-store",
        "Content-Disposition": f"attachment; filename*=UTF-8''{quote(name, safe='')}",
    }  # fmt: skip


ROUTES = (
    Route("GET", "/bulletins", listed, "Bulletins", READERS, filters=("period", "limit", "cursor")),
    Route("POST", "/bulletins", make, "Make a bulletin", MAKERS, BulletinWant, answers=202),
    Route("GET", "/bulletins/{id}", one, "One bulletin", READERS),
    Route("GET", "/bulletins/{id}/{file}", take_out, "A bulletin's document", READERS),
)
