"""Pages of the ticket list and of one ticket, with its possible acts and its timeline."""

from typing import Any
from urllib.parse import urlencode

from aiohttp import web

from backend.domain.acts import Act, Actor
from backend.domain.refusals import Refused
from backend.domain.ticket import Category, Grade, Source, State, UnitKind
from backend.ports.moves import TicketRef
from backend.rooms import Rooms
from backend.tickets.reveal import ALLOWED_ROLES, RequesterReveal
from backend.web.api.duties import duties_shown
from backend.web.api.papers import take_out
from backend.web.api.tickets import advice, filters_of, view_of
from backend.web.asked import REQUEST_ID, Ask
from backend.web.bodies import keepable
from backend.web.console.act_forms import offered, words_of
from backend.web.console.aid import beside
from backend.web.console.overview import unit_names
from backend.web.console.rendering import page
from backend.web.console.ringing import may_bridge
from backend.web.console.seats import Filled
from backend.web.console.why import cost_of
from backend.web.queries import cursor, place_of, read_query
from backend.web.refusing import message, status
from backend.web.shapes import Shaper

FILTERS = ("state", "unit", "grade", "category", "overdue", "q", "cursor")
A_PAGE = 30


async def listed(request: web.Request, rooms: Rooms, actor: Actor) -> web.StreamResponse:
    """GET /tickets."""
    query = {name: value for name, value in read_query(request.query, FILTERS).items() if value}
    ask = Ask(rooms, actor, query=query)
    found = await rooms.reading.list_tickets(
        filters_of(query), rooms.clock.now(), before=place_of(query), limit=A_PAGE, seen_by=ask.seen_by
    )
    shaper = await Shaper.of(rooms)
    kept = {k: v for k, v in query.items() if k != "cursor"}
    return page(request, "tickets.html", {
        "items": await shaper.tickets(found.items), "query": kept, "paged": "cursor" in query,
        "next": f"/tickets?{urlencode({**kept, 'cursor': cursor(found.next_id)})}" if found.next_id else None,
        "first": f"/tickets?{urlencode(kept)}", "searching": bool(kept.get("q")), "states": list(State),
        "grades": list(Grade), "categories": list(Category), "unit_names": await unit_names(rooms),
        "choose_unit": not actor.is_unit_member,
    })  # fmt: skip


async def show(request: web.Request, rooms: Rooms, actor: Actor) -> web.StreamResponse:
    """GET /tickets/NO."""
    return await _shown(request, rooms, actor)


async def _shown(
    request: web.Request, rooms: Rooms, actor: Actor, *, fault: str = "", code: int = 200, tried: str = "",
    said: Any = None, requester: Any = None, ringing: str = "",
) -> web.StreamResponse:  # fmt: skip
    """Render a ticket; after a refusal with its sentence, and the typed values kept in the form."""
    view = await view_of(Ask(rooms, actor), keepable(request.match_info["no"]))
    history = await rooms.reading.load_history(view.ticket.id)
    snap = await rooms.desk.moves.load(TicketRef(ticket_id=view.ticket.id))
    waiting = [r for r in snap.requests if r.decision is None] if snap else []
    pending = {r.kind for r in waiting} | {"arbitration" for r in waiting if r.facts.get("arbitration")}
    shaper = await Shaper.of(rooms)
    snapshot = await rooms.office.snapshot()
    mine = [a for a in view.assignments if a.unit == actor.unit and a.reply_text and actor.is_unit_member]
    said_so = advice(rooms, "reply", {"text": mine[-1].reply_text}) if mine else []  # A20: until it is amended
    replies = {a.id: shaper.masked(a.reply_text, view.requester) for a in view.assignments if a.reply_text}
    units = [u for u in snapshot.config.units.values() if u.active and u.kind is not UnitKind.MANAGEMENT]
    picked = keepable(request.query.get("unit", ""))[:64] if request.method == "GET" else ""
    if picked:  # a suggestion was chosen: preselect its unit in the dispatch form
        tried, said = tried or "dispatch", said or {"unit": picked}
    return page(request, "ticket.html", {
        **await beside(rooms, view, actor),
        "ticket": (await shaper.tickets([view]))[0], "replies": replies, "now": rooms.clock.now(),
        "forms": offered(view, actor, pending), "advice": [one["message"] for one in said_so],
        "timeline": shaper.timeline(history, view.requester), "units": sorted(units, key=lambda u: u.code),
        "unit_names": await unit_names(rooms), "fault": fault, "tried": tried, "said": said or {},
        "may_reveal": actor.role in ALLOWED_ROLES, "requester": requester, "script": _script(rooms),
        "may_bridge": may_bridge(rooms, view, actor), "ringing": ringing,
        "duties": await duties_shown(rooms, view.ticket.id, Ask(rooms, actor).seen_by),
        "names": {p.code: p.name for p in snapshot.config.people}, "cost": await cost_of(rooms, view, actor),
    }, code)  # fmt: skip


