"""Duty rosters, stand-ins, handover notes and personal quiet hours."""

from typing import Annotated

from pydantic import Field
from typing_extensions import TypedDict

from backend.domain.duty_roster import CoverageGap, Shift, StandIn
from backend.domain.json_shapes import Instant, Month
from backend.domain.records import Person
from backend.domain.refusals import Refused
from backend.office.duty_roster import RosterMonth, check_planner
from backend.ports.office import Handover
from backend.services import Services
from backend.web.endpoint import Route
from backend.web.query import UNIT, month_filter, parse_id
from backend.web.request import ApiRequest, ApiResponse
from backend.web.schemas import Code, EmptyBody, RequestBody
from backend.web.schemas import Instant as InstantField
from backend.web.shapes import Page


class ShiftBody(RequestBody):
    """One shift: who is on duty for a unit from when to when."""

    unit: Code
    person: Code
    deputy: Code | None = None
    from_at: InstantField = Field(alias="from")
    to_at: InstantField = Field(alias="to")


class StandInBody(RequestBody):
    """代班: who gets an absent person's messages, and how long."""

    absent: Code
    person: Code
    from_at: InstantField = Field(alias="from")
    to_at: InstantField = Field(alias="to")


class HandoverBody(RequestBody):
    """A note to the next person on duty."""

    unit: Code
    text: Annotated[str, Field(min_length=1, max_length=2_000, strict=True)]


class QuietHoursBody(RequestBody):
    """A person's quiet hours; none without `from`."""

    from_: Annotated[str, Field(max_length=5, strict=True)] | None = Field(None, alias="from")
    to: Annotated[str, Field(max_length=5, strict=True)] | None = None


ShiftSpan = TypedDict("ShiftSpan", {"from": Instant, "to": Instant})


class ShiftItem(ShiftSpan):
    """Who is on duty for a unit."""

    id: int
    unit: str
    person: str
    name: str | None
    deputy: str | None
    deputy_name: str | None


class StandInItem(ShiftSpan):
    """代班: who gets an absent person's messages."""

    id: int
    absent: str
    absent_name: str | None
    person: str
    name: str | None


class HandoverItem(TypedDict):
    """A note to the next person on duty."""

    at: Instant
    unit: str
    person: str
    name: str | None
    text: str


class UnitRoster(TypedDict):
    """A unit's shifts, the holes nobody covers, and the notes."""

    unit: str
    shifts: list[ShiftItem]
    holes: list[ShiftSpan]
    handovers: list[HandoverItem]


class RosterOfMonth(UnitRoster):
    """The roster of a month."""

    month: Month


class Kept(TypedDict):
    """The shift is stored."""

    kept: bool


class Ended(TypedDict):
    """It has ended."""

    ended: bool


class QuietHours(TypedDict):
    """A person's quiet hours, e.g. `22:00-07:00`; empty: none of their own."""

    person: str
    quiet: str


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

    def dump_span(self, period: Shift | StandIn | CoverageGap) -> ShiftSpan:
        return {"from": period.from_at.astimezone(self._zone).isoformat(),
                "to": period.to_at.astimezone(self._zone).isoformat()}  # fmt: skip

    def dump_shift(self, s: Shift) -> ShiftItem:
        return {"id": s.id, "unit": s.unit, **self.dump_span(s), "person": s.person, "name": self._find_name(s.person),
                "deputy": s.deputy, "deputy_name": self._find_name(s.deputy)}  # fmt: skip

    def dump_stand_in(self, s: StandIn) -> StandInItem:
        return {"id": s.id, "absent": s.absent, "absent_name": self._find_name(s.absent), "person": s.person,
                "name": self._find_name(s.person), **self.dump_span(s)}  # fmt: skip

    def dump_handover(self, n: Handover) -> HandoverItem:
        return {"at": n.at.astimezone(self._zone).isoformat(), "unit": n.unit, "person": n.person,
                "name": self._find_name(n.person), "text": n.text}  # fmt: skip

    def dump_month(self, m: RosterMonth) -> UnitRoster:
        return {"unit": m.unit, "shifts": [self.dump_shift(s) for s in m.shifts], "holes": [self.dump_span(h) for h in m.gaps],
                "handovers": [self.dump_handover(n) for n in m.notes]}  # fmt: skip


