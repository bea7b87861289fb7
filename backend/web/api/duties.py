"""A ticket's duties, and preview or apply of what a calendar or limit change moves."""

from typing import Annotated, Any

from pydantic import Field

from backend.deadlines.recompute import DutyRecompute, parse_days
from backend.domain.recompute import DueChange, RuleChange
from backend.domain.records import Duty
from backend.domain.refusals import Refused
from backend.domain.ticket import Role
from backend.domain.time_words import describe_time_left
from backend.rooms import Rooms
from backend.web.asked import Answer, Ask
from backend.web.gate import Route
from backend.web.wants import Flag, Want

Value = Annotated[str, Field(max_length=2_000, strict=True)]
Name = Annotated[str, Field(max_length=200, strict=True)]


class ChangeWant(Want):
    """Settings (`KEY` or `KEY@UNIT` → value) and days (`2026-10-10` → workday or not) to change."""

    settings: dict[Name, Value] = Field(default_factory=dict, max_length=50)
    days: dict[Name, Flag] = Field(default_factory=dict, max_length=1_000)


def duties_of(rooms: Rooms) -> DutyRecompute:
    """Return the duties service. Refused `unavailable`."""
    if rooms.duties is None:
        raise Refused("unavailable")
    return rooms.duties


async def of_ticket(ask: Ask) -> Answer:
    """List a ticket's duties with their outcomes; open ones with the time left, in words. Refused `not_found`."""
    view = await ask.rooms.reading.get_ticket(ask.path["no"], ask.seen_by)
    if view is None:
        raise Refused("not_found", ticket=ask.path["no"])
    return Answer({"items": await duties_shown(ask.rooms, view.ticket.id, ask.seen_by), "next": None})


async def duties_shown(rooms: Rooms, ticket_id: int, seen_by: str | None) -> list[dict[str, Any]]:
    """Load and serialize a ticket's duties in order of their start; a unit sees its own."""
    snapshot, now = await rooms.office.snapshot(), rooms.clock.now()
    zone, words = rooms.clock.zone, rooms.catalogue

    def shape(d: Duty) -> dict[str, Any]:
        left = (
            None if d.met_at is not None else describe_time_left(words, now, d.due_at, d.grade, snapshot.calendar, zone)
        )
        return {
            "id": d.id, "kind": d.kind, "name": words.get_word("duty", d.kind), "unit": d.unit,
            "assignment": d.assignment_id, "grade": d.grade, "start_at": d.start_at.astimezone(zone).isoformat(),
            "due_at": d.due_at.astimezone(zone).isoformat(),
            "met_at": d.met_at.astimezone(zone).isoformat() if d.met_at else None, "outcome": d.outcome, "left": left,
            "overdue": d.met_at is None and d.due_at <= now,
        }  # fmt: skip

    if rooms.duties is None:
        return []
    return [shape(d) for d in await rooms.duties.list_duties(ticket_id) if seen_by in (None, d.unit)]


def _change(ask: Ask) -> RuleChange:
    return RuleChange(ask.body.settings, parse_days(ask.body.days))


def shifted(rooms: Rooms, one: DueChange) -> dict[str, Any]:
    """Serialize a duty with its old and new due time."""
    zone, d = rooms.clock.zone, one.duty
    return {"ticket": one.ticket_no, "duty": d.id, "kind": d.kind, "unit": d.unit,
            "due_at": d.due_at.astimezone(zone).isoformat(), "new_due_at": one.new_due_at.astimezone(zone).isoformat()}  # fmt: skip


async def preview(ask: Ask) -> Answer:
    """Return the duties a change would move; nothing is written."""
    found = await duties_of(ask.rooms).preview(_change(ask))
    return Answer({"items": [shifted(ask.rooms, s) for s in found], "count": len(found)})


async def apply(ask: Ask) -> Answer:
    """Make the change and move open duties with it."""
    done = await duties_of(ask.rooms).apply(_change(ask), ask.actor)
    return Answer({"items": [shifted(ask.rooms, s) for s in done.shifted], "count": len(done.shifted),
                   "passed_over": done.skipped})  # fmt: skip


ADMIN: frozenset[Role] = frozenset()
# fmt: off
ROUTES: tuple[Route, ...] = (
    Route("GET",  "/tickets/{no}/duties", of_ticket, "Its duties and their outcomes", filters=("limit", "cursor")),
    Route("POST", "/recompute/preview",   preview,   "What a change of rules would move", ADMIN, ChangeWant),
    Route("POST", "/recompute/apply",     apply,     "Change rules and move open duties", ADMIN, ChangeWant),
)
# fmt: on
