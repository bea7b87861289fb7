"""Units that are not ready for tickets, and reminders to them (A21, A36-A40)."""

from typing import Annotated, Any

from pydantic import Field

from backend.domain.unit_readiness import Readiness
from backend.ports.readiness import ReadinessReminder
from backend.services import Services
from backend.web import schemas
from backend.web.endpoint import Route
from backend.web.query import parse_flag
from backend.web.request import ApiRequest, ApiResponse


class ReminderBody(schemas.RequestBody):
    """How the unit was reminded."""

    note: Annotated[str, Field(min_length=1, max_length=500, strict=True)]


def dump_readiness(readiness: Readiness, reminder: ReadinessReminder | None, services: Services) -> dict[str, Any]:
    """Serialize a unit, what it lacks, and its last reminder."""
    last = reminder and {
        "at": reminder.at.astimezone(services.clock.zone).isoformat(),
        "by": reminder.by,
        "note": reminder.note,
    }
    return {
        "unit": readiness.unit.code, "name": readiness.unit.name, "region": readiness.unit.region, "pilot": readiness.unit.pilot,
        "gaps": list(readiness.gaps), "late": readiness.late, "chased": last,
    }  # fmt: skip


async def list_units(request: ApiRequest) -> ApiResponse:
    """List units that lack something (`all=1`: every unit); those that cannot be dispatched to come first."""
    service = request.services.readiness
    found, last = (
        await service.list_units(include_ready=parse_flag(request.query, "all")),
        await service.get_latest_reminders(),
    )
    return ApiResponse(
        {"items": [dump_readiness(one, last.get(one.unit.code), request.services) for one in found], "next": None}
    )


async def remind(request: ApiRequest) -> ApiResponse:
    """Record that a unit was reminded."""
    reminder = await request.services.readiness.record_reminder(request.path["code"], request.body.note, request.actor)
    at = reminder.at.astimezone(request.services.clock.zone).isoformat()
    return ApiResponse({"unit": reminder.unit, "at": at, "by": reminder.by, "note": reminder.note}, 201)


# fmt: off
ROUTES: tuple[Route, ...] = (
    Route("GET",  "/readiness",             list_units, "Units that are not ready for tickets", "readiness.read", filters=("all",)),
    Route("POST", "/units/{code}/chases",   remind,  "Record a reminder to a unit", "readiness.remind", ReminderBody, status=201),
)
# fmt: on
