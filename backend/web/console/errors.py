"""Renders a refusal as a page, with its sentence and the request id (FR19)."""

from urllib.parse import urlencode

from aiohttp import web

from backend.domain.refusals import Refused
from backend.web.console.rendering import render_page
from backend.web.errors import get_status, word_refusal
from backend.web.request import REQUEST_ID


async def render_refusal(request: web.Request, refused: Refused, error: Exception) -> web.StreamResponse:
    """Render a refusal; those not signed in are redirected to the sign-in page."""
    if refused.code == "unauthenticated":
        wanted = request.path_qs if request.method == "GET" and request.path != "/" else ""
        onward = f"?{urlencode({'next': wanted})}" if wanted else ""
        return web.Response(status=303, headers={"Location": f"/sign-in{onward}"})
    request_id = request[REQUEST_ID]
    sentence = word_refusal(request, refused)
    code = error.status if isinstance(error, web.HTTPException) else get_status(refused.code)
    has_home = refused.code != "wrong_host"  # under that name every page is this one
    return render_page(request, "fault.html", {"message": sentence, "number": request_id, "has_home": has_home}, code)
