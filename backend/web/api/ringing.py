"""Calls: connect a handler with a requester, list the attempts, costs and invalid numbers."""

from datetime import datetime, timedelta
from typing import Annotated, Any

from pydantic import Field

from backend.domain.refusals import Refused
from backend.domain.ticket import Role
from backend.rooms import Rooms
from backend.scoring.periods import get_month_bounds, parse_month
from backend.web.api.tickets import view_of
from backend.web.asked import Answer, Ask
from backend.web.gate import Route
from backend.web.wants import Want

BRIDGE = frozenset({Role.HANDLER, Role.LIAISON, Role.REVISIT_AGENT})
MONEY = frozenset({Role.SUPERVISOR, Role.SCORE_CLERK, Role.AUDITOR, Role.DISPATCHER})
DEAD = frozenset({Role.DISPATCHER, Role.SUPERVISOR, Role.AUDITOR})
ADMIN: frozenset[Role] = frozenset()
MOST_DEAD = 200


class BridgeWant(Want):
    """Whose telephone rings first: `person` (code), else the actor's."""

    person: Annotated[str, Field(min_length=1, max_length=64)] | None = None


async def bridge(ask: Ask) -> Answer:
    """POST /tickets/{no}/bridge: 202, both are being called (P3). A repeated request calls once."""
    if ask.rooms.calls is None:
        raise Refused("unavailable")
    await view_of(ask, ask.path["no"])
    begun = await ask.rooms.calls.start_bridge(ask.actor, ticket_no=ask.path["no"], person=ask.body.person)
    return Answer({"call": begun.call_id, "person": begun.person, "to": begun.to}, 202)


async def bridged(ask: Ask) -> Answer:
    """GET /tickets/{no}/bridge: attempts to reach the requester, and whether they exempt from 未回复 (B49)."""
    view = await view_of(ask, ask.path["no"])
    if ask.rooms.calls is None:
        raise Refused("unavailable")
    found, zone = await ask.rooms.calls.get_contact_attempts(view.ticket.id), ask.rooms.clock.zone
    items = [
        {"call": a.call_id, "dial": a.attempt_id, "at": a.at.astimezone(zone).isoformat(), "person": a.person,
         "outcome": a.outcome, "requester": a.requester or None, "duration": a.seconds}
        for a in found.attempts
    ]  # fmt: skip
    return Answer({"items": items, "unreached": found.unreached, "exempt": found.exempt, "next": None})


async def costs(ask: Ask) -> Answer:
    """GET /calls/costs?month=2026-10: attempts, seconds and money by unit and purpose, and today's budget."""
    return Answer(await costs_of(ask.rooms, ask.query.get("month")))


async def costs_of(rooms: Rooms, month: str | None) -> dict[str, Any]:
    """Load a month's costs (default: this month). Refused `bad_month`, `unavailable`."""
    if rooms.calls is None:
        raise Refused("unavailable")
    now: datetime = rooms.clock.now()
    name = parse_month(month).name if month else f"{now:%Y-%m}"
    since, until = get_month_bounds(name, rooms.clock.zone)
    store = rooms.calls.dependencies.store
    snapshot = await rooms.office.snapshot()
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    used = await store.count_attempts(midnight)
    budget = snapshot.settings.integer("calls.daily_budget")
    units = snapshot.config.units
    items = [
        {"unit": s.unit, "unit_name": units[s.unit].name if s.unit in units else "", "purpose": s.purpose,
         "attempts": s.attempts, "answered": s.answered, "seconds": s.seconds, "cost": s.cost, "currency": s.currency}
        for s in await store.sum_costs(since, until)
    ]  # fmt: skip
    today = {"used": used, "budget": budget, "left": max(0, budget - used),
             "stopped": snapshot.settings.flag("calls.stopped"), "until": (midnight + timedelta(days=1)).isoformat()}  # fmt: skip
    return {"month": name, "items": items, "today": today, "next": None}


async def dead(ask: Ask) -> Answer:
    """GET /calls/dead-numbers: numbers no longer called, masked (FW23)."""
    if ask.rooms.calls is None:
        raise Refused("unavailable")
    zone = ask.rooms.clock.zone
    items = [
        {"key": d.key, "to": d.masked, "code": d.code, "at": d.at.astimezone(zone).isoformat(), "person": d.person,
         "ticket": d.ticket_no}
        for d in await ask.rooms.calls.dependencies.store.list_invalid_numbers(MOST_DEAD)
    ]  # fmt: skip
    return Answer({"items": items, "next": None})


async def revive(ask: Ask) -> Answer:
    """POST /calls/dead-numbers/{key}/revive: allow calls to it again; audited."""
    if ask.rooms.calls is None:
        raise Refused("unavailable")
    if not await ask.rooms.calls.unblock_number(ask.path["key"], ask.actor):
        raise Refused("not_found")
    return Answer({"revived": True})


# fmt: off
ROUTES: tuple[Route, ...] = (
    Route("POST", "/tickets/{no}/bridge",            bridge,  "Connect with the requester", BRIDGE, BridgeWant, answers=202),
    Route("GET",  "/tickets/{no}/bridge",            bridged, "Attempts to reach the requester"),
    Route("GET",  "/calls/costs",                    costs,   "What calls cost", MONEY, filters=("month",)),
    Route("GET",  "/calls/dead-numbers",             dead,    "Numbers not rung again", DEAD),
    Route("POST", "/calls/dead-numbers/{key}/revive", revive, "Let a number be rung again", ADMIN),
)
# fmt: on
