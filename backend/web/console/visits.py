"""Pages of manual visits: work list, one task with its script, do-not-call list, month's statistics."""

from functools import partial
from typing import Any

from aiohttp import web

from backend.domain.acts import Act, Actor
from backend.domain.move_table import is_allowed
from backend.domain.permissions import may
from backend.domain.rating_page import may_give
from backend.domain.refusals import Refused
from backend.domain.ticket_enums import Answer, Contacted, Resolved, Source
from backend.ports.tickets import TicketRef
from backend.services import Services
from backend.web.api import visits as api
from backend.web.body import strip_unstorable
from backend.web.console.forms import read_fields, run_form
from backend.web.console.overview import load_unit_names
from backend.web.console.rendering import render_page
from backend.web.console.sessions import SubmittedForm, require_form, require_session
from backend.web.console.shown_once import show_once
from backend.web.endpoint import Handler
from backend.web.errors import get_status, word_refusal
from backend.web.query import read_query
from backend.web.request import ApiRequest
from backend.web.serializers import Serializer

#: Answers a person may record, including that the requester could not be reached.
RESULTS = (Answer.SATISFIED, Answer.BASICALLY_SATISFIED, Answer.UNSATISFIED, Answer.UNCLEAR, Answer.UNREACHED)


async def show_tasks(request: web.Request, services: Services, actor: Actor) -> web.StreamResponse:
    """GET /visits."""
    answer = (await api.list_tasks(ApiRequest(services, actor))).payload
    return render_page(request, "visits.html", {**answer, "unit_names": await load_unit_names(services)})


async def show_task(request: web.Request, services: Services, actor: Actor) -> web.StreamResponse:
    """GET /visits/tasks/NO."""
    return await _render_task(request, services, actor)


async def _render_task(
    request: web.Request, services: Services, actor: Actor, fault: str = "", code: int = 200, typed: Any = None,
    call_started: Any = None, given_page: Any = None,
) -> web.StreamResponse:  # fmt: skip
    ticket_no = strip_unstorable(request.match_info["no"])
    sheet = await services.visits.manual.get_task(ticket_no, actor)
    snapshot = await services.office.snapshot()
    view = await services.queries.get_ticket(ticket_no)
    snap = await services.tickets.moves.load(TicketRef(ticket_no=ticket_no))
    serializer = await Serializer.create(services)
    replies = [serializer.mask(a.reply_text, view.requester) for a in view.assignments if a.reply_text] if view else []
    return render_page(request, "visit_task.html", {
        "task": api.dump_task(sheet, serializer), "script": sheet.script, "fault": fault, "said": typed or {},
        "ringing": call_started, "replies": replies, "results": RESULTS, "contacted": list(Contacted),
        "given_page": given_page, "may_give_page": snap is not None and may_give(snap, actor, snapshot.settings, services.clock.now()), "resolved": list(Resolved), "names": snapshot.person_names,
        "unit_names": await load_unit_names(services), "may_visit": is_allowed(actor.role, "visit"),
        "may_listen": may(actor, "recording.listen"), "may_call": services.calls.has_carrier and is_allowed(actor.role, "visit"),
    }, code)  # fmt: skip


async def call_requester(
    request: web.Request, services: Services, actor: Actor, _form: SubmittedForm
) -> web.StreamResponse:
    """POST /visits/tasks/NO/call: call the agent, then the requester."""
    return await _show_result(request, services, actor, api.call_requester, "call_started")


async def give_rating_page(
    request: web.Request, services: Services, actor: Actor, _form: SubmittedForm
) -> web.StreamResponse:
    """POST /visits/tasks/NO/rating-page: show the address of a page on which the requester rates, once; audited."""
    return await _show_result(request, services, actor, api.give_rating_page, "given_page")


