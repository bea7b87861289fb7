"""Overview page: open tickets by state, overdue tickets, red cards, integrity findings."""

from aiohttp import web

from backend.domain.acts import Actor
from backend.domain.ticket import State
from backend.ports.ticket_queries import TicketFilter
from backend.rooms import Rooms
from backend.web.asked import Ask
from backend.web.console.rendering import page
from backend.web.shapes import Shaper

SHOWN = 10  # overdue tickets on the page


async def show(request: web.Request, rooms: Rooms, actor: Actor) -> web.StreamResponse:
    """GET /."""
    ask, now = Ask(rooms, actor), rooms.clock.now()
    counts = await rooms.reading.count_open(now, ask.seen_by)
    late = await rooms.reading.list_tickets(TicketFilter(overdue=True), now, limit=SHOWN, seen_by=ask.seen_by)
    shaper = await Shaper.of(rooms)
    found = await rooms.auditor.list_findings() if rooms.auditor is not None and not actor.is_unit_member else ()
    say = rooms.catalogue.render
    return page(request, "overview.html", {
        "states": [(s.value, counts[s]) for s in State if counts.get(s)], "overdue": counts["overdue"],
        "red": counts["red"], "late": [shaper.ticket(v) for v in late.items], "now": now,
        "unit_names": await unit_names(rooms),
        "findings": [say(f"finding.{f.kind}", subject=f.subject, **f.facts) for f in found[:SHOWN]],
    })  # fmt: skip


async def unit_names(rooms: Rooms) -> dict[str, str]:
    """Return the names of units by code."""
    return {code: unit.name for code, unit in (await rooms.office.snapshot()).config.units.items()}
