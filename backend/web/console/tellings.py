"""Pages of deliveries and calls."""

from typing import Any
from urllib.parse import urlencode

from aiohttp import web

from backend.domain.acts import Actor
from backend.rooms import Rooms
from backend.web.api import tellings
from backend.web.asked import Ask
from backend.web.console.rendering import page
from backend.web.queries import read_query


async def deliveries(request: web.Request, rooms: Rooms, actor: Actor) -> web.StreamResponse:
    """GET /deliveries."""
    query = _query(request, ("ticket", "person", "state", "cursor"))
    answer = await tellings.deliveries(Ask(rooms, actor, query=query))
    return await _page(request, rooms, "deliveries", query, answer.payload, "state", tellings.STATES)


async def calls(request: web.Request, rooms: Rooms, actor: Actor) -> web.StreamResponse:
    """GET /calls."""
    query = _query(request, ("ticket", "person", "outcome", "cursor"))
    answer = await tellings.calls(Ask(rooms, actor, query=query))
    return await _page(request, rooms, "calls", query, answer.payload, "outcome", tellings.OUTCOMES)


def _query(request: web.Request, known: tuple[str, ...]) -> dict[str, str]:
    return {name: value for name, value in read_query(request.query, known).items() if value}


async def _page(
    request: web.Request, rooms: Rooms, name: str, query: dict[str, str], payload: Any, choice: str,
    words: tuple[str, ...],
) -> web.StreamResponse:  # fmt: skip
    snapshot = await rooms.office.snapshot()
    kept = {k: v for k, v in query.items() if k != "cursor"}
    more = f"/{name}?{urlencode({**kept, 'cursor': payload['next']})}" if payload["next"] else None
    return page(request, f"{name}.html", {
        "items": payload["items"], "next": more, "query": kept, "choice": choice, "choices": words,
        "names": {p.code: p.name for p in snapshot.config.people},
    })  # fmt: skip
