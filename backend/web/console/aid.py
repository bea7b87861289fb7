"""Pages of the dispatch catalogue, hot topics and governance; similar tickets and suggestions for the ticket page."""

from typing import Any, TypeVar

from aiohttp import web

from backend.domain.acts import Actor
from backend.domain.move_table import is_allowed
from backend.domain.refusals import Refused
from backend.domain.ticket import Category, State, UnitKind
from backend.ports.dispatch_catalogue import GROUP_BY
from backend.ports.ticket_queries import TicketView
from backend.rooms import Rooms
from backend.triage.governance import to_json
from backend.web.api.governance import GOVERNORS, REVIEWERS
from backend.web.api.likeness import KEEPERS, OFFICE, RowWant, hot_json, like_json, row_json, span_of, suggested
from backend.web.asked import Ask
from backend.web.bodies import keepable
from backend.web.console.overview import unit_names
from backend.web.console.rendering import page
from backend.web.console.seats import Filled, posted, seated
from backend.web.queries import read_query
from backend.web.refusing import message, status
from backend.web.shapes import Shaper
from backend.web.wants import understood

SPAN = ("from", "to", "by", "region")
WAITING = (State.REGISTERED, State.PENDING_DISPATCH)
SHOWN = 5  # similar tickets shown beside a ticket


def add_routes(app: web.Application) -> None:
    """Add these routes."""
    add = app.router
    add.add_get("/catalogue", seated(catalogue))
    add.add_post("/catalogue", posted(put_row))
    add.add_post("/catalogue/{id}/remove", posted(remove_row))
    add.add_get("/hot", seated(hot))
    add.add_post("/governance", posted(govern))
    add.add_post("/governance/{id}/{step}", posted(govern))


async def beside(rooms: Rooms, view: TicketView, actor: Actor) -> dict[str, Any]:
    """Return similar tickets for the ticket page, and suggested units while it awaits dispatch; empty for units."""
    nothing: dict[str, Any] = {"likes": [], "suggestions": [], "may_merge": False}
    if (actor.role not in OFFICE and not _admin(actor)) or rooms.likeness is None or rooms.aid is None:
        return nothing
    ask, no, shaper = Ask(rooms, actor), view.ticket.no, await Shaper.of(rooms)
    waits = view.ticket.state in WAITING
    found = await rooms.likeness.find_similar(no, SHOWN)
    units = await suggested(rooms.aid, no, ask) if waits and is_allowed(actor.role, "dispatch") else []
    return {
        "likes": [like_json(one, shaper, rooms.catalogue) for one in found], "suggestions": units,
        "may_merge": waits and is_allowed(actor.role, "merge"),
    }  # fmt: skip


def _admin(actor: Actor) -> bool:
    return actor.role == "admin"


def _office(actor: Actor) -> None:
    if actor.role not in OFFICE and not _admin(actor):
        raise Refused("forbidden")


R = TypeVar("R")


def _room(room: R | None) -> R:
    if room is None:
        raise Refused("unavailable")
    return room


# -- the catalogue


async def catalogue(request: web.Request, rooms: Rooms, actor: Actor) -> web.StreamResponse:
    """GET /catalogue."""
    return await _catalogue(request, rooms, actor)


async def _catalogue(
    request: web.Request, rooms: Rooms, actor: Actor, *, fault: str = "", code: int = 200, said: Any = None
) -> web.StreamResponse:
    _office(actor)
    query = read_query(request.query, SPAN) if request.method == "GET" else {}
    start, end = span_of(query, rooms.clock.now().date())
    by = query.get("by") or "unit"
    aid = _room(rooms.aid)
    units = (await rooms.office.snapshot()).config.units.values()
    return page(request, "catalogue.html", {
        "rows": [row_json(row) for row in await aid.list_rows()], "misses": await aid.count_dispatch_errors(start, end, by),
        "repeats": await aid.count_repeats(start, end), "by": by, "bys": GROUP_BY, "start": start.isoformat(),
        "end": end.isoformat(), "categories": list(Category), "unit_names": await unit_names(rooms),
        "units": sorted((u for u in units if u.active and u.kind is not UnitKind.MANAGEMENT), key=lambda u: u.code),
        "may_keep": actor.role in KEEPERS or _admin(actor), "fault": fault, "said": said or {},
        "names": {p.code: p.name for p in (await rooms.office.snapshot()).config.people},
    }, code)  # fmt: skip


