"""Deliveries, calls and the audit log."""

from backend.domain.refusals import Refused
from backend.web.api.office import people_seen
from backend.web.asked import Answer, Ask
from backend.web.queries import cursor, limit_of, one_of, place_of
from backend.web.shapes import Shaper

STATES = ("pending", "sending", "sent", "ambiguous", "failed", "dead", "skipped")
OUTCOMES = (
    "confirmed", "signed", "completed", "partial", "refused", "wrong_person", "no_reply", "machine", "busy",
    "no_answer", "failed", "carrier_failed",
)  # fmt: skip


async def _about(ask: Ask) -> int | None:
    no = ask.query.get("ticket")
    if no is None:
        return None
    view = await ask.rooms.reading.get_ticket(no, ask.seen_by)
    if view is None:
        raise Refused("not_found", ticket=no)
    return view.ticket.id


async def _whose(ask: Ask) -> set[str] | None:
    """Return the people whose records may be listed: unit roles their own unit's; `person` narrows; None: all."""
    wanted = ask.query.get("person")
    if not ask.actor.is_unit_member:
        return None if wanted is None else {wanted}
    snapshot = await ask.rooms.office.snapshot()
    own = {p.code for p in people_seen(snapshot.config.people, ask.actor)}
    return own if wanted is None else own & {wanted}


async def deliveries(ask: Ask) -> Answer:
    """List messages, newest first."""
    page = await ask.rooms.reading.list_deliveries(
        ticket_id=await _about(ask), people=await _whose(ask), state=one_of(ask.query, "state", STATES),
        before=place_of(ask.query), limit=limit_of(ask.query),
    )  # fmt: skip
    shaper = await Shaper.of(ask.rooms)
    return Answer({"items": [shaper.delivery(d) for d in page.items], "next": cursor(page.next_id)})


async def calls(ask: Ask) -> Answer:
    """List calls with their attempts, newest first."""
    page = await ask.rooms.reading.list_calls(
        ticket_id=await _about(ask), people=await _whose(ask), outcome=one_of(ask.query, "outcome", OUTCOMES),
        before=place_of(ask.query), limit=limit_of(ask.query),
    )  # fmt: skip
    shaper = await Shaper.of(ask.rooms)
    items = [{**shaper.call(c), "dials": [shaper.dial(d) for d in c.call_attempts]} for c in page.items]
    return Answer({"items": items, "next": cursor(page.next_id)})


async def audit(ask: Ask) -> Answer:
    """List the audit log, newest first."""
    page = await ask.rooms.audit.list_entries(before=place_of(ask.query), limit=limit_of(ask.query))
    zone = ask.rooms.clock.zone
    items = [
        {"id": e.id, "at": e.at.astimezone(zone).isoformat(), "who": e.who, "what": e.what, "about": e.about,
         "facts": e.facts}
        for e in page.items
    ]  # fmt: skip
    return Answer({"items": items, "next": cursor(page.next_id)})
