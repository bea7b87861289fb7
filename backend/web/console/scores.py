"""Page of a month's score sheets: each line with its counts and tickets."""

from typing import Any

from aiohttp import web

from backend.domain.acts import Actor
from backend.domain.refusals import Refused
from backend.rooms import Rooms
from backend.web.api.scores import sheets
from backend.web.asked import Ask
from backend.web.console.overview import unit_names
from backend.web.console.rendering import page
from backend.web.queries import read_query
from backend.web.refusing import message

SCHEMES = ("jilin-unit", "jilin-mgmt", "beijing-agency")


async def show(request: web.Request, rooms: Rooms, actor: Actor) -> web.StreamResponse:
    """GET /scores."""
    query = {k: v for k, v in read_query(request.query, ("month", "scheme", "unit")).items() if v}
    query.setdefault("month", f"{rooms.clock.now():%Y-%m}")
    found: dict[str, Any] = {}
    fault = ""
    try:
        found = (await sheets(Ask(rooms, actor, query=query))).payload
    except Refused as refused:
        closed = refused.code == "unavailable"
        fault = rooms.catalogue.render("console.scores_closed") if closed else message(
            rooms.catalogue, refused.code, refused.facts
        )  # fmt: skip
    return page(request, "scores.html", {
        "query": query, "units": found.get("units", [found] if found.get("lines") else []), "fault": fault,
        "regions": found.get("regions", []), "schemes": SCHEMES, "unit_names": await unit_names(rooms),
    })  # fmt: skip
