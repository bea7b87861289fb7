"""Score page of one unit's month: explanation of each line, its tickets, earlier months, and what-if."""

from typing import Any

from aiohttp import web

from backend.domain.acts import Actor
from backend.domain.offered_verbs import select_assignment
from backend.domain.refusals import Refused
from backend.domain.settings import find_setting
from backend.ports.ticket_queries import TicketView
from backend.scoring import Scoring
from backend.scoring.explain_shapes import LatenessCost
from backend.services import Services
from backend.web.api.scoring import explain_score, get_trend
from backend.web.body import strip_unstorable
from backend.web.console.forms import WHAT_IF_SETTINGS, parse_settings
from backend.web.console.overview import load_unit_names
from backend.web.console.rendering import render_page
from backend.web.console.sessions import SubmittedForm, require_form, require_session
from backend.web.console.sparkline import draw_sparkline
from backend.web.errors import get_status, word_refusal
from backend.web.query import read_query
from backend.web.request import ApiRequest

FILTERS = ("month", "unit", "item", "failed", "cursor")


def add_routes(app: web.Application) -> None:
    """Add the page and its form."""
    app.router.add_get("/scores/unit", require_session(show))
    app.router.add_post("/scores/unit", require_form(show_what_if))


async def show(request: web.Request, services: Services, actor: Actor) -> web.StreamResponse:
    """GET /scores/unit?month=&unit=."""
    query = {k: v for k, v in read_query(request.query, FILTERS).items() if v}
    return await _render(request, services, actor, query)


async def load_lateness_cost(services: Services, view: TicketView, actor: Actor) -> LatenessCost | None:
    """Return what lateness of an open ticket would cost its unit this month; None where there is no cost to show."""
    target = select_assignment(view.ticket, view.assignments, actor)
    if target is None or not isinstance(services.scoring, Scoring) or view.ticket.merged_into is not None:
        return None
    found = await services.scoring.explainer.compute_delay_cost(target, frozenset(view.ticket.flags))
    return found if found["open"] and found["items"] else None


async def _render(
    request: web.Request, services: Services, actor: Actor, query: dict[str, str], what_if_sheet: Any = None, typed: Any = None,
    fault: str = "", code: int = 200,
) -> web.StreamResponse:  # fmt: skip
    if actor.is_unit_member:
        query.setdefault("unit", actor.unit or "")
    query.setdefault("month", f"{services.clock.now():%Y-%m}")
    if "unit" not in query:
        raise Refused("missing", field="unit")
    plain = {k: query[k] for k in ("month", "unit")}
    sheet = (await explain_score(ApiRequest(services, actor, query=plain))).payload
    item = (await explain_score(ApiRequest(services, actor, query=query))).payload if "item" in query else None
    over = (await get_trend(ApiRequest(services, actor, query={**plain, "months": "6"}))).payload
    return render_page(request, "why.html", {
        "sheet": sheet, "item": item, "trend": over, "query": query, "unit_names": await load_unit_names(services),
        "pending": await services.scoring.explainer.list_pending(query["month"], query["unit"], actor),
        "spark": draw_sparkline, "then": what_if_sheet, "said": typed or {}, "fault": fault, "choices": [find_setting(key) for key in WHAT_IF_SETTINGS],
    }, code)  # fmt: skip


async def show_what_if(
    request: web.Request, services: Services, actor: Actor, form: SubmittedForm
) -> web.StreamResponse:
    """POST /scores/unit: the sheet beside one with other settings and pending decisions assumed."""
    fields = {name: strip_unstorable(value).strip() for name, value in form.fields.items()}
    query = {name: fields.get(name, "") for name in ("month", "unit") if fields.get(name)}
    try:
        settings = parse_settings(form, services.texts)
        ticked = {
            name: [int(field.partition(":")[2]) for field in fields if field.startswith(f"{name}:")]
            for name in ("ledger", "contests", "exclusions", "requests")
        }
        what_if_sheet = await services.scoring.explainer.compute_what_if(
            query.get("month", ""), query.get("unit", ""), actor, settings=settings, **ticked
        )
    except (Refused, ValueError) as error:
        refused = error if isinstance(error, Refused) else Refused("bad_field", field="other")
        sentence = word_refusal(request, refused)
        return await _render(request, services, actor, query, None, fields, sentence, get_status(refused.code))
    return await _render(request, services, actor, query, what_if_sheet, fields)
