"""Page of call costs and invalid numbers, and who sees the button that calls the requester."""

from aiohttp import web

from backend.domain.acts import Actor
from backend.domain.move_table import HANDLING, is_allowed
from backend.domain.refusals import Refused
from backend.domain.ticket import Role, State
from backend.ports.ticket_queries import TicketView
from backend.rooms import Rooms
from backend.web.api import ringing
from backend.web.asked import Ask
from backend.web.bodies import keepable
from backend.web.console.rendering import page
from backend.web.console.seats import Filled, posted, seated
from backend.web.queries import read_query


def may_bridge(rooms: Rooms, view: TicketView, actor: Actor) -> bool:
    """Whether to show the button; the service decides when it is pressed."""
    if rooms.calls is None or not rooms.calls.dependencies.carrier.can.bridge or not view.ticket.has_phone:
        return False
    if view.ticket.state is State.REVISIT_MANUAL:
        return actor.role in (Role.REVISIT_AGENT, Role.ADMIN)
    own = [a for a in view.assignments if a.ended_at is None and (not actor.is_unit_member or a.unit == actor.unit)]
    return is_allowed(actor.role, "contact") and any(a.state in HANDLING for a in own)


async def costs(request: web.Request, rooms: Rooms, actor: Actor) -> web.StreamResponse:
    """GET /calls/costs."""
    if actor.role is not Role.ADMIN and actor.role not in ringing.MONEY:
        raise Refused("forbidden")
    query = {k: v for k, v in read_query(request.query, ("month",)).items() if v}
    told = await ringing.costs_of(rooms, query.get("month"))
    dead = (await ringing.dead(Ask(rooms, actor))).payload["items"]
    snapshot = await rooms.office.snapshot()
    return page(request, "costs.html", {
        **told, "dead": dead, "may_revive": actor.role is Role.ADMIN,
        "names": {p.code: p.name for p in snapshot.config.people},
    })  # fmt: skip


async def revive(request: web.Request, rooms: Rooms, actor: Actor, form: Filled) -> web.StreamResponse:
    """POST /calls/dead-numbers: allow calls to a number again."""
    if actor.role is not Role.ADMIN:
        raise Refused("forbidden")
    await ringing.revive(Ask(rooms, actor, path={"key": keepable(form.fields.get("key", ""))}))
    raise web.HTTPSeeOther("/calls/costs")


def add_routes(app: web.Application) -> None:
    """Add the page's routes."""
    app.router.add_get("/calls/costs", seated(costs))
    app.router.add_post("/calls/dead-numbers", posted(revive))