async def put_row(request: web.Request, rooms: Rooms, actor: Actor, form: Filled) -> web.StreamResponse:
    """POST /catalogue."""
    given = {k: keepable(v) for k, v in form.fields.items() if k != "csrf" and v.strip()}
    try:
        want = understood(RowWant, given).model_dump()
        await _room(rooms.aid).add_row(want, actor)
    except Refused as no:
        words = message(rooms.catalogue, no.code, no.facts)
        return await _catalogue(request, rooms, actor, fault=words, code=status(no.code), said=given)
    raise web.HTTPSeeOther("/catalogue")


async def remove_row(request: web.Request, rooms: Rooms, actor: Actor, _form: Filled) -> web.StreamResponse:
    """POST /catalogue/ID/remove."""
    try:
        await _room(rooms.aid).remove_row(_number(request), actor)
    except Refused as no:
        words = message(rooms.catalogue, no.code, no.facts)
        return await _catalogue(request, rooms, actor, fault=words, code=status(no.code))
    raise web.HTTPSeeOther("/catalogue")


def _number(request: web.Request) -> int:
    written = request.match_info["id"]
    if not (written.isascii() and written.isdigit() and len(written) <= 18):
        raise Refused("not_found", id=written[:40])
    return int(written)


# -- hot topics and governance


async def hot(request: web.Request, rooms: Rooms, actor: Actor) -> web.StreamResponse:
    """GET /hot."""
    return await _hot(request, rooms, actor)


async def _hot(
    request: web.Request, rooms: Rooms, actor: Actor, *, fault: str = "", code: int = 200, said: Any = None
) -> web.StreamResponse:
    _office(actor)
    query = read_query(request.query, SPAN) if request.method == "GET" else {}
    start, end = span_of(query, rooms.clock.now().date())
    listed = hot_json(await _room(rooms.hot).build(start, end, query.get("region", "")))
    projects = [to_json(p) for p in await _room(rooms.governance).list_projects()]
    return page(request, "hot.html", {
        "hot": listed, "projects": projects, "start": start.isoformat(), "end": end.isoformat(),
        "region": query.get("region", ""), "fault": fault, "said": said or {}, "unit_names": await unit_names(rooms),
        "may_govern": actor.role in GOVERNORS or _admin(actor), "may_review": actor.role in REVIEWERS or _admin(actor),
        "topic": query.get("topic", ""),
    }, code)  # fmt: skip


async def govern(request: web.Request, rooms: Rooms, actor: Actor, form: Filled) -> web.StreamResponse:
    """POST /governance and /governance/ID/(save|close|drop|accept|refuse)."""
    room = _room(rooms.governance)
    given: dict[str, Any] = {k: keepable(v) for k, v in form.fields.items() if k != "csrf"}
    if "tickets" in given:
        given["tickets"] = given["tickets"].split()
    try:
        if "id" not in request.match_info:
            await room.open(given, actor)
        else:
            number = _number(request)
            steps: dict[str, Any] = {
                "save": lambda: room.edit(number, given, actor), "close": lambda: room.close(number, actor),
                "drop": lambda: room.drop(number, actor), "accept": lambda: room.review(number, True, actor),
                "refuse": lambda: room.review(number, False, actor),
            }  # fmt: skip
            step = steps.get(request.match_info["step"])
            if step is None:
                raise Refused("not_found")
            await step()
    except Refused as no:
        words = message(rooms.catalogue, no.code, no.facts)
        return await _hot(request, rooms, actor, fault=words, code=status(no.code), said=given)
    raise web.HTTPSeeOther("/hot")
