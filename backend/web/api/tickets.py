"""Tickets: create, list and read them, and the one way to act on them (contract §5)."""

from collections.abc import Mapping
from typing import Any

from typing_extensions import TypedDict

from backend.domain.acts import Act
from backend.domain.refusals import Refused
from backend.domain.reply_parser import find_curt_wording
from backend.domain.text_search import TextSearch
from backend.domain.ticket_enums import Category, Grade, Source, State
from backend.domain.verb_fields import FIELDS
from backend.ports.ticket_queries import TicketFilter, TicketView
from backend.services import Services
from backend.tickets.new_ticket import NewTicket
from backend.tickets.reveal import RequesterReveal
from backend.web.query import encode_cursor, parse_choice, parse_flag, parse_limit, parse_row_cursor
from backend.web.request import ApiRequest, ApiResponse
from backend.web.schemas import RequestBody
from backend.web.serializers import Serializer
from backend.web.shapes import Advice, Items, Page, Ticket
from backend.web.timeline_shapes import Timeline

ACT_FIELDS = ("verb", "version", "assignment")
#: What the rules of some verb refuse; which verb asks what is in `backend/domain/moves` and `verb_fields`.
ACT_REFUSALS = (
    "unknown_verb", "forbidden", "overtaken", "not_now",
    *sorted({f.missing_code for fields in FIELDS.values() for f in fields if f.missing_code} - {"bad_field"}),
    "already_asked", "already_there", "attempts_missing", "bad_word", "calendar_ends", "cause_missing", "deadline_beyond",
    "deadline_missing", "deadline_past", "explanation_missing", "extension_too_long", "feedback_missing", "fields_missing",
    "has_objection", "master_ended", "merge_chain", "merge_itself", "no_handler", "not_a_handling_unit", "not_below",
    "involved", "not_lead", "not_same_matter", "not_unsatisfied", "note_missing", "nothing_pending", "nothing_to_appeal",
    "nothing_to_object", "objection_missing", "past_due", "reply_missing", "return_arbitrated", "same_grade", "same_person",
    "signature_missing", "too_many_extensions", "unit_inactive", "unknown_unit", "visit_missing", "window_closed",
)  # fmt: skip
REQUESTER_VERBS = frozenset({"answer", "reply", "close", "amend"})  # verbs whose `text` a requester will read


class Revealed(TypedDict):
    """The requester in clear text."""

    name: str | None
    phone: str | None


async def load_view(request: ApiRequest, ticket_no: str) -> TicketView:
    """Load a ticket if the actor may see it. Refused `not_found`."""
    view = await request.services.queries.get_ticket(ticket_no, request.seen_by)
    if view is None:
        raise Refused("not_found", ticket=ticket_no)
    return view


async def create_ticket(request: ApiRequest) -> ApiResponse[Ticket]:
    """T1: create a ticket, 201; a known number is 409 `exists`."""
    await _check_files(request, request.body.files)
    ticket_no = await request.services.intake.receive(read_new_ticket(request.body), request.actor, Source.API)
    serializer = await Serializer.create(request.services)
    return ApiResponse((await serializer.dump_tickets([await load_view(request, ticket_no)], request.actor))[0], 201)


def read_new_ticket(body: RequestBody) -> NewTicket:
    """Return the demand of a `TicketBody`; the requester may be an object."""
    given = dict(body)
    person, given["files"] = given.pop("requester"), tuple(given["files"])
    if person:
        given["requester_name"] = person.name or given["requester_name"]
        given["requester_phone"] = person.phone or given["requester_phone"]
    return NewTicket(**given)


def parse_filters(query: Any, phone_mask: str) -> TicketFilter:
    """Parse a list's filters; its words are sought in what is shown under this mask. Refused `bad_field`."""
    words = query.get("q")
    return TicketFilter(
        state=parse_choice(query, "state", tuple(State)), unit=query.get("unit"),
        grade=parse_choice(query, "grade", tuple(Grade)), category=parse_choice(query, "category", tuple(Category)),
        overdue=parse_flag(query, "overdue"), undecided=parse_flag(query, "undecided"),
        text=TextSearch(words, phone_mask) if words else None,
    )  # fmt: skip


