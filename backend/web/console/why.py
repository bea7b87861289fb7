"""Score page of one unit's month: explanation of each line, its tickets, earlier months, and what-if."""

from typing import Any

from aiohttp import web

from backend.domain.acts import Actor
from backend.domain.refusals import Refused
from backend.domain.settings import find_setting, parse_value
from backend.ports.ticket_queries import TicketView
from backend.rooms import Rooms
from backend.scoring import Scoring
from backend.web.api.marks import explain, marks_of, trend
from backend.web.asked import REQUEST_ID, Ask
from backend.web.bodies import keepable
from backend.web.console.act_forms import target_of
from backend.web.console.overview import unit_names
from backend.web.console.rendering import page
from backend.web.console.seats import Filled, posted, seated
from backend.web.console.sparkline import sparkline
from backend.web.queries import read_query
from backend.web.refusing import message, status

FILTERS = ("month", "unit", "item", "failed", "cursor")
CHOICES = ("scoring.slope_mode", "scoring.zero_denominator", "scoring.closure_basis", "scoring.return_basis",
           "scoring.unreasonable_mode", "scoring.second_visit_unreached", "scoring.tolerance_count")  # fmt: skip


def add_routes(app: web.Application) -> None:
    """Add the page and its form."""
    app.router.add_get("/scores/unit", seated(show))
    app.router.add_post("/scores/unit", posted(what_if))


async def show(request: web.Request, rooms: Rooms, actor: Actor) -> web.StreamResponse:
    """GET /scores/unit?month=&unit=."""
    query = {k: v for k, v in read_query(request.query, FILTERS).items() if v}
    return await _shown(request, rooms, actor, query)


async def cost_of(rooms: Rooms, view: TicketView, actor: Actor) -> dict[str, Any] | None:
    """Return what lateness of an open ticket would cost its unit this month; None where there is no cost to show."""
    target = target_of(view, actor)
    if target is None or not isinstance(rooms.marks, Scoring) or view.ticket.merged_into is not None:
        return None
    found = await rooms.marks.explainer.compute_delay_cost(target, frozenset(view.ticket.flags))
    return found if found["open"] and found["items"] else None


async def _shown(
    request: web.Request, rooms: Rooms, actor: Actor, query: dict[str, str], then: Any = None, said: Any = None,
    fault: str = "", code: int = 200,
) -> web.StreamResponse:  # fmt: skip
    if actor.is_unit_member:
        query.setdefault("unit", actor.unit or "")
    query.setdefault("month", f"{rooms.clock.now():%Y-%m}")
    if "unit" not in query:
        raise Refused("missing", field="unit")
    plain = {k: query[k] for k in ("month", "unit")}
    sheet = (await explain(Ask(rooms, actor, query=plain))).payload
    item = (await explain(Ask(rooms, actor, query=query))).payload if "item" in query else None
    over = (await trend(Ask(rooms, actor, query={**plain, "months": "6"}))).payload
    return page(request, "why.html", {
        "sheet": sheet, "item": item, "trend": over, "query": query, "unit_names": await unit_names(rooms),
        "pending": await marks_of(rooms).explainer.list_pending(query["month"], query["unit"], actor),
        "spark": sparkline, "then": then, "said": said or {}, "fault": fault, "choices": [find_setting(key) for key in CHOICES],
    }, code)  # fmt: skip


async def what_if(request: web.Request, rooms: Rooms, actor: Actor, form: Filled) -> web.StreamResponse:
    """POST /scores/unit: the sheet beside one with other settings and pending decisions assumed."""
    said = {name: keepable(value).strip() for name, value in form.fields.items()}
    query = {name: said.get(name, "") for name in ("month", "unit") if said.get(name)}
    try:
        settings = {key: parse_value(key, said[key]) for key in CHOICES if said.get(key)}
        key, equals, value = said.get("other", "").partition("=")
        if equals:
            settings[key.strip()] = parse_value(key.strip(), value.strip())
        ticked = {
            name: [int(field.partition(":")[2]) for field in said if field.startswith(f"{name}:")]
            for name in ("ledger", "contests", "exclusions", "requests")
        }
        then = await marks_of(rooms).explainer.compute_what_if(
            query.get("month", ""), query.get("unit", ""), actor, settings=settings, **ticked
        )
    except (Refused, ValueError) as no:
        refused = no if isinstance(no, Refused) else Refused("bad_field", field="other")
        words = message(rooms.catalogue, refused.code, {**refused.facts, "request_id": request[REQUEST_ID]})
        return await _shown(request, rooms, actor, query, None, said, words, status(refused.code))
    return await _shown(request, rooms, actor, query, then, said)
