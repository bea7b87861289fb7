"""Calls: connect a handler with a requester, list the attempts, costs and invalid numbers."""

from typing import Annotated

from pydantic import Field
from typing_extensions import TypedDict

from backend.domain.json_shapes import Amount, Instant, Month, one_of
from backend.domain.refusals import Refused
from backend.services import Services
from backend.web.api.tickets import load_view
from backend.web.endpoint import Route
from backend.web.query import month_filter
from backend.web.request import ApiRequest, ApiResponse
from backend.web.schemas import RequestBody
from backend.web.shapes import Listed, Page
from backend.web.timeline_shapes import CALL_PURPOSES

MAX_INVALID_NUMBERS = 200


class BridgeBody(RequestBody):
    """Whose telephone rings first: `person` (code), else the actor's."""

    person: Annotated[str, Field(min_length=1, max_length=64)] | None = None


class StartedCall(TypedDict):
    """A call that connects two people, just begun; `to` is masked."""

    call: int
    person: str
    to: str


class BridgeAttempt(TypedDict):
    """One attempt to reach the requester."""

    call: int
    dial: int
    at: Instant
    person: str | None
    outcome: str | None
    requester: str | None
    duration: int | None


class BridgeAttempts(Listed):
    """The attempts, how many reached nobody, and whether they exempt from 未回复 (B49)."""

    items: list[BridgeAttempt]
    unreached: int
    exempt: bool


class Costs(TypedDict):
    """What one unit's calls of one purpose cost in a month."""

    unit: str | None
    unit_name: str
    purpose: Annotated[str, one_of(CALL_PURPOSES)]
    attempts: int
    answered: int
    seconds: int
    cost: Amount
    currency: str


class Budget(TypedDict):
    """Today's budget of calls and of money, and whether calls are stopped until it begins anew."""

    used: int
    budget: int
    left: int
    spent: Amount
    cost_budget: Amount | None
    stopped: bool
    until: Instant


class CostMonth(Listed):
    """A month's costs, and today's budget."""

    items: list[Costs]
    month: Month
    today: Budget


class InvalidNumber(TypedDict):
    """A number that is no longer called."""

    key: str
    to: str
    code: str
    at: Instant
    person: str | None
    ticket: str | None


class Revived(TypedDict):
    """The number may be called again."""

    revived: bool


async def bridge(request: ApiRequest) -> ApiResponse[StartedCall]:
    """POST /tickets/{no}/bridge: 202, both are being called (P3). A repeated request calls once."""
    calls = request.services.calls
    await load_view(request, request.path["no"])
    begun = await calls.start_bridge(request.actor, ticket_no=request.path["no"], person=request.body.person)
    return ApiResponse({"call": begun.call_id, "person": begun.person, "to": begun.to}, 202)


async def list_bridge_attempts(request: ApiRequest) -> ApiResponse[BridgeAttempts]:
    """GET /tickets/{no}/bridge: attempts to reach the requester, and whether they exempt from 未回复 (B49)."""
    view = await load_view(request, request.path["no"])
    found, zone = (
        await request.services.calls.get_contact_attempts(view.ticket.id),
        request.services.clock.zone,
    )
    items: list[BridgeAttempt] = [
        {"call": a.call_id, "dial": a.attempt_id, "at": a.at.astimezone(zone).isoformat(), "person": a.person,
         "outcome": a.outcome, "requester": a.requester or None, "duration": a.seconds}
        for a in found.attempts
    ]  # fmt: skip
    return ApiResponse({"items": items, "unreached": found.unreached, "exempt": found.exempt, "next": None})


async def get_costs(request: ApiRequest) -> ApiResponse[CostMonth]:
    """GET /calls/costs?month=2026-10: attempts, seconds and money by unit and purpose, and today's budget."""
    return ApiResponse(await load_costs(request.services, request.query.get("month")))


async def load_costs(services: Services, month: str | None) -> CostMonth:
    """Load a month's costs (default: this month). Refused `bad_month`, `unavailable`."""
    found = await services.calls.compute_costs(month)
    units = (await services.office.snapshot()).config.units
    items: list[Costs] = [
        {"unit": s.unit, "unit_name": units[s.unit].name if s.unit in units else "", "purpose": s.purpose,
         "attempts": s.attempts, "answered": s.answered, "seconds": s.seconds, "cost": s.cost, "currency": s.currency}
        for s in found.items
    ]  # fmt: skip
    budget = found.today
    today: Budget = {"used": budget.used, "budget": budget.most, "left": budget.left, "spent": str(budget.spent),
             "cost_budget": None if budget.most_money is None else str(budget.most_money),
             "stopped": found.is_stopped, "until": found.resets_at.isoformat()}  # fmt: skip
    return {"month": found.month, "items": items, "today": today, "next": None}


async def list_invalid_numbers(request: ApiRequest) -> ApiResponse[Page[InvalidNumber]]:
    """GET /calls/invalid-numbers: numbers no longer called, masked (FW23)."""
    zone = request.services.clock.zone
    items: list[InvalidNumber] = [
        {"key": d.key, "to": d.masked, "code": d.code, "at": d.at.astimezone(zone).isoformat(), "person": d.person,
         "ticket": d.ticket_no}
        for d in await request.services.calls.list_invalid_numbers(MAX_INVALID_NUMBERS)
    ]  # fmt: skip
    return ApiResponse({"items": items, "next": None})


async def revive_number(request: ApiRequest) -> ApiResponse[Revived]:
    """POST /calls/invalid-numbers/{key}/revive: allow calls to it again; audited."""
    if not await request.services.calls.unblock_number(request.path["key"], request.actor):
        raise Refused("not_found", number=request.path["key"])
    return ApiResponse({"revived": True})


# fmt: off
ROUTES: tuple[Route, ...] = (
    Route("POST", "/tickets/{no}/bridge",            bridge, "requester.call", BridgeBody, status=202,
          refuses=("not_now", "no_phone", "number_dead", "calls_stopped")),
    Route("GET",  "/tickets/{no}/bridge",            list_bridge_attempts),
    Route("GET",  "/calls/costs",                    get_costs, "call_costs.read", filters=(month_filter(),)),
    Route("GET",  "/calls/invalid-numbers",             list_invalid_numbers, "invalid_numbers.read"),
    Route("POST", "/calls/invalid-numbers/{key}/revive", revive_number, "invalid_numbers.edit"),
)
# fmt: on
