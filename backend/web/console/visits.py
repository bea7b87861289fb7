"""Pages of manual visits: work list, one task with its script, do-not-call list, month's statistics."""

from typing import Any

from aiohttp import web

from backend.domain.acts import Act, Actor
from backend.domain.move_table import is_allowed
from backend.domain.refusals import Refused
from backend.domain.ticket import Answer, Contacted, Resolved, Source
from backend.rooms import Rooms
from backend.visits import do_not_call as peaceful
from backend.visits.service import LISTENER_ROLES, VisitService
from backend.web.api import visits as api
from backend.web.asked import REQUEST_ID, Ask
from backend.web.bodies import keepable
from backend.web.console.overview import unit_names
from backend.web.console.rendering import page
from backend.web.console.seats import Filled, posted, seated
from backend.web.queries import read_query
from backend.web.refusing import message, status
from backend.web.shapes import Shaper

#: Answers a person may record, including that the requester could not be reached.
RESULTS = (Answer.SATISFIED, Answer.BASICALLY_SATISFIED, Answer.UNSATISFIED, Answer.UNCLEAR, Answer.UNREACHED)


async def tasks(request: web.Request, rooms: Rooms, actor: Actor) -> web.StreamResponse:
    """GET /visits."""
    answer = (await api.tasks(Ask(rooms, actor))).payload
    return page(request, "visits.html", {**answer, "unit_names": await unit_names(rooms)})


async def task(request: web.Request, rooms: Rooms, actor: Actor) -> web.StreamResponse:
    """GET /visits/tasks/NO."""
    return await _task(request, rooms, actor)


async def _task(
    request: web.Request, rooms: Rooms, actor: Actor, fault: str = "", code: int = 200, said: Any = None,
    ringing: Any = None,
) -> web.StreamResponse:  # fmt: skip
    no = keepable(request.match_info["no"])
    sheet = await _room(rooms).manual.get_task(no, actor)
    snapshot = await rooms.office.snapshot()
    view = await rooms.reading.get_ticket(no)
    shaper = await Shaper.of(rooms)
    replies = [shaper.masked(a.reply_text, view.requester) for a in view.assignments if a.reply_text] if view else []
    return page(request, "visit_task.html", {
        "task": api.shaped(sheet, shaper), "script": sheet.script, "fault": fault, "said": said or {},
        "ringing": ringing, "replies": replies, "results": RESULTS, "contacted": list(Contacted),
        "resolved": list(Resolved), "names": {p.code: p.name for p in snapshot.config.people},
        "unit_names": await unit_names(rooms), "may_visit": is_allowed(actor.role, "visit"),
        "may_listen": actor.role in LISTENER_ROLES, "may_call": rooms.calls is not None and is_allowed(actor.role, "visit"),
    }, code)  # fmt: skip


async def call(request: web.Request, rooms: Rooms, actor: Actor, _form: Filled) -> web.StreamResponse:
    """POST /visits/tasks/NO/call: call the agent, then the requester."""
    try:
        answer = await api.call(Ask(rooms, actor, path={"no": keepable(request.match_info["no"])}))
    except Refused as refused:
        if refused.code == "not_found":
            raise
        return await _task(request, rooms, actor, _words(request, rooms, refused), status(refused.code))
    return await _task(request, rooms, actor, ringing=answer.payload)


async def record(request: web.Request, rooms: Rooms, actor: Actor, form: Filled) -> web.StreamResponse:
    """POST /visits/tasks/NO/record: record the requester's answers as an act."""
    no = keepable(request.match_info["no"])
    names = ("contacted", "resolved", "answer", "note")
    words = {name: keepable(form.fields.get(name, "")).strip() for name in names}
    said = {"kind": "manual", **{name: value for name, value in words.items() if value}}
    try:
        await rooms.desk.act(Act("visit", actor, Source.CONSOLE, ticket_no=no, arguments=said))
    except Refused as refused:
        if refused.code == "not_found":
            raise
        return await _task(request, rooms, actor, _words(request, rooms, refused), status(refused.code), form.fields)
    raise web.HTTPSeeOther("/visits")


async def peace(request: web.Request, rooms: Rooms, actor: Actor) -> web.StreamResponse:
    """GET /visits/peace."""
    return await _peace(request, rooms, actor)


async def _peace(
    request: web.Request, rooms: Rooms, actor: Actor, fault: str = "", code: int = 200
) -> web.StreamResponse:
    answer = (await api.peace(Ask(rooms, actor))).payload
    may_change = actor.role in peaceful.EDITOR_ROLES
    return page(request, "visit_peace.html", {**answer, "fault": fault, "may_change": may_change}, code)


async def change_peace(request: web.Request, rooms: Rooms, actor: Actor, form: Filled) -> web.StreamResponse:
    """POST /visits/peace: add a number to the list or remove an entry, with a reason."""
    said = {name: keepable(form.fields.get(name, ""))[:200] for name in ("phone", "ref", "reason")}
    room = _room(rooms).do_not_call
    try:
        if said["ref"]:
            await room.remove(actor, said["reason"], ref=said["ref"])
        else:
            await room.add(said["phone"], said["reason"], actor)
    except Refused as refused:
        return await _peace(request, rooms, actor, _words(request, rooms, refused), status(refused.code))
    raise web.HTTPSeeOther("/visits/peace")


async def figures(request: web.Request, rooms: Rooms, actor: Actor) -> web.StreamResponse:
    """GET /visits/figures."""
    query = {name: value for name, value in read_query(request.query, ("month",)).items() if value}
    answer = (await api.figures(Ask(rooms, actor, query=query))).payload
    snapshot = await rooms.office.snapshot()
    return page(request, "visit_figures.html", {
        **answer, "unit_names": await unit_names(rooms), "names": {p.code: p.name for p in snapshot.config.people},
        "answers": list(Answer),
    })  # fmt: skip


async def listen(request: web.Request, rooms: Rooms, actor: Actor, _form: Filled) -> web.StreamResponse:
    """POST /visits/recordings/DIAL: redirect to the recording; audited."""
    answer = await api.recording(Ask(rooms, actor, path={"dial": request.match_info["dial"]}))
    raise web.HTTPSeeOther(answer.payload["url"])


def _room(rooms: Rooms) -> VisitService:
    if rooms.visiting is None:
        raise Refused("unavailable")
    return rooms.visiting


def _words(request: web.Request, rooms: Rooms, refused: Refused) -> str:
    return message(rooms.catalogue, refused.code, {**refused.facts, "request_id": request[REQUEST_ID]})


def add_routes(app: web.Application) -> None:
    """Add these routes."""
    add = app.router
    add.add_get("/visits", seated(tasks))
    add.add_get("/visits/tasks/{no}", seated(task))
    add.add_post("/visits/tasks/{no}/call", posted(call))
    add.add_post("/visits/tasks/{no}/record", posted(record))
    add.add_get("/visits/peace", seated(peace))
    add.add_post("/visits/peace", posted(change_peace))
    add.add_get("/visits/figures", seated(figures))
    add.add_post("/visits/recordings/{dial}", posted(listen))
