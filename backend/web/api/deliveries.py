"""Deliveries, calls and the audit log."""

from backend.domain.refusals import Refused
from backend.web.api.office import filter_visible_people
from backend.web.query import encode_cursor, parse_choice, parse_limit, parse_row_cursor
from backend.web.request import ApiRequest, ApiResponse
from backend.web.serializers import Serializer

STATES = ("pending", "sending", "sent", "ambiguous", "failed", "dead", "skipped")
OUTCOMES = (
    "confirmed", "signed", "completed", "partial", "refused", "wrong_person", "no_reply", "machine", "busy",
    "no_answer", "failed", "carrier_failed",
)  # fmt: skip


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


async def list_deliveries(request: ApiRequest) -> ApiResponse:
    """List messages, newest first."""
    page = await request.services.queries.list_deliveries(
        ticket_id=await _find_ticket_id(request), people=await _find_people(request), state=parse_choice(request.query, "state", STATES),
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


async def list_calls(request: ApiRequest) -> ApiResponse:
    """List calls with their attempts, newest first."""
    page = await request.services.queries.list_calls(
        ticket_id=await _find_ticket_id(request), people=await _find_people(request), outcome=parse_choice(request.query, "outcome", OUTCOMES),
        before=parse_row_cursor(request.query), limit=parse_limit(request.query),
    )  # fmt: skip
    serializer = await Serializer.create(request.services)
    items = [
        {**serializer.dump_call(c), "dials": [serializer.dump_attempt(d) for d in c.call_attempts]} for c in page.items
    ]
    return ApiResponse({"items": items, "next": encode_cursor(page.next_id)})


async def list_audit(request: ApiRequest) -> ApiResponse:
    """List the audit log, newest first."""
    page = await request.services.audit.list_entries(
        before=parse_row_cursor(request.query), limit=parse_limit(request.query)
    )
    zone = request.services.clock.zone
    items = [
        {"id": e.id, "at": e.at.astimezone(zone).isoformat(), "who": e.who, "what": e.what, "about": e.about,
         "facts": e.facts}
        for e in page.items
    ]  # fmt: skip
    return ApiResponse({"items": items, "next": encode_cursor(page.next_id)})
