"""A ticket's duties, and preview or apply of what a calendar or limit change moves."""

from typing import Annotated

from pydantic import Field
from typing_extensions import TypedDict

from backend.deadlines.recompute import parse_days
from backend.domain.acts import Sight
from backend.domain.json_shapes import Instant
from backend.domain.recompute import DueChange, RuleChange
from backend.domain.records import Duty
from backend.domain.ticket_enums import Grade, Obligation, Outcome
from backend.domain.time_words import describe_time_left
from backend.services import Services
from backend.web.api.tickets import load_view
from backend.web.endpoint import Route
from backend.web.query import PAGED
from backend.web.request import ApiRequest, ApiResponse
from backend.web.schemas import Flag, RequestBody
from backend.web.shapes import Page

SettingText = Annotated[str, Field(max_length=2_000, strict=True)]
SettingName = Annotated[str, Field(max_length=200, strict=True)]


class ChangeBody(RequestBody):
    """Settings (`KEY` or `KEY@UNIT` → value) and days (`2026-10-10` → workday or not) to change."""

    settings: dict[SettingName, SettingText] = Field(default_factory=dict, max_length=50)
    days: dict[SettingName, Flag] = Field(default_factory=dict, max_length=1_000)


class TimedDuty(TypedDict):
    """A duty of a ticket; `left` says in words how long an open one has."""

    id: int
    kind: Obligation
    name: str
    unit: str | None
    assignment: int | None
    grade: Grade
    start_at: Instant
    due_at: Instant
    met_at: Instant | None
    outcome: Outcome | None
    left: str | None
    overdue: bool


class MovedDuty(TypedDict):
    """A duty with its old and its new due time."""

    ticket: str
    duty: int
    kind: Obligation
    unit: str | None
    due_at: Instant
    new_due_at: Instant


class MovedDuties(TypedDict):
    """The duties that a change would move."""

    items: list[MovedDuty]
    count: int


class AppliedChange(MovedDuties):
    """The duties that a change moved; `passed_over` had changed meanwhile."""

    passed_over: int


async def list_duties(request: ApiRequest) -> ApiResponse[Page[TimedDuty]]:
    """List a ticket's duties with their outcomes; open ones with the time left, in words. Refused `not_found`."""
    view = await load_view(request, request.path["no"])
    return ApiResponse({"items": await dump_duties(request.services, view.ticket.id, request.seen_by), "next": None})


async def dump_duties(services: Services, ticket_id: int, seen_by: Sight | None) -> list[TimedDuty]:
    """Load and serialize a ticket's duties in order of their start; a unit sees its own and those of units below it."""
    snapshot, now = await services.office.snapshot(), services.clock.now()
    zone, texts = services.clock.zone, services.texts

    def shape(d: Duty) -> TimedDuty:
        left = (
            None if d.met_at is not None else describe_time_left(texts, now, d.due_at, d.grade, snapshot.calendar, zone)
        )
        return {
            "id": d.id, "kind": d.kind, "name": texts.get_word("duty", d.kind), "unit": d.unit,
            "assignment": d.assignment_id, "grade": d.grade, "start_at": d.start_at.astimezone(zone).isoformat(),
            "due_at": d.due_at.astimezone(zone).isoformat(),
            "met_at": d.met_at.astimezone(zone).isoformat() if d.met_at else None, "outcome": d.outcome, "left": left,
            "overdue": d.met_at is None and d.due_at <= now,
        }  # fmt: skip

    duties = await services.deadlines.list_duties(ticket_id)
    return [shape(d) for d in duties if seen_by is None or d.unit in seen_by.units]


def _build_change(request: ApiRequest) -> RuleChange:
    return RuleChange(request.body.settings, parse_days(request.body.days))


def dump_moved_duty(services: Services, moved: DueChange) -> MovedDuty:
    """Serialize a duty with its old and new due time."""
    zone, d = services.clock.zone, moved.duty
    return {"ticket": moved.ticket_no, "duty": d.id, "kind": d.kind, "unit": d.unit,
            "due_at": d.due_at.astimezone(zone).isoformat(), "new_due_at": moved.new_due_at.astimezone(zone).isoformat()}  # fmt: skip


async def preview(request: ApiRequest) -> ApiResponse[MovedDuties]:
    """Return the duties a change would move; nothing is written."""
    found = await request.services.deadlines.preview(_build_change(request))
    return ApiResponse({"items": [dump_moved_duty(request.services, s) for s in found], "count": len(found)})


async def apply(request: ApiRequest) -> ApiResponse[AppliedChange]:
    """Make the change and move open duties with it."""
    done = await request.services.deadlines.apply(_build_change(request), request.actor)
    return ApiResponse({"items": [dump_moved_duty(request.services, s) for s in done.shifted], "count": len(done.shifted),
                   "passed_over": done.skipped})  # fmt: skip


# fmt: off
ROUTES: tuple[Route, ...] = (
    Route("GET",  "/tickets/{no}/duties", list_duties, filters=PAGED),
    Route("POST", "/recompute/preview",   preview, "office.edit", ChangeBody,
          refuses=("unknown_setting", "not_per_unit", "bad_setting", "unknown_unit", "calendar_ends")),
    Route("POST", "/recompute/apply",     apply, "office.edit", ChangeBody,
          refuses=("unknown_setting", "not_per_unit", "bad_setting", "unknown_unit", "calendar_ends")),
)
# fmt: on
