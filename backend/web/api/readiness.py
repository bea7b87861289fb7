"""Units that are not ready for tickets, and reminders to them (A21, A36-A40)."""

from typing import Annotated

from pydantic import Field
from typing_extensions import TypedDict

from backend.domain.json_shapes import Instant
from backend.domain.unit_readiness import Gap, Readiness
from backend.ports.office import ReadinessReminder
from backend.services import Services
from backend.web import schemas
from backend.web.endpoint import Route
from backend.web.query import FLAG, Filter, parse_flag
from backend.web.request import ApiRequest, ApiResponse
from backend.web.shapes import Page


class ReminderBody(schemas.RequestBody):
    """How the unit was reminded."""

    note: Annotated[str, Field(min_length=1, max_length=500, strict=True)]


class Reminder(TypedDict):
    """When and by whom a unit was reminded, and how."""

    at: Instant
    by: str
    note: str


class UnitReminder(Reminder):
    """A reminder and its unit."""

    unit: str


class ReadyUnit(TypedDict):
    """A unit, what it lacks, and its last reminder."""

    unit: str
    name: str
    region: str
    pilot: bool
    gaps: list[Gap]
    late: bool
    chased: Reminder | None


def dump_readiness(readiness: Readiness, reminder: ReadinessReminder | None, services: Services) -> ReadyUnit:
    """Serialize a unit, what it lacks, and its last reminder."""
    last: Reminder | None = None if reminder is None else {
        "at": reminder.at.astimezone(services.clock.zone).isoformat(), "by": reminder.by, "note": reminder.note,
    }  # fmt: skip
    return {
        "unit": readiness.unit.code, "name": readiness.unit.name, "region": readiness.unit.region, "pilot": readiness.unit.chat_enabled,
        "gaps": list(readiness.gaps), "late": readiness.late, "chased": last,
    }  # fmt: skip


async def list_units(request: ApiRequest) -> ApiResponse[Page[ReadyUnit]]:
    """List units that lack something (`all=1`: every unit); those that cannot be dispatched to come first."""
    service = request.services.readiness
    found, last = (
        await service.list_units(include_ready=parse_flag(request.query, "all")),
        await service.get_latest_reminders(),
    )
    return ApiResponse(
        {"items": [dump_readiness(one, last.get(one.unit.code), request.services) for one in found], "next": None}
    )


async def remind(request: ApiRequest) -> ApiResponse[UnitReminder]:
    """Record that a unit was reminded."""
    reminder = await request.services.readiness.record_reminder(request.path["code"], request.body.note, request.actor)
    at = reminder.at.astimezone(request.services.clock.zone).isoformat()
    return ApiResponse({"unit": reminder.unit, "at": at, "by": reminder.by, "note": reminder.note}, 201)


# fmt: off
ROUTES: tuple[Route, ...] = (
    Route("GET",  "/readiness",             list_units, "readiness.read", filters=(Filter("all", FLAG),)),
    Route("POST", "/units/{code}/chases",   remind, "readiness.remind", ReminderBody, status=201,
          refuses=("unknown_unit",)),
)
# fmt: on
