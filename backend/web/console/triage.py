"""Pages of the dispatch catalogue, hot topics and governance; similar tickets and suggestions for the ticket page."""

from functools import partial
from typing import Any

from aiohttp import web

from backend.domain.acts import Actor
from backend.domain.move_table import is_allowed, is_new
from backend.domain.permissions import may, require
from backend.domain.refusals import Refused
from backend.domain.ticket_enums import Category, UnitKind
from backend.ports.ticket_queries import TicketView
from backend.ports.triage import GROUP_BY
from backend.services import Services
from backend.triage.governance_projects import to_json
from backend.web.api.similarity import (
    CatalogueEntryBody,
    dump_entry,
    dump_hot_list,
    dump_similar,
    dump_suggestions,
    parse_span,
)
from backend.web.body import strip_unstorable
from backend.web.console.came_from import read_filters
from backend.web.console.forms import run_form
from backend.web.console.overview import load_unit_names
from backend.web.console.rendering import render_page
from backend.web.console.sessions import SubmittedForm, require_form, require_session
from backend.web.query import parse_id
from backend.web.request import ApiRequest
from backend.web.schemas import validate_body
from backend.web.serializers import Serializer

FILTERS = ("from", "to", "by", "region")
MAX_SIMILAR = 5  # similar tickets shown beside a ticket


def add_routes(app: web.Application) -> None:
    """Add these routes."""
    add = app.router
    add.add_get("/catalogue", require_session(show_catalogue))
    add.add_post("/catalogue", require_form(add_entry))
    add.add_post("/catalogue/{id}/remove", require_form(remove_entry))
    add.add_get("/hot", require_session(show_hot))
    add.add_post("/governance", require_form(change_project))
    add.add_post("/governance/{id}/{step}", require_form(change_project))


async def load_assistance(services: Services, view: TicketView, actor: Actor) -> dict[str, Any]:
    """Return similar tickets for the ticket page, and suggested units while it awaits dispatch; empty for units."""
    nothing: dict[str, Any] = {"likes": [], "suggestions": [], "may_merge": False}
    if not may(actor, "triage.read"):
        return nothing
    api_request, ticket_no, serializer = (
        ApiRequest(services, actor),
        view.ticket.ticket_no,
        await Serializer.create(services),
    )
    waits = is_new(view.ticket.state)
    found = await services.similarity.find_similar(ticket_no, MAX_SIMILAR)
    units = (
        await dump_suggestions(services.dispatch_suggestions, ticket_no, api_request)
        if waits and is_allowed(actor.role, "dispatch")
        else []
    )
    return {
        "likes": [dump_similar(one, serializer, services.texts) for one in found],
        "suggestions": units,
        "may_merge": waits and is_allowed(actor.role, "merge"),
    }


# -- the catalogue


async def show_catalogue(request: web.Request, services: Services, actor: Actor) -> web.StreamResponse:
    """GET /catalogue."""
    return await _render_catalogue(request, services, actor)


async def _render_catalogue(
    request: web.Request, services: Services, actor: Actor, fault: str = "", code: int = 200, typed: Any = None
) -> web.StreamResponse:
    require(actor, "triage.read")
    query = read_filters(request, FILTERS)
    start, end = parse_span(query, services.clock.now().date())
    by = query.get("by") or "unit"
    aid = services.dispatch_suggestions
    units = (await services.office.snapshot()).config.units.values()
    return render_page(request, "catalogue.html", {
        "rows": [dump_entry(row) for row in await aid.list_rows()], "misses": await aid.count_dispatch_errors(start, end, by),
        "repeats": await aid.count_repeats(start, end), "by": by, "bys": GROUP_BY, "start": start.isoformat(),
        "end": end.isoformat(), "categories": list(Category), "unit_names": await load_unit_names(services),
        "units": sorted((u for u in units if u.active and u.kind is not UnitKind.MANAGEMENT), key=lambda u: u.code),
        "may_keep": may(actor, "catalogue.edit"), "fault": fault, "said": typed or {},
        "names": (await services.office.snapshot()).person_names,
    }, code)  # fmt: skip


async def add_entry(request: web.Request, services: Services, actor: Actor, form: SubmittedForm) -> web.StreamResponse:
    """POST /catalogue."""
    given = {k: strip_unstorable(v) for k, v in form.fields.items() if k != "csrf" and v.strip()}

    async def work() -> None:
        await services.dispatch_suggestions.add_row(validate_body(CatalogueEntryBody, given).model_dump(), actor)

    return await run_form(
        request,
        work(),
        partial(_render_catalogue, request, services, actor, typed=given),
        "/catalogue",
        "catalogue_row_added",
    )


async def remove_entry(
    request: web.Request, services: Services, actor: Actor, _form: SubmittedForm
) -> web.StreamResponse:
    """POST /catalogue/ID/remove."""
    work = services.dispatch_suggestions.remove_row(parse_id(request.match_info["id"]), actor)

    again = partial(_render_catalogue, request, services, actor)
    return await run_form(request, work, again, "/catalogue", "catalogue_row_removed")


# -- hot topics and governance


async def show_hot(request: web.Request, services: Services, actor: Actor) -> web.StreamResponse:
    """GET /hot."""
    return await _render_hot(request, services, actor)


async def _render_hot(
    request: web.Request, services: Services, actor: Actor, fault: str = "", code: int = 200, typed: Any = None
) -> web.StreamResponse:
    require(actor, "triage.read")
    query = read_filters(request, FILTERS)
    start, end = parse_span(query, services.clock.now().date())
    listed = dump_hot_list(await services.hot_topics.build(start, end, query.get("region", "")))
    projects = [to_json(p, services.clock.zone) for p in await services.governance.list_projects()]
    return render_page(request, "hot.html", {
        "hot": listed, "projects": projects, "start": start.isoformat(), "end": end.isoformat(),
        "region": query.get("region", ""), "fault": fault, "said": typed or {}, "unit_names": await load_unit_names(services),
        "may_govern": may(actor, "governance.edit"), "may_review": may(actor, "governance.review"),
        "topic": query.get("topic", ""),
    }, code)  # fmt: skip


async def change_project(
    request: web.Request, services: Services, actor: Actor, form: SubmittedForm
) -> web.StreamResponse:
    """POST /governance and /governance/ID/(save|close|drop|accept|refuse)."""
    service = services.governance
    given: dict[str, Any] = {k: strip_unstorable(v) for k, v in form.fields.items() if k != "csrf"}
    if "tickets" in given:
        given["tickets"] = given["tickets"].split()

    async def work() -> None:
        if "id" not in request.match_info:
            await service.open(given, actor)
            return
        number = parse_id(request.match_info["id"])
        steps: dict[str, Any] = {
            "save": lambda: service.edit(number, given, actor), "close": lambda: service.close(number, actor),
            "drop": lambda: service.drop(number, actor), "accept": lambda: service.review(number, True, actor),
            "refuse": lambda: service.review(number, False, actor),
        }  # fmt: skip
        step = steps.get(request.match_info["step"])
        if step is None:
            raise Refused("not_found")
        await step()

    again = partial(_render_hot, request, services, actor, typed=given)
    return await run_form(request, work(), again, "/hot", f"project_{request.match_info.get('step', 'open')}")
