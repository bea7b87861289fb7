"""The page that describes the API: a list to search, and one operation in full; open to all, as the document is (XS12)."""

import asyncio

from aiohttp import web

from backend.domain.refusals import Refused
from backend.web.api.openapi import BASE
from backend.web.api.reading import list_operations
from backend.web.console.rendering import SIGNED_IN, render_page
from backend.web.identity import authenticate_session
from backend.web.query import read_query
from backend.web.request import SERVICES


async def show_api(request: web.Request) -> web.Response:
    """GET /api/docs?q=words, or ?operation=get/tickets. Refused `not_found`."""
    services = request.app[SERVICES]
    if seated := await authenticate_session(request, services):
        request[SIGNED_IN] = seated  # for the menu alone: nothing here is secret
    query = read_query(request.query, ("q", "operation"))
    operations = await asyncio.to_thread(list_operations, services.texts.language)  # at first half a second
    if wanted := query.get("operation"):
        one = next((one for one in operations if one.id == wanted), None)
        if one is None:
            raise Refused("not_found", operation=wanted)
        return render_page(request, "api_operation.html", {"one": one})
    words = query.get("q", "").lower().split()
    found = [one for one in operations if all(word in one.sought for word in words)]
    groups = {name: [one for one in found if one.group == name] for name in dict.fromkeys(one.group for one in found)}
    return render_page(
        request, "api.html", {"groups": groups, "count": len(found), "words": query.get("q", ""), "base": BASE}
    )


def add_routes(app: web.Application) -> None:
    """Add the route."""
    app.router.add_get("/api/docs", show_api)
