"""Page of call costs and invalid numbers, and who sees the button that calls the requester."""

from aiohttp import web

from backend.domain.acts import Actor
from backend.domain.move_table import HANDLING, is_allowed
from backend.domain.refusals import Refused
from backend.domain.ticket import Role, State
from backend.ports.ticket_queries import TicketView
from backend.services import Services
from backend.web.api import calls
from backend.web.body import strip_unstorable
from backend.web.console.rendering import render_page
from backend.web.console.sessions import SubmittedForm, require_form, require_session
from backend.web.query import read_query
from backend.web.request import ApiRequest


def may_bridge(services: Services, view: TicketView, actor: Actor) -> bool:
    """Whether to show the button; the service decides when it is pressed."""
    if services.calls is None or not services.calls.dependencies.carrier.can.bridge or not view.ticket.has_phone:
        return False
    if view.ticket.state is State.REVISIT_MANUAL:
        return actor.role in (Role.REVISIT_AGENT, Role.ADMIN)
    own = [a for a in view.assignments if a.ended_at is None and (not actor.is_unit_member or a.unit == actor.unit)]
    return is_allowed(actor.role, "contact") and any(a.state in HANDLING for a in own)


async def show_costs(request: web.Request, services: Services, actor: Actor) -> web.StreamResponse:
    """GET /calls/costs."""
    if actor.role is not Role.ADMIN and actor.role not in calls.COST_READERS:
        raise Refused("forbidden")
    query = {k: v for k, v in read_query(request.query, ("month",)).items() if v}
    summary = await calls.load_costs(services, query.get("month"))
    dead = (await calls.list_invalid_numbers(ApiRequest(services, actor))).payload["items"]
    snapshot = await services.office.snapshot()
    return render_page(request, "costs.html", {
        **summary, "dead": dead, "may_revive": actor.role is Role.ADMIN,
        "names": {p.code: p.name for p in snapshot.config.people},
    })  # fmt: skip


async def revive_number(
    request: web.Request, services: Services, actor: Actor, form: SubmittedForm
) -> web.StreamResponse:
    """POST /calls/dead-numbers: allow calls to a number again."""
    if actor.role is not Role.ADMIN:
        raise Refused("forbidden")
    await calls.revive_number(ApiRequest(services, actor, path={"key": strip_unstorable(form.fields.get("key", ""))}))
    raise web.HTTPSeeOther("/calls/costs")


def add_routes(app: web.Application) -> None:
    """Add the page's routes."""
    app.router.add_get("/calls/costs", require_session(show_costs))
    app.router.add_post("/calls/dead-numbers", require_form(revive_number))
