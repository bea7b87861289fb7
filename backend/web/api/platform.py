"""Write-backs to the external platform: list, retry, mark as corrected by hand (A7)."""

from typing import Annotated, Any

from pydantic import Field

from backend.domain.refusals import Refused
from backend.platform.service import PlatformSync
from backend.ports.platform import Writeback, WritebackState
from backend.web import schemas
from backend.web.endpoint import Route
from backend.web.query import encode_cursor, parse_choice, parse_limit, parse_row_cursor
from backend.web.request import ApiRequest, ApiResponse
from backend.web.serializers import Serializer


class SettleBody(schemas.RequestBody):
    """How a move was corrected by hand."""

    reason: Annotated[str, Field(min_length=1, max_length=500, strict=True)]


def _get_service(request: ApiRequest) -> PlatformSync:
    if request.services.platform is None:
        raise Refused("unavailable")
    return request.services.platform


def _parse_event_id(request: ApiRequest) -> int:
    text = request.path["id"]
    if not (text.isascii() and text.isdigit() and len(text) < 19):
        raise Refused("not_found", event=text)
    return int(text)


def dump_writeback(writeback: Writeback, serializer: Serializer) -> dict[str, Any]:
    """Serialize a write-back; its arguments are in the ticket's timeline."""
    return {
        "event": writeback.id, "ticket": writeback.ticket_no, "version": writeback.version, "verb": writeback.verb,
        "from": writeback.from_state, "to": writeback.to_state, "unit": writeback.unit, "by": writeback.by, "at": serializer.format_time(writeback.at),
        "state": writeback.state, "attempts": writeback.attempts, "since": serializer.format_time(writeback.since),
        "not_before": serializer.format_time(writeback.not_before), "done_at": serializer.format_time(writeback.done_at), "done_by": writeback.done_by,
        "error": writeback.error, "ref": writeback.ref,
    }  # fmt: skip


async def list_writebacks(request: ApiRequest) -> ApiResponse:
    """List write-backs, newest first, with the state of the connection."""
    service, ticket_id = _get_service(request), None
    if (ticket_no := request.query.get("ticket")) is not None:
        view = await request.services.queries.get_ticket(ticket_no, request.seen_by)
        if view is None:
            raise Refused("not_found", ticket=ticket_no)
        ticket_id = view.ticket.id
    state = parse_choice(request.query, "state", tuple(WritebackState))
    page = await service.list_writebacks(
        state=WritebackState(state) if state else None,
        ticket_id=ticket_id,
        before=parse_row_cursor(request.query),
        limit=parse_limit(request.query),
    )
    serializer = await Serializer.create(request.services)
    return ApiResponse({
        "items": [dump_writeback(move, serializer) for move in page.items], "next": encode_cursor(page.next_id),
        "system_of_record": "external" if await service.is_external() else "self", "configured": service.is_configured,
        "counts": dict(await service.count_pending()), "trouble": await service.get_last_error(),
    })  # fmt: skip


async def retry(request: ApiRequest) -> ApiResponse:
    """Retry a write-back."""
    await _get_service(request).resend(_parse_event_id(request), request.actor)
    return ApiResponse({"event": _parse_event_id(request), "state": WritebackState.WAITING})


async def settle(request: ApiRequest) -> ApiResponse:
    """Mark a write-back as corrected on the platform by hand."""
    await _get_service(request).settle(_parse_event_id(request), request.body.reason, request.actor)
    return ApiResponse({"event": _parse_event_id(request), "state": WritebackState.SETTLED})


# fmt: off
ROUTES: tuple[Route, ...] = (
    Route("GET",  "/sync",             list_writebacks, "Moves on their way to the platform", "platform.read",
          filters=("state", "ticket", "limit", "cursor")),
    Route("POST", "/sync/{id}/retry",  retry,  "Write a move back once more", "platform.correct", schemas.EmptyBody),
    Route("POST", "/sync/{id}/settle", settle, "Set right by hand", "platform.correct", SettleBody),
)
# fmt: on
