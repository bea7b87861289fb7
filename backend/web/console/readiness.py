"""Page of units that are not ready for tickets, with their reminders."""

from aiohttp import web

from backend.domain.acts import Actor
from backend.domain.refusals import Refused
from backend.domain.ticket import Role
from backend.rooms import Rooms
from backend.web.api import readiness
from backend.web.asked import Ask
from backend.web.bodies import keepable
from backend.web.console.rendering import page
from backend.web.console.seats import Filled, posted, seated


async def show(request: web.Request, rooms: Rooms, actor: Actor) -> web.StreamResponse:
    """GET /office/readiness."""
    if actor.role is not Role.ADMIN and actor.role not in readiness.READERS:
        raise Refused("forbidden")
    items = (await readiness.listed(Ask(rooms, actor))).payload["items"]
    return page(request, "readiness.html", {
        "items": items, "may_chase": actor.role is Role.ADMIN or actor.role in readiness.CHASERS,
    })  # fmt: skip


async def chase(request: web.Request, rooms: Rooms, actor: Actor, form: Filled) -> web.StreamResponse:
    """POST /office/readiness/CODE: record that the unit was reminded."""
    if actor.role is not Role.ADMIN and actor.role not in readiness.CHASERS:
        raise Refused("forbidden")
    code = keepable(request.match_info["code"])
    await readiness.room_of(rooms).record_reminder(code, keepable(form.fields.get("note", "")), actor)
    raise web.HTTPSeeOther("/office/readiness")


def add_routes(app: web.Application) -> None:
    """Add the page's routes."""
    app.router.add_get("/office/readiness", seated(show))
    app.router.add_post("/office/readiness/{code}", posted(chase))