async def _show_result(
    request: web.Request, services: Services, actor: Actor, handler: Handler, name: str
) -> web.StreamResponse:
    """Run one of the API's handlers and show the task with what it answered, or with why it refused."""
    path = {"no": strip_unstorable(request.match_info["no"])}
    try:
        answer = await handler(ApiRequest(services, actor, path=path))
    except Refused as refused:
        if refused.code == "not_found":
            raise
        return await _render_task(request, services, actor, word_refusal(request, refused), get_status(refused.code))
    return await _render_task(request, services, actor, **{name: answer.payload})


async def record_answers(
    request: web.Request, services: Services, actor: Actor, form: SubmittedForm
) -> web.StreamResponse:
    """POST /visits/tasks/NO/record: record the requester's answers as an act."""
    ticket_no = strip_unstorable(request.match_info["no"])
    arguments = {"kind": "manual", **read_fields(form, "contacted", "resolved", "answer", "note")}
    act = Act("visit", actor, Source.CONSOLE, ticket_no=ticket_no, arguments=arguments)
    again = partial(_render_task, request, services, actor, typed=form.fields)
    return await run_form(request, services.tickets.act(act), again, "/visits", "visit_recorded", ticket=ticket_no)


async def show_do_not_call(request: web.Request, services: Services, actor: Actor) -> web.StreamResponse:
    """GET /visits/do-not-call."""
    return await _render_do_not_call(request, services, actor)


async def _render_do_not_call(
    request: web.Request, services: Services, actor: Actor, fault: str = "", code: int = 200
) -> web.StreamResponse:
    answer = (await api.list_do_not_call(ApiRequest(services, actor))).payload
    return render_page(request, "visit_do_not_call.html", {
        **answer, "fault": fault, "may_change": may(actor, "do_not_call.edit"),
        "names": (await services.office.snapshot()).person_names,
    }, code)  # fmt: skip


async def change_do_not_call(
    request: web.Request, services: Services, actor: Actor, form: SubmittedForm
) -> web.StreamResponse:
    """POST /visits/do-not-call: add a number to the list or remove an entry, with a reason."""
    fields = {name: strip_unstorable(form.fields.get(name, ""))[:200] for name in ("phone", "ref", "reason")}
    service = services.visits.do_not_call
    work = (
        service.remove(actor, fields["reason"], ref=fields["ref"])
        if fields["ref"]
        else service.add(fields["phone"], fields["reason"], actor)
    )
    again = partial(_render_do_not_call, request, services, actor)
    done = "call_allowed" if fields["ref"] else "call_barred"
    return await run_form(request, work, again, "/visits/do-not-call", done)


async def show_statistics(request: web.Request, services: Services, actor: Actor) -> web.StreamResponse:
    """GET /visits/figures."""
    query = {name: value for name, value in read_query(request.query, ("month",)).items() if value}
    answer = (await api.get_statistics(ApiRequest(services, actor, query=query))).payload
    snapshot = await services.office.snapshot()
    return render_page(request, "visit_figures.html", {
        **answer, "unit_names": await load_unit_names(services), "names": snapshot.person_names,
        "answers": list(Answer),
    })  # fmt: skip


async def open_recording(
    request: web.Request, services: Services, actor: Actor, _form: SubmittedForm
) -> web.StreamResponse:
    """POST /visits/recordings/DIAL: redirect to the recording; audited."""
    answer = await api.get_recording(ApiRequest(services, actor, path={"dial": request.match_info["dial"]}))
    raise web.HTTPSeeOther(answer.payload["url"])


def add_routes(app: web.Application) -> None:
    """Add these routes."""
    add = app.router
    add.add_get("/visits", require_session(show_tasks))
    add.add_get("/visits/tasks/{no}", require_session(show_task))
    add.add_post("/visits/tasks/{no}/call", require_form(show_once(call_requester)))
    add.add_post("/visits/tasks/{no}/rating-page", require_form(show_once(give_rating_page)))
    add.add_post("/visits/tasks/{no}/record", require_form(record_answers))
    add.add_get("/visits/do-not-call", require_session(show_do_not_call))
    add.add_post("/visits/do-not-call", require_form(change_do_not_call))
    add.add_get("/visits/figures", require_session(show_statistics))
    add.add_post("/visits/recordings/{dial}", require_form(open_recording))