def _script(rooms: Rooms) -> list[str]:
    return rooms.catalogue.render("console.script.lines").split("\n")


async def act(request: web.Request, rooms: Rooms, actor: Actor, form: Filled) -> web.StreamResponse:
    """POST /tickets/NO/acts/VERB: act on the ticket, then show it."""
    no, verb = keepable(request.match_info["no"]), request.match_info["verb"]
    version = form.fields.get("version", "")
    await view_of(Ask(rooms, actor), no)
    try:
        files = [(await rooms.filing.store(f.filename or "", f.content, actor)).id for f in form.files]
        said = {name: keepable(value) for name, value in form.fields.items()}
        words = words_of(verb, said, files, rooms.clock.zone)
        seen = int(version) if version.isascii() and version.isdigit() and len(version) < 10 else None
        await rooms.desk.act(Act(verb, actor, Source.CONSOLE, ticket_no=no, arguments=words, version=seen))
    except Refused as refused:
        if refused.code == "not_found":
            raise
        words_shown = message(rooms.catalogue, refused.code, {**refused.facts, "request_id": request[REQUEST_ID]})
        return await _shown(request, rooms, actor, fault=words_shown, code=status(refused.code), tried=verb,
                            said=form.fields)  # fmt: skip
    raise web.HTTPSeeOther(request.app.router["ticket"].url_for(no=no))


async def reveal(request: web.Request, rooms: Rooms, actor: Actor, form: Filled) -> web.StreamResponse:
    """POST /tickets/NO/reveal: show name and number once; audited."""
    no = keepable(request.match_info["no"])
    reason = keepable(form.fields.get("reason", ""))[:500]
    try:
        shown = await RequesterReveal(rooms.reading, rooms.audit, rooms.clock).reveal(no, reason, actor)
    except Refused as refused:
        if refused.code == "not_found":
            raise
        words = message(rooms.catalogue, refused.code, refused.facts)
        return await _shown(request, rooms, actor, fault=words, code=status(refused.code))
    return await _shown(request, rooms, actor, requester=shown)


async def bridge(request: web.Request, rooms: Rooms, actor: Actor, form: Filled) -> web.StreamResponse:
    """POST /tickets/NO/bridge: call the actor, then the requester (P3)."""
    no = keepable(request.match_info["no"])
    await view_of(Ask(rooms, actor), no)
    try:
        if rooms.calls is None:
            raise Refused("unavailable")
        begun = await rooms.calls.start_bridge(actor, ticket_no=no)
    except Refused as refused:
        words = message(rooms.catalogue, refused.code, {**refused.facts, "request_id": request[REQUEST_ID]})
        return await _shown(request, rooms, actor, fault=words, code=status(refused.code))
    return await _shown(request, rooms, actor, ringing=rooms.catalogue.render("console.bridging", to=begun.to))


async def paper(request: web.Request, rooms: Rooms, actor: Actor) -> web.StreamResponse:
    """GET /files/ID: always a download."""
    answer = await take_out(Ask(rooms, actor, path={"id": keepable(request.match_info["id"])}))
    return web.Response(body=answer.raw, headers=answer.headers)
