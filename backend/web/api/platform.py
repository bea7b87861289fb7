"""Write-backs to the external platform: list, retry, mark as corrected by hand (A7)."""

from typing import Annotated, Any

from pydantic import Field

from backend.domain.refusals import Refused
from backend.domain.ticket import Role
from backend.platform.service import PlatformSync
from backend.ports.platform import Writeback, WritebackState
from backend.web import wants
from backend.web.asked import Answer, Ask
from backend.web.gate import Route
from backend.web.queries import cursor, limit_of, one_of, place_of
from backend.web.shapes import Shaper

READERS = frozenset({Role.DISPATCHER, Role.SUPERVISOR, Role.REVIEWER, Role.AUDITOR})
MENDERS = frozenset({Role.DISPATCHER, Role.SUPERVISOR})


class SettleWant(wants.Want):
    """How a move was corrected by hand."""

    reason: Annotated[str, Field(min_length=1, max_length=500, strict=True)]


def _room(ask: Ask) -> PlatformSync:
    if ask.rooms.platform is None:
        raise Refused("unavailable")
    return ask.rooms.platform


def _event(ask: Ask) -> int:
    written = ask.path["id"]
    if not (written.isascii() and written.isdigit() and len(written) < 19):
        raise Refused("not_found", event=written)
    return int(written)


def shape(move: Writeback, shaper: Shaper) -> dict[str, Any]:
    """Serialize a write-back; its arguments are in the ticket's timeline."""
    return {
        "event": move.id, "ticket": move.ticket_no, "version": move.version, "verb": move.verb,
        "from": move.from_state, "to": move.to_state, "unit": move.unit, "by": move.by, "at": shaper.at(move.at),
        "state": move.state, "attempts": move.attempts, "since": shaper.at(move.since),
        "not_before": shaper.at(move.not_before), "done_at": shaper.at(move.done_at), "done_by": move.done_by,
        "error": move.error, "ref": move.ref,
    }  # fmt: skip


async def listed(ask: Ask) -> Answer:
    """List write-backs, newest first, with the state of the connection."""
    room, ticket_id = _room(ask), None
    if (no := ask.query.get("ticket")) is not None:
        view = await ask.rooms.reading.get_ticket(no, ask.seen_by)
        if view is None:
            raise Refused("not_found", ticket=no)
        ticket_id = view.ticket.id
    word = one_of(ask.query, "state", tuple(WritebackState))
    page = await room.list_writebacks(
        state=WritebackState(word) if word else None,
        ticket_id=ticket_id,
        before=place_of(ask.query),
        limit=limit_of(ask.query),
    )
    shaper = await Shaper.of(ask.rooms)
    return Answer({
        "items": [shape(move, shaper) for move in page.items], "next": cursor(page.next_id),
        "system_of_record": "external" if await room.is_external() else "self", "configured": room.is_configured,
        "counts": dict(await room.count_pending()), "trouble": await room.get_last_error(),
    })  # fmt: skip


async def again(ask: Ask) -> Answer:
    """Retry a write-back."""
    await _room(ask).resend(_event(ask), ask.actor)
    return Answer({"event": _event(ask), "state": WritebackState.WAITING})


async def settle(ask: Ask) -> Answer:
    """Mark a write-back as corrected on the platform by hand."""
    await _room(ask).settle(_event(ask), ask.body.reason, ask.actor)
    return Answer({"event": _event(ask), "state": WritebackState.SETTLED})


# fmt: off
ROUTES: tuple[Route, ...] = (
    Route("GET",  "/sync",             listed, "Moves on their way to the platform", READERS,
          filters=("state", "ticket", "limit", "cursor")),
    Route("POST", "/sync/{id}/retry",  again,  "Write a move back once more", MENDERS, wants.Nothing),
    Route("POST", "/sync/{id}/settle", settle, "Set right by hand", MENDERS, SettleWant),
)
# fmt: on
