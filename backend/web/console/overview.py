"""Overview page: open tickets by state, overdue tickets, red cards, integrity findings."""

from aiohttp import web

from backend.domain.acts import Actor
from backend.domain.ticket_enums import State
from backend.ports.ticket_queries import TicketFilter
from backend.services import Services
from backend.web.console.rendering import render_page
from backend.web.request import ApiRequest
from backend.web.serializers import Serializer

MAX_SHOWN = 10  # overdue tickets on the page


async def show(request: web.Request, services: Services, actor: Actor) -> web.StreamResponse:
    """GET /."""
    api_request, now = ApiRequest(services, actor), services.clock.now()
    counts = await services.queries.count_open(now, api_request.seen_by)
    late = await services.queries.list_tickets(
        TicketFilter(overdue=True), now, limit=MAX_SHOWN, seen_by=api_request.seen_by
    )
    serializer = await Serializer.create(services)
    found = await services.integrity.list_findings() if not actor.is_unit_member else ()
    say = services.texts.render
    return render_page(request, "overview.html", {
        "states": [(s.value, counts[s]) for s in State if counts.get(s)], "overdue": counts["overdue"],
        "red": counts["red"], "undecided": counts["undecided"], "late": [serializer.dump_ticket(v, actor) for v in late.items], "now": now,
        "unit_names": await load_unit_names(services),
        "findings": [say(f"finding.{f.kind}", subject=f.subject, **f.facts) for f in found[:MAX_SHOWN]],
    })  # fmt: skip


async def load_unit_names(services: Services) -> dict[str, str]:
    """Return the names of units by code."""
    return {code: unit.name for code, unit in (await services.office.snapshot()).config.units.items()}
