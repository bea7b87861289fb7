"""Duty rosters, stand-ins, handover notes and personal quiet hours."""

from typing import Annotated, Any

from pydantic import Field

from backend.domain.duty_roster import CoverageGap, Shift, StandIn
from backend.domain.records import Person
from backend.domain.refusals import Refused
from backend.office.duty_roster import RosterMonth, check_planner
from backend.ports.duty_roster import Handover
from backend.services import Services
from backend.web.endpoint import Route
from backend.web.query import parse_id
from backend.web.request import ApiRequest, ApiResponse
from backend.web.schemas import Code, EmptyBody, Instant, RequestBody


class ShiftBody(RequestBody):
    """One shift: who is on duty for a unit from when to when."""

    unit: Code
    person: Code
    deputy: Code | None = None
    from_at: Instant = Field(alias="from")
    to_at: Instant = Field(alias="to")


class StandInBody(RequestBody):
    """代班: who gets an absent person's messages, and how long."""

    absent: Code
    person: Code
    from_at: Instant = Field(alias="from")
    to_at: Instant = Field(alias="to")


class HandoverBody(RequestBody):
    """A note to the next person on duty."""

    unit: Code
    text: Annotated[str, Field(min_length=1, max_length=2_000, strict=True)]


class QuietHoursBody(RequestBody):
    """A person's quiet hours; none without `from`."""

    from_: Annotated[str, Field(max_length=5, strict=True)] | None = Field(None, alias="from")
    to: Annotated[str, Field(max_length=5, strict=True)] | None = None


class _RosterSerializer:
    """Serializes shifts: instants with the office's offset, names beside codes."""

    def __init__(self, services: Services, people: dict[str, Person]) -> None:
        self._zone = services.clock.zone
        self._people = people

    @classmethod
    async def create(cls, services: Services) -> "_RosterSerializer":
        return cls(services, (await services.office.snapshot()).by_code)

    def _find_name(self, code: str | None) -> str | None:
        return self._people[code].name if code in self._people else code

    def dump_span(self, period: Shift | StandIn | CoverageGap) -> dict[str, str]:
        return {"from": period.from_at.astimezone(self._zone).isoformat(),
                "to": period.to_at.astimezone(self._zone).isoformat()}  # fmt: skip

    def dump_shift(self, s: Shift) -> dict[str, Any]:
        return {"id": s.id, "unit": s.unit, **self.dump_span(s), "person": s.person, "name": self._find_name(s.person),
                "deputy": s.deputy, "deputy_name": self._find_name(s.deputy)}  # fmt: skip

    def dump_stand_in(self, s: StandIn) -> dict[str, Any]:
        return {"id": s.id, "absent": s.absent, "absent_name": self._find_name(s.absent), "person": s.person,
                "name": self._find_name(s.person), **self.dump_span(s)}  # fmt: skip

    def dump_handover(self, n: Handover) -> dict[str, Any]:
        return {"at": n.at.astimezone(self._zone).isoformat(), "unit": n.unit, "person": n.person,
                "name": self._find_name(n.person), "text": n.text}  # fmt: skip

    def dump_month(self, m: RosterMonth) -> dict[str, Any]:
        return {"unit": m.unit, "shifts": [self.dump_shift(s) for s in m.shifts], "holes": [self.dump_span(h) for h in m.gaps],
                "handovers": [self.dump_handover(n) for n in m.notes]}  # fmt: skip


async def get_month(request: ApiRequest) -> ApiResponse:
    """Return a unit's shifts in a month, and the holes nobody covers (B19). Refused `missing`."""
    unit = request.query.get("unit") or request.actor.unit
    if unit is None:
        raise Refused("missing", field="unit")
    wanted = request.query.get("month") or f"{request.services.clock.now():%Y-%m}"
    found = await request.services.duty_roster.get_month(unit, wanted, request.actor)
    return ApiResponse({"month": wanted, **(await _RosterSerializer.create(request.services)).dump_month(found)})


async def store_shift(request: ApiRequest) -> ApiResponse:
    """Store a shift: 201 if new, 200 if unchanged."""
    w = request.body
    answer = (
        await request.services.duty_roster.save_shifts(
            [Shift(0, w.unit, w.from_at, w.to_at, w.person, w.deputy)], request.actor
        )
    )[0]
    if isinstance(answer, Refused):
        raise answer
    return ApiResponse({"kept": True}, 201 if answer else 200)


async def remove_shift(request: ApiRequest) -> ApiResponse:
    """Delete a shift."""
    shift = await request.services.duty_roster.delete_shift(parse_id(request.path["id"]), request.actor)
    return ApiResponse((await _RosterSerializer.create(request.services)).dump_shift(shift))


async def hand_over(request: ApiRequest) -> ApiResponse:
    """Leave a handover note."""
    note = await request.services.duty_roster.add_handover(request.body.unit, request.body.text, request.actor)
    return ApiResponse((await _RosterSerializer.create(request.services)).dump_handover(note), 201)


async def list_stand_ins(request: ApiRequest) -> ApiResponse:
    """List stand-ins, current and future."""
    shape = await _RosterSerializer.create(request.services)
    return ApiResponse(
        {
            "items": [shape.dump_stand_in(s) for s in await request.services.duty_roster.list_stand_ins(request.actor)],
            "next": None,
        }
    )


async def add_stand_in(request: ApiRequest) -> ApiResponse:
    """Add a stand-in."""
    w = request.body
    stored = await request.services.duty_roster.add_stand_in(w.absent, w.person, w.from_at, w.to_at, request.actor)
    return ApiResponse((await _RosterSerializer.create(request.services)).dump_stand_in(stored), 201)


async def end_stand_in(request: ApiRequest) -> ApiResponse:
    """End a stand-in early."""
    await request.services.duty_roster.end_stand_in(parse_id(request.path["id"]), request.actor)
    return ApiResponse({"ended": True})


async def set_quiet_hours(request: ApiRequest) -> ApiResponse:
    """Set a person's quiet hours; only they or their roster planners may. Refused `not_found`, `forbidden`."""
    code = request.path["code"]
    snapshot = await request.services.office.snapshot()
    person = snapshot.by_code.get(code)
    if person is None:
        raise Refused("not_found", person=code)
    if request.actor.code != code:
        check_planner(request.actor, person.unit, snapshot)
    stored = await request.services.duty_roster.set_quiet(code, request.body.from_, request.body.to)
    return ApiResponse({"person": code, "quiet": stored})


# fmt: off
ROUTES: tuple[Route, ...] = (
    Route("GET",  "/rosters",               get_month,     "A month's shifts and coverage gaps", filters=("unit", "month")),
    Route("POST", "/rosters",               store_shift,       "Store a shift", "roster.plan", ShiftBody, status=201),
    Route("POST", "/rosters/{id}/strike",   remove_shift,    "Delete a shift", "roster.plan", EmptyBody),
    Route("POST", "/handovers",             hand_over, "Leave a handover note", body=HandoverBody, status=201),
    Route("GET",  "/stand-ins",             list_stand_ins, "Stand-ins"),
    Route("POST", "/stand-ins",             add_stand_in,  "Add a stand-in", body=StandInBody, status=201),
    Route("POST", "/stand-ins/{id}/end",    end_stand_in,      "End a stand-in early", body=EmptyBody),
    Route("PUT",  "/people/{code}/quiet",   set_quiet_hours,     "Set a person's own quiet hours", body=QuietHoursBody),
)
# fmt: on
