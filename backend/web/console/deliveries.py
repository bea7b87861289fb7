"""Pages of deliveries and calls."""

from typing import Any
from urllib.parse import urlencode

from aiohttp import web

from backend.domain.acts import Actor
from backend.services import Services
from backend.web.api import deliveries
from backend.web.console.rendering import render_page
from backend.web.query import read_query
from backend.web.request import ApiRequest
from backend.web.timeline_shapes import CALL_OUTCOMES, DELIVERY_STATES


async def show_deliveries(request: web.Request, services: Services, actor: Actor) -> web.StreamResponse:
    """GET /deliveries."""
    query = _read_filters(request, ("ticket", "person", "state", "cursor"))
    answer = await deliveries.list_deliveries(ApiRequest(services, actor, query=query))
    return await _render(request, services, "deliveries", query, answer.payload, "state", DELIVERY_STATES)


async def show_calls(request: web.Request, services: Services, actor: Actor) -> web.StreamResponse:
    """GET /calls."""
    query = _read_filters(request, ("ticket", "person", "outcome", "cursor"))
    answer = await deliveries.list_calls(ApiRequest(services, actor, query=query))
    return await _render(request, services, "calls", query, answer.payload, "outcome", CALL_OUTCOMES)


def _read_filters(request: web.Request, known: tuple[str, ...]) -> dict[str, str]:
    return {name: value for name, value in read_query(request.query, known).items() if value}


async def _render(
    request: web.Request, services: Services, name: str, query: dict[str, str], payload: Any, choice: str,
    choices: tuple[str, ...],
) -> web.StreamResponse:  # fmt: skip
    snapshot = await services.office.snapshot()
    filters = {k: v for k, v in query.items() if k != "cursor"}
    more = f"/{name}?{urlencode({**filters, 'cursor': payload['next']})}" if payload["next"] else None
    return render_page(request, f"{name}.html", {
        "items": payload["items"], "next": more, "query": filters, "choice": choice, "choices": choices,
        "names": snapshot.person_names,
    })  # fmt: skip