async def list_tickets(request: ApiRequest) -> ApiResponse[Page[Ticket]]:
    """List a page of tickets, newest first."""
    serializer = await Serializer.create(request.services)
    page = await request.services.queries.list_tickets(
        parse_filters(request.query, serializer.phone_mask), request.services.clock.now(), before=parse_row_cursor(request.query), limit=parse_limit(request.query),
        seen_by=request.seen_by,
    )  # fmt: skip
    return ApiResponse(
        {"items": await serializer.dump_tickets(page.items, request.actor), "next": encode_cursor(page.next_id)}
    )


async def get_ticket(request: ApiRequest) -> ApiResponse[Ticket]:
    """Return one ticket."""
    serializer = await Serializer.create(request.services)
    return ApiResponse(
        (await serializer.dump_tickets([await load_view(request, request.path["no"])], request.actor))[0]
    )


async def get_timeline(request: ApiRequest) -> ApiResponse[Timeline]:
    """Return a ticket's journal, deliveries, calls, visits and duties in one list."""
    view = await load_view(request, request.path["no"])
    history = await request.services.queries.load_history(view.ticket.id, request.seen_by)
    duties = await request.services.deadlines.list_duties(view.ticket.id)
    seen = [d for d in duties if request.seen_by is None or d.unit in request.seen_by.units]
    serializer = await Serializer.create(request.services)
    return ApiResponse({"items": serializer.dump_timeline(history, view.requester, seen), "next": None})


async def act(request: ApiRequest, source: Source = Source.API) -> ApiResponse[Ticket]:
    """Act on a ticket, as the ticket service decides, and return the ticket."""
    arguments: dict[str, Any] = dict(request.body.root)
    verb, version, assignment = (arguments.pop(name, None) for name in ACT_FIELDS)
    if not isinstance(verb, str):
        raise Refused("missing" if verb is None else "bad_field", field="verb")
    for name, number in (("version", version), ("assignment", assignment)):
        if number is not None and (isinstance(number, bool) or not isinstance(number, int)):
            raise Refused("bad_field", field=name)
    ticket_no = request.path["no"]
    await load_view(request, ticket_no)
    await _check_files(request, arguments.get("files"))
    await request.services.tickets.act(Act(verb, request.actor, source, ticket_no=ticket_no, assignment_id=assignment, arguments=arguments,
                                 version=version))  # fmt: skip
    serializer = await Serializer.create(request.services)
    shown = (await serializer.dump_tickets([await load_view(request, ticket_no)], request.actor))[0]
    if advised := find_advice(request.services, verb, arguments):
        shown["advice"] = advised
    return ApiResponse(shown)


def find_advice(services: Services, verb: str, arguments: Mapping[str, Any]) -> list[Advice]:
    """A20: return hints on curt or blaming words to a requester; they never stop an act."""
    text = arguments.get("text") if verb in REQUESTER_VERBS else None
    found = find_curt_wording(text) if isinstance(text, str) else []
    return [{"code": code, "word": word, "message": services.texts.render(f"advice.{code}", word=word)}
            for code, word in found]  # fmt: skip


async def _check_files(request: ApiRequest, files: Any) -> None:
    """Check that the files an act names were uploaded. Refused `files_missing`."""
    if not isinstance(files, list) or not all(isinstance(f, str) for f in files):
        return  # the ticket service refuses it with the right code
    if len(files) <= 20 and not await request.services.files.are_usable(files, request.actor):
        raise Refused("files_missing", field="files")


def get_reveal(services: Services) -> RequesterReveal:
    """Return the service that shows requesters."""
    return RequesterReveal(services.queries, services.audit, services.clock, tell_alarm=services.tell_alarm)


async def reveal(request: ApiRequest) -> ApiResponse[Revealed]:
    """Return the requester's name and number, for a reason; audited (FR12)."""
    shown = await get_reveal(request.services).reveal(request.path["no"], request.body.reason, request.actor)
    return ApiResponse({"name": shown.name, "phone": shown.phone}, headers={"Cache-Control": "no-store"})


async def find_requester(request: ApiRequest) -> ApiResponse[Items[Ticket]]:
    """Return the tickets of a requester's whole number, for a reason; audited as a reveal (XS1)."""
    found = await get_reveal(request.services).find(request.body.phone, request.body.reason, request.actor)
    serializer = await Serializer.create(request.services)
    return ApiResponse(
        {"items": await serializer.dump_tickets(found, request.actor)}, headers={"Cache-Control": "no-store"}
    )
