"""Pages of the ticket list and of one ticket, with its possible acts and its timeline."""

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from aiohttp import web

from backend.domain.acts import Act, Actor
from backend.domain.institutions import list_children
from backend.domain.offered_verbs import select_assignment
from backend.domain.permissions import may
from backend.domain.rating_page import may_give
from backend.domain.refusals import Refused
from backend.domain.ticket_enums import Category, Grade, Source, State, UnitKind
from backend.ports.tickets import TicketRef
from backend.services import Services
from backend.web.api import visits
from backend.web.api.deadlines import dump_duties
from backend.web.api.files import download
from backend.web.api.tickets import find_advice, get_reveal, load_view, parse_filters
from backend.web.body import strip_unstorable
from backend.web.console.act_forms import list_forms, read_arguments
from backend.web.console.act_results import find_result_key
from backend.web.console.explain import load_lateness_cost
from backend.web.console.move_facts import WRITTEN
from backend.web.console.overview import load_unit_names
from backend.web.console.rendering import render_page
from backend.web.console.result_note import note_result
from backend.web.console.sessions import SubmittedForm
from backend.web.console.triage import load_assistance
from backend.web.errors import get_status, word_refusal
from backend.web.query import encode_cursor, parse_row_cursor, read_query
from backend.web.request import ApiRequest
from backend.web.serializers import Serializer

FILTERS = ("state", "unit", "grade", "category", "overdue", "undecided", "q", "cursor")
PAGE_SIZE = 30


async def show_list(request: web.Request, services: Services, actor: Actor) -> web.StreamResponse:
    """GET /tickets."""
    return await _render_list(request, services, actor)


async def find_requester(
    request: web.Request, services: Services, actor: Actor, form: SubmittedForm
) -> web.StreamResponse:
    """POST /tickets/find: list the tickets of a requester's whole number; audited (XS1)."""
    phone, reason = (strip_unstorable(form.fields.get(name, ""))[:500] for name in ("phone", "reason"))
    serializer = await Serializer.create(services)
    try:
        items = await serializer.dump_tickets(await get_reveal(services).find(phone, reason, actor), actor)
    except Refused as refused:
        sentence = word_refusal(request, refused)
        return await _render_list(request, services, actor, fault=sentence, code=get_status(refused.code))
    return await _render_list(request, services, actor, items=items)


async def _render_list(
    request: web.Request, services: Services, actor: Actor, *, items: list[Any] | None = None, fault: str = "",
    code: int = 200,
) -> web.StreamResponse:  # fmt: skip
    """Render the list as filtered, or with the items a number was looked up for."""
    query = {name: value for name, value in read_query(request.query, FILTERS).items() if value}
    api_request = ApiRequest(services, actor, query=query)
    serializer = await Serializer.create(services)
    found = await services.queries.list_tickets(
        parse_filters(query, serializer.phone_mask),
        services.clock.now(),
        before=parse_row_cursor(query),
        limit=PAGE_SIZE,
        seen_by=api_request.seen_by,
    )
    filters = {k: v for k, v in query.items() if k != "cursor"}
    return render_page(request, "tickets.html", {
        "items": await serializer.dump_tickets(found.items, actor) if items is None else items,
        "query": filters, "paged": "cursor" in query, "fault": fault, "found": items is not None,
        "may_reveal": may(actor, "requester.reveal"),
        "next": f"/tickets?{urlencode({**filters, 'cursor': encode_cursor(found.next_id)})}" if found.next_id else None,
        "first": f"/tickets?{urlencode(filters)}", "searching": bool(filters.get("q")), "states": list(State),
        "grades": list(Grade), "categories": list(Category), "unit_names": await load_unit_names(services),
        "choose_unit": not actor.is_unit_member,
    }, code)  # fmt: skip


async def show(request: web.Request, services: Services, actor: Actor) -> web.StreamResponse:
    """GET /tickets/NO."""
    return await _render(request, services, actor)


async def _render(
    request: web.Request, services: Services, actor: Actor, *, fault: str = "", code: int = 200, tried_verb: str = "",
    typed: Any = None, requester: Any = None, call_notice: str = "", advice: Sequence[Mapping[str, object]] = (),
    kept: Sequence[str] = (), given_page: Any = None,
) -> web.StreamResponse:  # fmt: skip
    """Render a ticket; after a refusal with its sentence, before a curt text with `advice`, the form as it was sent.

    `kept`: the files that came with that form.
    """
    view = await load_view(ApiRequest(services, actor), strip_unstorable(request.match_info["no"]))
    history = await services.queries.load_history(view.ticket.id, actor.sight)
    snap = await services.tickets.moves.load(TicketRef(ticket_id=view.ticket.id))
    waiting = [r for r in snap.requests if r.decision is None] if snap else []
    asked = next((r for r in waiting if r.kind == "extension"), None)
    pending = {r.kind for r in waiting} | {"arbitration" for r in waiting if r.facts.get("arbitration")}
    serializer = await Serializer.create(services)
    standing = await services.office.snapshot()
    replies = {a.id: serializer.mask(a.reply_text, view.requester) for a in view.assignments if a.reply_text}
    units = [u for u in standing.config.units.values() if u.active and u.kind is not UnitKind.MANAGEMENT]
    handled = select_assignment(view.ticket, view.assignments, actor)
    children = list_children(standing.config.units, handled.unit) if handled else ()
    picked = strip_unstorable(request.query.get("unit", ""))[:64] if request.method == "GET" else ""
    if picked:  # a suggestion was chosen: preselect its unit in the dispatch form
        tried_verb, typed = tried_verb or "dispatch", typed or {"unit": picked}
    return render_page(request, "ticket.html", {
        **await load_assistance(services, view, actor),
        "ticket": (await serializer.dump_tickets([view], actor))[0], "replies": replies, "now": services.clock.now(),
        "forms": list_forms(view, actor, pending, has_children=bool(children)), "children": children,
        "advice": [one["message"] for one in advice], "kept": kept,
        "timeline": serializer.dump_timeline(history, view.requester), "units": sorted(units, key=lambda u: u.code),
        "unit_names": await load_unit_names(services), "fault": fault, "written": WRITTEN, "tried": tried_verb, "said": typed or {},
        "may_reveal": may(actor, "requester.reveal"), "requester": requester, "script": _read_script(services),
        "may_bridge": services.calls.may_bridge(view, actor), "ringing": call_notice,
        "may_give_page": snap is not None and may_give(snap, actor, standing.settings, services.clock.now()), "given_page": given_page,
        "duties": await dump_duties(services, view.ticket.id, ApiRequest(services, actor).seen_by),
        "extension_asked": asked and {"assignment": asked.assignment_id, "new_due_at": asked.facts["new_due_at"]},
        "names": standing.person_names, "cost": await load_lateness_cost(services, view, actor),
    }, code)  # fmt: skip


