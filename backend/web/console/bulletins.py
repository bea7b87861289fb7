"""Bulletins page: make one, see its progress, download its documents; works on a phone and without scripts."""

from urllib.parse import urlencode

from aiohttp import web

from backend.domain.acts import Actor
from backend.domain.refusals import Refused
from backend.domain.ticket import Role
from backend.reporting.kinds import BulletinKind
from backend.rooms import Rooms
from backend.web.api import bulletins
from backend.web.asked import Ask
from backend.web.bodies import keepable
from backend.web.console.rendering import page
from backend.web.console.seats import Filled, posted, seated
from backend.web.queries import read_query
from backend.web.refusing import message

AGAIN = "2"  # seconds until the page reloads while a bulletin is being made


def _may(actor: Actor, roles: frozenset[Role]) -> bool:
    return actor.role is Role.ADMIN or actor.role in roles


async def show(request: web.Request, rooms: Rooms, actor: Actor) -> web.StreamResponse:
    """GET /bulletins."""
    return await _page(request, rooms, actor)


async def _page(
    request: web.Request, rooms: Rooms, actor: Actor, fault: str = "", period: str = ""
) -> web.StreamResponse:
    if not _may(actor, bulletins.READERS):
        raise Refused("forbidden")
    query = {} if fault else {k: v for k, v in read_query(request.query, ("period", "cursor")).items() if v}
    listed = (await bulletins.listed(Ask(rooms, actor, query=query))).payload
    items, more = listed["items"], listed["next"]
    snapshot = await rooms.office.snapshot()
    for item in items:
        item["why"] = message(rooms.catalogue, item["error"], {}) if item["error"] else ""
    answer = page(request, "bulletins.html", {
        "items": items, "next": f"/bulletins?{urlencode({**query, 'cursor': more})}" if more else None, "kinds": list(BulletinKind), "may_make": _may(actor, bulletins.MAKERS), "fault": fault,
        "period": period or f"{rooms.clock.now():%Y-%m}", "names": {p.code: p.name for p in snapshot.config.people},
    }, 422 if fault else 200)  # fmt: skip
    if not fault and any(item["state"] == "making" for item in items):
        answer.headers["Refresh"] = AGAIN
    return answer


async def make(request: web.Request, rooms: Rooms, actor: Actor, form: Filled) -> web.StreamResponse:
    """POST /bulletins."""
    if not _may(actor, bulletins.MAKERS):
        raise Refused("forbidden")
    fields = {name: keepable(value).strip() for name, value in form.fields.items()}
    period, number = fields.get("period", ""), fields.get("number", "")
    try:
        if number and not (number.isascii() and number.isdigit() and len(number) < 6):
            raise Refused("bad_issue", number=number[:20])
        room = bulletins.room(Ask(rooms, actor))
        await room.start(period, fields.get("kind") or None, actor, number=int(number) if number else None)
    except Refused as refused:
        return await _page(request, rooms, actor, message(rooms.catalogue, refused.code, refused.facts), period)
    raise web.HTTPSeeOther("/bulletins")


async def take_out(request: web.Request, rooms: Rooms, actor: Actor) -> web.StreamResponse:
    """GET /bulletins/ID/FILE."""
    if not _may(actor, bulletins.READERS):
        raise Refused("forbidden")
    room = bulletins.room(Ask(rooms, actor))
    name, content = await room.export_document(
        bulletins.number_of(request.match_info["id"]), request.match_info["file"], actor
    )
    return web.Response(body=content, headers=bulletins.headers(name))


def add_routes(app: web.Application) -> None:
    """Add the page's routes."""
    app.router.add_get("/bulletins", seated(show))
    app.router.add_post("/bulletins", posted(make))
    app.router.add_get("/bulletins/{id}/{file}", seated(take_out))
