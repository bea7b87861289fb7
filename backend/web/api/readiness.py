"""Units that are not ready for tickets, and reminders to them (A21, A36-A40)."""

from typing import Annotated, Any

from pydantic import Field

from backend.domain.refusals import Refused
from backend.domain.ticket import Role
from backend.domain.unit_readiness import Readiness
from backend.office.readiness import UnitReadiness
from backend.ports.readiness import ReadinessReminder
from backend.rooms import Rooms
from backend.web import wants
from backend.web.asked import Answer, Ask
from backend.web.gate import Route
from backend.web.queries import yes

READERS = frozenset({Role.DISPATCHER, Role.SUPERVISOR, Role.SCORE_CLERK, Role.AUDITOR})
CHASERS = frozenset({Role.DISPATCHER, Role.SUPERVISOR, Role.SCORE_CLERK})


class ChaseWant(wants.Want):
    """How the unit was reminded."""

    note: Annotated[str, Field(min_length=1, max_length=500, strict=True)]


def room_of(rooms: Rooms) -> UnitReadiness:
    """Return the service. Refused `unavailable`."""
    if rooms.chases is None:
        raise Refused("unavailable")
    return rooms.chases


def shape(one: Readiness, chase: ReadinessReminder | None, rooms: Rooms) -> dict[str, Any]:
    """Serialize a unit, what it lacks, and its last reminder."""
    last = chase and {"at": chase.at.astimezone(rooms.clock.zone).isoformat(), "by": chase.by, "note": chase.note}
    return {
        "unit": one.unit.code, "name": one.unit.name, "region": one.unit.region, "pilot": one.unit.pilot,
        "gaps": list(one.gaps), "late": one.late, "chased": last,
    }  # fmt: skip


async def listed(ask: Ask) -> Answer:
    """List units that lack something (`all=1`: every unit); those that cannot be dispatched to come first."""
    room = room_of(ask.rooms)
    found, last = await room.list_units(include_ready=yes(ask.query, "all")), await room.get_latest_reminders()
    return Answer({"items": [shape(one, last.get(one.unit.code), ask.rooms) for one in found], "next": None})


async def chase(ask: Ask) -> Answer:
    """Record that a unit was reminded."""
    done = await room_of(ask.rooms).record_reminder(ask.path["code"], ask.body.note, ask.actor)
    at = done.at.astimezone(ask.rooms.clock.zone).isoformat()
    return Answer({"unit": done.unit, "at": at, "by": done.by, "note": done.note}, 201)


# fmt: off
ROUTES: tuple[Route, ...] = (
    Route("GET",  "/readiness",             listed, "Units that are not ready for tickets", READERS, filters=("all",)),
    Route("POST", "/units/{code}/chases",   chase,  "Note that a unit was reminded", CHASERS, ChaseWant, answers=201),
)
# fmt: on