def _read_script(services: Services) -> list[str]:
    return services.texts.render("console.script.lines").split("\n")


async def act(request: web.Request, services: Services, actor: Actor, form: SubmittedForm) -> web.StreamResponse:
    """POST /tickets/NO/acts/VERB: act on the ticket, then show it."""
    ticket_no, verb = strip_unstorable(request.match_info["no"]), request.match_info["verb"]
    version = form.fields.get("version", "")
    await load_view(ApiRequest(services, actor), ticket_no)
    try:
        fields = {name: strip_unstorable(value) for name, value in form.fields.items()}
        files = [one for one in fields.get("kept", "").split(",") if one]
        if not await services.files.are_usable(files, actor):
            raise Refused("files_missing", field="files")
        files += [(await services.files.store(f.filename or "", f.content, actor)).id for f in form.files]
        arguments = read_arguments(verb, fields, files, services.clock.zone)
        advice = find_advice(services, verb, arguments)
        if advice and fields.get("all_the_same") != "yes":  # before anything is kept (XM32)
            return await _render(
                request, services, actor, tried_verb=verb, typed=form.fields, advice=advice, kept=files
            )
        seen = int(version) if version.isascii() and version.isdigit() and len(version) < 10 else None
        done = await services.tickets.act(
            Act(verb, actor, Source.CONSOLE, ticket_no=ticket_no, arguments=arguments, version=seen)
        )
    except Refused as refused:
        if refused.code == "not_found":
            raise
        sentence = word_refusal(request, refused)
        return await _render(
            request, services, actor, fault=sentence, code=get_status(refused.code), tried_verb=verb, typed=form.fields
        )
    unit, grade = (str(arguments.get(name) or "") for name in ("unit", "grade"))
    note_result(
        request,
        find_result_key(services.texts, verb, arguments, done.plan),
        into=arguments.get("into"),
        unit=(await load_unit_names(services)).get(unit, unit),
        grade=services.texts.get_word_or_value("grade", grade),
    )
    raise web.HTTPSeeOther(request.app.router["ticket"].url_for(no=ticket_no))


async def reveal(request: web.Request, services: Services, actor: Actor, form: SubmittedForm) -> web.StreamResponse:
    """POST /tickets/NO/reveal: show name and number once; audited."""
    ticket_no = strip_unstorable(request.match_info["no"])
    reason = strip_unstorable(form.fields.get("reason", ""))[:500]
    try:
        shown = await get_reveal(services).reveal(ticket_no, reason, actor)
    except Refused as refused:
        if refused.code == "not_found":
            raise
        sentence = word_refusal(request, refused)
        return await _render(request, services, actor, fault=sentence, code=get_status(refused.code))
    return await _render(request, services, actor, requester=shown)


async def bridge(request: web.Request, services: Services, actor: Actor, form: SubmittedForm) -> web.StreamResponse:
    """POST /tickets/NO/bridge: call the actor, then the requester (P3)."""
    ticket_no = strip_unstorable(request.match_info["no"])
    await load_view(ApiRequest(services, actor), ticket_no)
    try:
        call = await services.calls.start_bridge(actor, ticket_no=ticket_no)
    except Refused as refused:
        sentence = word_refusal(request, refused)
        return await _render(request, services, actor, fault=sentence, code=get_status(refused.code))
    return await _render(request, services, actor, call_notice=services.texts.render("console.bridging", to=call.to))


async def give_rating_page(
    request: web.Request, services: Services, actor: Actor, _form: SubmittedForm
) -> web.StreamResponse:
    """POST /tickets/NO/rating-page: show the address of a page on which the requester rates, once; audited."""
    path = {"no": strip_unstorable(request.match_info["no"])}
    try:
        answer = await visits.give_rating_page(ApiRequest(services, actor, path=path))
    except Refused as refused:
        if refused.code == "not_found":
            raise
        sentence = word_refusal(request, refused)
        return await _render(request, services, actor, fault=sentence, code=get_status(refused.code))
    return await _render(request, services, actor, given_page=answer.payload)


async def download_file(request: web.Request, services: Services, actor: Actor) -> web.StreamResponse:
    """GET /files/ID: always a download; `?ticket=NO`: one of that ticket's files."""
    query = {"ticket": strip_unstorable(request.query["ticket"])} if "ticket" in request.query else {}
    path = {"id": strip_unstorable(request.match_info["id"])}
    answer = await download(ApiRequest(services, actor, path=path, query=query))
    return web.Response(body=answer.raw, headers=answer.headers)
