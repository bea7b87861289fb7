"""Renders a refusal as a page, with its sentence and the request id (FR19)."""

from urllib.parse import urlencode

from aiohttp import web

from backend.domain.refusals import Refused
from backend.web.asked import REQUEST_ID, ROOMS
from backend.web.console.rendering import page
from backend.web.refusing import message, status


async def page_of_refusal(request: web.Request, refused: Refused, error: Exception) -> web.StreamResponse:
    """Render a refusal; those not signed in are redirected to the sign-in page."""
    if refused.code == "unauthenticated":
        wanted = request.path_qs if request.method == "GET" and request.path != "/" else ""
        onward = f"?{urlencode({'next': wanted})}" if wanted else ""
        return web.Response(status=303, headers={"Location": f"/sign-in{onward}"})
    number = request[REQUEST_ID]
    words = message(request.app[ROOMS].catalogue, refused.code, {**refused.facts, "request_id": number})
    code = error.status if isinstance(error, web.HTTPException) else status(refused.code)
    return page(request, "fault.html", {"message": words, "number": number}, code)
