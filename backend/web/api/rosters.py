"""Duty rosters, stand-ins, handover notes and personal quiet hours."""

from typing import Annotated, Any

from pydantic import Field

from backend.domain.duty_roster import CoverageGap, Shift, StandIn
from backend.domain.records import Person
from backend.domain.refusals import Refused
from backend.domain.ticket import Role
from backend.office.duty_roster import DutyRoster, RosterMonth, check_planner
from backend.ports.duty_roster import Handover
from backend.rooms import Rooms
from backend.web.asked import Answer, Ask
from backend.web.gate import Route
from backend.web.wants import Code, Instant, Nothing, Want


class ShiftWant(Want):
    """One shift: who is on duty for a unit from when to when."""

    unit: Code
    person: Code
    deputy: Code | None = None
    from_at: Instant = Field(alias="from")
    to_at: Instant = Field(alias="to")


class StandInWant(Want):
    """代班: who gets an absent person's messages, and how long."""

    absent: Code
    person: Code
    from_at: Instant = Field(alias="from")
    to_at: Instant = Field(alias="to")


class HandoverWant(Want):
    """A note to the next person on duty."""

    unit: Code
    text: Annotated[str, Field(min_length=1, max_length=2_000, strict=True)]


class QuietWant(Want):
    """A person's quiet hours; none without `from`."""

    from_: Annotated[str, Field(max_length=5, strict=True)] | None = Field(None, alias="from")
    to: Annotated[str, Field(max_length=5, strict=True)] | None = None


def rosters_of(rooms: Rooms) -> DutyRoster:
    """Return the duty roster service. Refused `unavailable`."""
    if rooms.rosters is None:
        raise Refused("unavailable")
    return rooms.rosters


class _Shape:
    """Serializes shifts: instants with the office's offset, names beside codes."""

    def __init__(self, rooms: Rooms, people: dict[str, Person]) -> None:
        self._zone = rooms.clock.zone
        self._people = people

    @classmethod
    async def of(cls, rooms: Rooms) -> "_Shape":
        return cls(rooms, (await rooms.office.snapshot()).by_code)

    def _name(self, code: str | None) -> str | None:
        return self._people[code].name if code in self._people else code

    def span(self, thing: Shift | StandIn | CoverageGap) -> dict[str, str]:
        return {"from": thing.from_at.astimezone(self._zone).isoformat(),
                "to": thing.to_at.astimezone(self._zone).isoformat()}  # fmt: skip

    def shift(self, s: Shift) -> dict[str, Any]:
        return {"id": s.id, "unit": s.unit, **self.span(s), "person": s.person, "name": self._name(s.person),
                "deputy": s.deputy, "deputy_name": self._name(s.deputy)}  # fmt: skip

    def stand_in(self, s: StandIn) -> dict[str, Any]:
        return {"id": s.id, "absent": s.absent, "absent_name": self._name(s.absent), "person": s.person,
                "name": self._name(s.person), **self.span(s)}  # fmt: skip

    def note(self, n: Handover) -> dict[str, Any]:
        return {"at": n.at.astimezone(self._zone).isoformat(), "unit": n.unit, "person": n.person,
                "name": self._name(n.person), "text": n.text}  # fmt: skip

    def month(self, m: RosterMonth) -> dict[str, Any]:
        return {"unit": m.unit, "shifts": [self.shift(s) for s in m.shifts], "holes": [self.span(h) for h in m.gaps],
                "handovers": [self.note(n) for n in m.notes]}  # fmt: skip


async def month(ask: Ask) -> Answer:
    """Return a unit's shifts in a month, and the holes nobody covers (B19). Refused `missing`."""
    unit = ask.query.get("unit") or ask.actor.unit
    if unit is None:
        raise Refused("missing", field="unit")
    wanted = ask.query.get("month") or f"{ask.rooms.clock.now():%Y-%m}"
    found = await rosters_of(ask.rooms).get_month(unit, wanted, ask.actor)
    return Answer({"month": wanted, **(await _Shape.of(ask.rooms)).month(found)})


async def put(ask: Ask) -> Answer:
    """Store a shift: 201 if new, 200 if unchanged."""
    w = ask.body
    answer = (
        await rosters_of(ask.rooms).save_shifts([Shift(0, w.unit, w.from_at, w.to_at, w.person, w.deputy)], ask.actor)
    )[0]
    if isinstance(answer, Refused):
        raise answer
    return Answer({"kept": True}, 201 if answer else 200)


async def strike(ask: Ask) -> Answer:
    """Delete a shift."""
    shift = await rosters_of(ask.rooms).delete_shift(_number(ask), ask.actor)
    return Answer((await _Shape.of(ask.rooms)).shift(shift))


async def hand_over(ask: Ask) -> Answer:
    """Leave a handover note."""
    note = await rosters_of(ask.rooms).add_handover(ask.body.unit, ask.body.text, ask.actor)
    return Answer((await _Shape.of(ask.rooms)).note(note), 201)


async def stand_ins(ask: Ask) -> Answer:
    """List stand-ins, current and future."""
    shape = await _Shape.of(ask.rooms)
    return Answer(
        {"items": [shape.stand_in(s) for s in await rosters_of(ask.rooms).list_stand_ins(ask.actor)], "next": None}
    )


async def stand_in(ask: Ask) -> Answer:
    """Add a stand-in."""
    w = ask.body
    kept = await rosters_of(ask.rooms).add_stand_in(w.absent, w.person, w.from_at, w.to_at, ask.actor)
    return Answer((await _Shape.of(ask.rooms)).stand_in(kept), 201)


async def back(ask: Ask) -> Answer:
    """End a stand-in early."""
    await rosters_of(ask.rooms).end_stand_in(_number(ask), ask.actor)
    return Answer({"ended": True})


async def quiet(ask: Ask) -> Answer:
    """Set a person's quiet hours; only they or their roster planners may. Refused `not_found`, `forbidden`."""
    code = ask.path["code"]
    snapshot = await ask.rooms.office.snapshot()
    person = snapshot.by_code.get(code)
    if person is None:
        raise Refused("not_found", person=code)
    if ask.actor.code != code:
        check_planner(ask.actor, person.unit, snapshot)
    held = await rosters_of(ask.rooms).set_quiet(code, ask.body.from_, ask.body.to)
    return Answer({"person": code, "quiet": held})


def _number(ask: Ask) -> int:
    written = ask.path["id"]
    if not (written.isascii() and written.isdigit() and len(written) <= 15):
        raise Refused("not_found")
    return int(written)


PLAN = frozenset({Role.LIAISON, Role.LEADER, Role.SUPERVISOR, Role.DISPATCHER})
# fmt: off
ROUTES: tuple[Route, ...] = (
    Route("GET",  "/rosters",               month,     "A month of duty and its holes", filters=("unit", "month")),
    Route("POST", "/rosters",               put,       "Keep a shift", PLAN, ShiftWant, answers=201),
    Route("POST", "/rosters/{id}/strike",   strike,    "Strike a shift", PLAN, Nothing),
    Route("POST", "/handovers",             hand_over, "Leave a handover note", body=HandoverWant, answers=201),
    Route("GET",  "/stand-ins",             stand_ins, "Who stands in for whom"),
    Route("POST", "/stand-ins",             stand_in,  "Somebody stands in", body=StandInWant, answers=201),
    Route("POST", "/stand-ins/{id}/end",    back,      "Back before the time", body=Nothing),
    Route("PUT",  "/people/{code}/quiet",   quiet,     "A person's own quiet hours", body=QuietWant),
)
# fmt: on
