"""Deliveries, calls and the audit log."""

from typing import Any

from typing_extensions import TypedDict

from backend.domain.json_shapes import Instant
from backend.domain.refusals import Refused
from backend.web.api.office import filter_visible_people
from backend.web.query import encode_cursor, parse_choice, parse_limit, parse_row_cursor
from backend.web.request import ApiRequest, ApiResponse
from backend.web.serializers import Serializer
from backend.web.shapes import Listed, Page
from backend.web.timeline_shapes import CALL_OUTCOMES, DELIVERY_STATES, CallWithDials, Delivery


class DeliveryPage(Listed):
    """Messages, newest first; `held` while nothing leaves after a restore."""

    items: list[Delivery]
    held: bool


class AuditEntry(TypedDict):
    """Who did or saw what; the facts are its own."""

    id: int
    at: Instant
    who: str
    what: str
    about: str | None
    facts: dict[str, Any]


async def _find_ticket_id(request: ApiRequest) -> int | None:
    ticket_no = request.query.get("ticket")
    if ticket_no is None:
        return None
    view = await request.services.queries.get_ticket(ticket_no, request.seen_by)
    if view is None:
        raise Refused("not_found", ticket=ticket_no)
    return view.ticket.id


async def _find_people(request: ApiRequest) -> set[str] | None:
    """Return the people whose records may be listed: unit roles their own unit's; `person` narrows; None: all."""
    wanted = request.query.get("person")
    if not request.actor.is_unit_member:
        return None if wanted is None else {wanted}
    snapshot = await request.services.office.snapshot()
    own = {p.code for p in filter_visible_people(snapshot.config.people, request.actor)}
    return own if wanted is None else own & {wanted}


async def list_deliveries(request: ApiRequest) -> ApiResponse[DeliveryPage]:
    """List messages, newest first."""
    page = await request.services.queries.list_deliveries(
        ticket_id=await _find_ticket_id(request), people=await _find_people(request), state=parse_choice(request.query, "state", DELIVERY_STATES),
        before=parse_row_cursor(request.query), limit=parse_limit(request.query),
    )  # fmt: skip
    serializer = await Serializer.create(request.services)
    return ApiResponse(
        {
            "items": [serializer.dump_delivery(d) for d in page.items],
            "next": encode_cursor(page.next_id),
            "held": await request.services.holds.is_held(),
        }
    )


async def list_calls(request: ApiRequest) -> ApiResponse[Page[CallWithDials]]:
    """List calls with their attempts, newest first."""
    page = await request.services.queries.list_calls(
        ticket_id=await _find_ticket_id(request), people=await _find_people(request), outcome=parse_choice(request.query, "outcome", CALL_OUTCOMES),
        before=parse_row_cursor(request.query), limit=parse_limit(request.query),
    )  # fmt: skip
    serializer = await Serializer.create(request.services)
    items: list[CallWithDials] = [
        {**serializer.dump_call(c), "dials": [serializer.dump_attempt(d) for d in c.call_attempts]} for c in page.items
    ]
    return ApiResponse({"items": items, "next": encode_cursor(page.next_id)})


async def list_audit(request: ApiRequest) -> ApiResponse[Page[AuditEntry]]:
    """List the audit log, newest first."""
    page = await request.services.audit.list_entries(
        before=parse_row_cursor(request.query), limit=parse_limit(request.query)
    )
    zone = request.services.clock.zone
    items: list[AuditEntry] = [
        {"id": e.id, "at": e.at.astimezone(zone).isoformat(), "who": e.actor, "what": e.event, "about": e.subject,
         "facts": dict(e.facts)}
        for e in page.items
    ]  # fmt: skip
    return ApiResponse({"items": items, "next": encode_cursor(page.next_id)})
