"""Tickets: create, list and read them, and the one way to act on them (contract §5)."""

from collections.abc import Mapping
from typing import Any

from backend.domain.acts import Act
from backend.domain.refusals import Refused
from backend.domain.reply_parser import find_curt_wording
from backend.domain.ticket import Category, Grade, Source, State
from backend.ports.ticket_queries import TicketFilter, TicketView
from backend.rooms import Rooms
from backend.tickets.intake import TicketForm
from backend.tickets.reveal import RequesterReveal
from backend.web.asked import Answer, Ask
from backend.web.queries import cursor, limit_of, one_of, place_of, yes
from backend.web.shapes import Shaper
from backend.web.wants import TicketWant

ACT_FIELDS = ("verb", "version", "assignment")
TO_REQUESTERS = frozenset({"answer", "reply", "close", "amend"})  # verbs whose `text` a requester will read


async def view_of(ask: Ask, no: str) -> TicketView:
    """Load a ticket if the actor may see it. Refused `not_found`."""
    view = await ask.rooms.reading.get_ticket(no, ask.seen_by)
    if view is None:
        raise Refused("not_found", ticket=no)
    return view


async def create(ask: Ask) -> Answer:
    """T1: create a ticket, 201; a known number is 409 `exists`."""
    if ask.rooms.intake is None:
        raise Refused("unavailable")
    no = await ask.rooms.intake.receive(form_of(ask.body), ask.actor, Source.API)
    shaper = await Shaper.of(ask.rooms)
    return Answer((await shaper.tickets([await view_of(ask, no)]))[0], 201)


def form_of(want: TicketWant) -> TicketForm:
    """Return intake's form of a body."""
    person = want.requester
    return TicketForm(
        ticket_no=want.ticket_no, category=want.category, grade=want.grade, channel=want.channel, title=want.title,
        text=want.text, place=want.place, region=want.region,
        requester_name=(person.name if person else None) or want.requester_name,
        requester_phone=(person.phone if person else None) or want.requester_phone,
        generated_at=want.generated_at, submitted_at=want.submitted_at, confidential=want.confidential,
    )  # fmt: skip


def filters_of(query: Any) -> TicketFilter:
    """Parse a list's filters. Refused `bad_field`."""
    return TicketFilter(
        state=one_of(query, "state", tuple(State)), unit=query.get("unit"),
        grade=one_of(query, "grade", tuple(Grade)), category=one_of(query, "category", tuple(Category)),
        overdue=yes(query, "overdue"), text=query.get("q") or None,
    )  # fmt: skip


async def listed(ask: Ask) -> Answer:
    """List a page of tickets, newest first."""
    page = await ask.rooms.reading.list_tickets(
        filters_of(ask.query), ask.rooms.clock.now(), before=place_of(ask.query), limit=limit_of(ask.query),
        seen_by=ask.seen_by,
    )  # fmt: skip
    shaper = await Shaper.of(ask.rooms)
    return Answer({"items": await shaper.tickets(page.items), "next": cursor(page.next_id)})


async def one(ask: Ask) -> Answer:
    """Return one ticket."""
    shaper = await Shaper.of(ask.rooms)
    return Answer((await shaper.tickets([await view_of(ask, ask.path["no"])]))[0])


async def timeline(ask: Ask) -> Answer:
    """Return a ticket's journal, deliveries, calls, visits and duties in one list."""
    view = await view_of(ask, ask.path["no"])
    history = await ask.rooms.reading.load_history(view.ticket.id)
    duties = await ask.rooms.duties.list_duties(view.ticket.id) if ask.rooms.duties else ()
    seen = [d for d in duties if ask.seen_by in (None, d.unit)]
    shaper = await Shaper.of(ask.rooms)
    return Answer({"items": shaper.timeline(history, view.requester, seen), "next": None})


async def act(ask: Ask, source: Source = Source.API) -> Answer:
    """Act on a ticket, as the ticket service decides, and return the ticket."""
    said: dict[str, Any] = dict(ask.body.root)
    verb, version, assignment = (said.pop(name, None) for name in ACT_FIELDS)
    if not isinstance(verb, str):
        raise Refused("missing" if verb is None else "bad_field", field="verb")
    for name, number in (("version", version), ("assignment", assignment)):
        if number is not None and (isinstance(number, bool) or not isinstance(number, int)):
            raise Refused("bad_field", field=name)
    no = ask.path["no"]
    await view_of(ask, no)
    await _papers_there(ask, said.get("files"))
    await ask.rooms.desk.act(Act(verb, ask.actor, source, ticket_no=no, assignment_id=assignment, arguments=said,
                                 version=version))  # fmt: skip
    shaper = await Shaper.of(ask.rooms)
    shown = (await shaper.tickets([await view_of(ask, no)]))[0]
    return Answer(shown | {"advice": advised} if (advised := advice(ask.rooms, verb, said)) else shown)


def advice(rooms: Rooms, verb: str, said: Mapping[str, Any]) -> list[dict[str, str]]:
    """A20: return hints on curt or blaming words to a requester; they never stop an act."""
    text = said.get("text") if verb in TO_REQUESTERS else None
    found = find_curt_wording(text) if isinstance(text, str) else []
    return [{"code": code, "word": word, "message": rooms.catalogue.render(f"advice.{code}", word=word)}
            for code, word in found]  # fmt: skip


async def _papers_there(ask: Ask, files: Any) -> None:
    """Check that the files an act names were uploaded. Refused `files_missing`."""
    if not isinstance(files, list) or not all(isinstance(f, str) for f in files):
        return  # the ticket service refuses it with the right code
    if len(files) <= 20 and not await ask.rooms.filing.are_usable(files, ask.actor):
        raise Refused("files_missing", field="files")


async def reveal(ask: Ask) -> Answer:
    """Return the requester's name and number, for a reason; audited (FR12)."""
    rooms = ask.rooms
    shown = await RequesterReveal(rooms.reading, rooms.audit, rooms.clock).reveal(
        ask.path["no"], ask.body.reason, ask.actor
    )
    return Answer({"name": shown.name, "phone": shown.phone}, headers={"Cache-Control": "no-store"})