async def get_month(request: ApiRequest) -> ApiResponse[RosterOfMonth]:
    """Return a unit's shifts in a month, and the holes nobody covers (B19). Refused `missing`."""
    unit = request.query.get("unit") or request.actor.unit
    if unit is None:
        raise Refused("missing", field="unit")
    wanted = request.query.get("month") or f"{request.services.clock.now():%Y-%m}"
    found = await request.services.duty_roster.get_month(unit, wanted, request.actor)
    return ApiResponse({"month": wanted, **(await _RosterSerializer.create(request.services)).dump_month(found)})


async def store_shift(request: ApiRequest) -> ApiResponse[Kept]:
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


async def remove_shift(request: ApiRequest) -> ApiResponse[ShiftItem]:
    """Delete a shift."""
    shift = await request.services.duty_roster.delete_shift(parse_id(request.path["id"]), request.actor)
    return ApiResponse((await _RosterSerializer.create(request.services)).dump_shift(shift))


async def hand_over(request: ApiRequest) -> ApiResponse[HandoverItem]:
    """Leave a handover note."""
    note = await request.services.duty_roster.add_handover(request.body.unit, request.body.text, request.actor)
    return ApiResponse((await _RosterSerializer.create(request.services)).dump_handover(note), 201)


async def list_stand_ins(request: ApiRequest) -> ApiResponse[Page[StandInItem]]:
    """List stand-ins, current and future."""
    shape = await _RosterSerializer.create(request.services)
    return ApiResponse(
        {
            "items": [shape.dump_stand_in(s) for s in await request.services.duty_roster.list_stand_ins(request.actor)],
            "next": None,
        }
    )


async def add_stand_in(request: ApiRequest) -> ApiResponse[StandInItem]:
    """Add a stand-in."""
    w = request.body
    stored = await request.services.duty_roster.add_stand_in(w.absent, w.person, w.from_at, w.to_at, request.actor)
    return ApiResponse((await _RosterSerializer.create(request.services)).dump_stand_in(stored), 201)


async def end_stand_in(request: ApiRequest) -> ApiResponse[Ended]:
    """End a stand-in early."""
    await request.services.duty_roster.end_stand_in(parse_id(request.path["id"]), request.actor)
    return ApiResponse({"ended": True})


async def set_quiet_hours(request: ApiRequest) -> ApiResponse[QuietHours]:
    """Set a person's quiet hours; only they or their roster planners may. Refused `unknown_person`, `forbidden`."""
    code = request.path["code"]
    snapshot = await request.services.office.snapshot()
    person = snapshot.by_code.get(code)
    if person is None:
        raise Refused("unknown_person", person=code)
    if request.actor.code != code:
        check_planner(request.actor, person.unit, snapshot)
    stored = await request.services.duty_roster.set_quiet(code, request.body.from_, request.body.to)
    return ApiResponse({"person": code, "quiet": stored})


# fmt: off
ROUTES: tuple[Route, ...] = (
    Route("GET",  "/rosters",               get_month, filters=(UNIT, month_filter()),
          refuses=("missing", "not_found")),
    Route("POST", "/rosters",               store_shift, "roster.plan", ShiftBody, status=201, unchanged=200,
          refuses=("bad_shift", "own_deputy", "not_of_unit", "unknown_unit", "unknown_person")),
    Route("POST", "/rosters/{id}/strike",   remove_shift, "roster.plan", EmptyBody),
    Route("POST", "/handovers",             hand_over, body=HandoverBody, status=201,
          refuses=("forbidden", "unknown_unit")),
    Route("GET",  "/stand-ins",             list_stand_ins),
    Route("POST", "/stand-ins",             add_stand_in, body=StandInBody, status=201,
          refuses=("forbidden", "bad_shift", "cannot_stand_in", "own_deputy", "unknown_person")),
    Route("POST", "/stand-ins/{id}/end",    end_stand_in, body=EmptyBody,
          refuses=("forbidden",)),
    Route("PUT",  "/people/{code}/quiet",   set_quiet_hours, body=QuietHoursBody,
          refuses=("forbidden", "bad_hours", "unknown_person")),
)
# fmt: on
