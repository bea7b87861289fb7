"""Page of write-backs to the external platform: their errors, retry, mark as corrected by hand."""

from urllib.parse import urlencode

from aiohttp import web

from backend.domain.acts import Actor
from backend.domain.refusals import Refused
from backend.domain.ticket import Role
from backend.ports.platform import WritebackState
from backend.rooms import Rooms
from backend.web.api import platform
from backend.web.asked import Ask
from backend.web.bodies import keepable
from backend.web.console.rendering import page
from backend.web.console.seats import Filled, posted, seated
from backend.web.queries import read_query

FILTERS = ("ticket", "state", "cursor")


def _may(actor: Actor, roles: frozenset[Role]) -> bool:
    return actor.role is Role.ADMIN or actor.role in roles


async def show(request: web.Request, rooms: Rooms, actor: Actor) -> web.StreamResponse:
    """GET /sync."""
    if not _may(actor, platform.READERS):
        raise Refused("forbidden")
    query = {name: value for name, value in read_query(request.query, FILTERS).items() if value}
    answer = (await platform.listed(Ask(rooms, actor, query=query))).payload
    kept = {k: v for k, v in query.items() if k != "cursor"}
    more = f"/sync?{urlencode({**kept, 'cursor': answer['next']})}" if answer["next"] else None
    return page(request, "sync.html", {
        **answer, "next": more, "query": kept, "states": list(WritebackState), "may_mend": _may(actor, platform.MENDERS),
        "open": ("waiting", "sending", "asked", "refused"),
    })  # fmt: skip


async def mend(request: web.Request, rooms: Rooms, actor: Actor, form: Filled) -> web.StreamResponse:
    """POST /sync/ID: retry, or mark as corrected by hand with a reason."""
    if not _may(actor, platform.MENDERS) or rooms.platform is None:
        raise Refused("forbidden")
    number = request.match_info["id"]
    event = int(number) if number.isascii() and number.isdigit() and len(number) < 19 else 0
    if form.fields.get("what") == "again":
        await rooms.platform.resend(event, actor)
    else:
        await rooms.platform.settle(event, keepable(form.fields.get("reason", "")), actor)
    raise web.HTTPSeeOther("/sync?state=refused")


def add_routes(app: web.Application) -> None:
    """Add the page's routes."""
    app.router.add_get("/sync", seated(show))
    app.router.add_post("/sync/{id}", posted(mend))
