"""Write-backs to the external platform: list, retry, mark as corrected by hand (A7)."""

from typing import Annotated

from pydantic import Field
from typing_extensions import TypedDict

from backend.domain.json_shapes import Instant, one_of
from backend.ports.platform import Writeback, WritebackState
from backend.web import schemas
from backend.web.api.tickets import load_view
from backend.web.endpoint import Route
from backend.web.query import (
    PAGED,
    TICKET,
    choice_filter,
    encode_cursor,
    parse_choice,
    parse_id,
    parse_limit,
    parse_row_cursor,
)
from backend.web.request import ApiRequest, ApiResponse
from backend.web.serializers import Serializer
from backend.web.shapes import Listed
from backend.web.timeline_shapes import After, Before, Verb


class SettleBody(schemas.RequestBody):
    """How a move was corrected by hand."""

    reason: Annotated[str, Field(min_length=1, max_length=500, strict=True)]


WritebackItem = TypedDict(
    "WritebackItem",
    {
        "event": int, "ticket": str, "version": int, "verb": Verb, "from": Before, "to": After, "unit": str | None, "by": str,
        "at": Instant, "state": WritebackState, "attempts": int, "since": Instant, "not_before": Instant | None,
        "done_at": Instant | None, "done_by": str | None, "error": str | None, "ref": str | None,
    },
)  # fmt: skip


class WritebackPage(Listed):
    """Write-backs, newest first, and the state of the connection; `counts` are those not done, by state."""

    items: list[WritebackItem]
    system_of_record: Annotated[str, one_of(("self", "external"))]
    configured: bool
    counts: dict[str, int]
    trouble: str | None


class WritebackChange(TypedDict):
    """A write-back's new state."""

    event: int
    state: WritebackState


def dump_writeback(writeback: Writeback, serializer: Serializer) -> WritebackItem:
    """Serialize a write-back; its arguments are in the ticket's timeline."""
    return {
        "event": writeback.id, "ticket": writeback.ticket_no, "version": writeback.version, "verb": writeback.verb,
        "from": writeback.from_state, "to": writeback.to_state, "unit": writeback.unit, "by": writeback.by, "at": serializer.format_time(writeback.at),
        "state": writeback.state, "attempts": writeback.attempts, "since": serializer.format_time(writeback.since),
        "not_before": serializer.format_time(writeback.not_before), "done_at": serializer.format_time(writeback.done_at), "done_by": writeback.done_by,
        "error": writeback.error, "ref": writeback.ref,
    }  # fmt: skip


async def list_writebacks(request: ApiRequest) -> ApiResponse[WritebackPage]:
    """List write-backs, newest first, with the state of the connection."""
    service, ticket_id = request.services.platform, None
    if (ticket_no := request.query.get("ticket")) is not None:
        ticket_id = (await load_view(request, ticket_no)).ticket.id
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


async def retry(request: ApiRequest) -> ApiResponse[WritebackChange]:
    """Retry a write-back."""
    await request.services.platform.resend(parse_id(request.path["id"]), request.actor)
    return ApiResponse({"event": parse_id(request.path["id"]), "state": WritebackState.WAITING})


async def settle(request: ApiRequest) -> ApiResponse[WritebackChange]:
    """Mark a write-back as corrected on the platform by hand."""
    await request.services.platform.settle(parse_id(request.path["id"]), request.body.reason, request.actor)
    return ApiResponse({"event": parse_id(request.path["id"]), "state": WritebackState.SETTLED})


# fmt: off
ROUTES: tuple[Route, ...] = (
    Route("GET",  "/sync",             list_writebacks, "platform.read",
          filters=(choice_filter("state", WritebackState), TICKET, *PAGED)),
    Route("POST", "/sync/{id}/retry",  retry, "platform.correct", schemas.EmptyBody),
    Route("POST", "/sync/{id}/settle", settle, "platform.correct", SettleBody),
)
# fmt: on
