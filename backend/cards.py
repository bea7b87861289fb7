"""Renders what people read: messages as cards, and the live card of an assignment for one viewer."""

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Protocol

from backend.domain.acts import Snapshot
from backend.domain.masking import cut
from backend.domain.records import FLAGS, Assignment, Message, Person, Request
from backend.domain.refusals import Refused
from backend.domain.spoken_time import format_time
from backend.domain.texts import Texts
from backend.domain.ticket import Grade, State
from backend.mail import buttons
from backend.mail.kinds import LIVING_KINDS, REMINDERS, REVIEWS, matters, request_of
from backend.mail.notices import said, status, text_key
from backend.mail.view import View
from backend.office.cache import OfficeCache
from backend.ports.cards import HeldCard
from backend.ports.moves import MoveStore, TicketRef
from notify.message import Card

MOST = 900  # characters of a card
NAMES = 2_000  # requesters' names remembered for masking
WHOLE = "C2"  # the kind that shows the whole ticket (mail/kinds)
TODOS = 200  # open assignments of a person considered for a digest


class Names(Protocol):
    """Decrypts a requester's name, and lists the cards of an assignment (storage/delivery/cards.py)."""

    async def get_requester_name(self, ticket_id: int) -> str | None: ...
    async def list_by_assignment(self, assignment_id: int) -> Sequence[HeldCard]: ...


class Provisional(Protocol):
    """Knows what the external platform has not confirmed yet (backend/platform.py)."""

    async def provisional(self, ticket_id: int, version: int) -> bool: ...


class Todo(Protocol):
    """One assignment a unit has in hand."""

    @property
    def ticket(self) -> Any: ...
    @property
    def assignment(self) -> Assignment: ...


class Todos(Protocol):
    """Lists a unit's open assignments, those due first (storage/delivery/chat_state.py)."""

    async def list_todo(self, unit: str, limit: int) -> tuple[int, Sequence[Todo]]: ...


@dataclass(frozen=True, slots=True)
class Drawn:
    """A card and the ticket version it was rendered from; `facts` is what a later rendering needs."""

    card: Card
    version: int
    facts: Mapping[str, Any] = field(default_factory=dict)


class Cards:
    """Renders cards; sends and changes nothing. All texts come from the catalogue."""

    def __init__(
        self,
        moves: MoveStore,
        office: OfficeCache,
        names: Names,
        catalogue: Texts,
        todos: Todos | None = None,
    ) -> None:
        self._moves = moves
        self._office = office
        self._names = names
        self._catalogue = catalogue
        self._todos = todos
        self.platform: Provisional | None = None  # set by the wiring
        self._known: OrderedDict[int, str | None] = OrderedDict()

    async def letter(self, message: Message) -> Card | None:
        """Return the card of a message, or None when it no longer matters."""
        drawn = await self.draw(message)
        return drawn.card if drawn else None

    async def matters(self, message: Message) -> bool:
        """Whether what the message says is still true; also asked before a call (FW18)."""
        snap = None
        if message.ticket_id is not None:
            snap = await self._moves.load(TicketRef(ticket_id=message.ticket_id))
        return matters(message, snap)

    async def draw(self, message: Message) -> Drawn | None:
        """Render a message with the version it shows; None when it no longer matters. KeyError for an unknown kind."""
        snapshot = await self._office.snapshot()
        viewer = snapshot.by_code.get(message.person)
        if viewer is None:
            return None
        if message.kind == "M21":
            return Drawn(self._to_check(message.facts), 0)
        if message.ticket_id is None:
            digest = await self._digest(viewer)
            return Drawn(digest, 0) if digest else None
        snap = await self._moves.load(TicketRef(ticket_id=message.ticket_id))
        if snap is None or not matters(message, snap):
            return None
        return await self._drawn(message.kind, message.assignment_id, message.facts, snap, viewer)

    async def for_assignment(self, assignment_id: int, person: Person) -> Card:
        """Render the live card as this person should see it now. Refused `not_found`."""
        snap = await self._moves.load(TicketRef(assignment_id=assignment_id))
        target = snap.find_assignment(assignment_id) if snap else None
        if snap is None or target is None:
            raise Refused("not_found", assignment=assignment_id)
        return await self._shown(await self._view(snap, target, {}), person)

    async def whole(self, snap: Snapshot, person: Person) -> Card:
        """Render the whole ticket with what this person may do about it and what happened last."""
        return self._whole(await self._view(snap, snap.lead, {}), person)

    async def held(self, card: HeldCard) -> Drawn | None:
        """Render a sent card again; None when its ticket or its recipient no longer exists."""
        snapshot = await self._office.snapshot()
        viewer = snapshot.by_code.get(card.person)
        snap = await self._moves.load(TicketRef(ticket_id=card.ticket_id))
        if viewer is None or snap is None:
            return None
        if card.kind in LIVING_KINDS:
            return await self._drawn(card.kind, card.assignment_id, card.facts, snap, viewer)
        view = await self._view(snap, snap.find_assignment(card.assignment_id or 0), card.facts)
        text = str(card.facts.get("text", ""))
        number = card.facts.get("request")
        if number is not None:
            return self._reviewed(view, text, int(number), card.facts)
        if await self._superseded(card):
            line = self._catalogue.render("chat.superseded_line")
            return Drawn(Card(f"{text}\n{line}"), snap.ticket.version, card.facts)
        names = self._catalogue.list_buttons(text_key(card.kind, card.facts))
        made = buttons.keys(names, view.target, viewer, self._catalogue, view.now)
        return Drawn(Card(text, made), snap.ticket.version, card.facts)

    async def _superseded(self, card: HeldCard) -> bool:
        """Whether the same person holds a newer reminder of the same kind about the same assignment."""
        if card.kind not in REMINDERS or card.assignment_id is None:
            return False
        held = await self._names.list_by_assignment(card.assignment_id)
        mine = (card.sent_at, card.id)
        return any(h.kind == card.kind and h.person == card.person and (h.sent_at, h.id) > mine for h in held)

    async def _drawn(
        self, kind: str, assignment_id: int | None, given: Mapping[str, Any], snap: Snapshot, viewer: Person
    ) -> Drawn | None:
        target = snap.find_assignment(assignment_id) if assignment_id is not None else None
        view = await self._view(snap, target, given)
        version = snap.ticket.version
        if kind == WHOLE:
            return Drawn(self._whole(view, viewer), version)
        if kind in LIVING_KINDS:
            return Drawn(await self._shown(view, viewer), version) if target else None
        text = cut(said(kind, view), MOST)
        names = self._catalogue.list_buttons(text_key(kind, given))
        what = str(given.get("what", "return"))
        if kind == "M9r":
            number = request_of(snap, what, assignment_id)
            if number is None:
                return None
            made = buttons.review(names, number, self._catalogue)
            return Drawn(Card(text, made), version, {"text": text, "request": number, "what": what})
        made = buttons.keys(names, target, viewer, self._catalogue, view.now)
        return Drawn(Card(text, made), version, {"text": text})

    async def _shown(self, view: View, viewer: Person) -> Card:
        """Render the live card, with a note when the external platform has not confirmed what it says."""
        card, ticket = self._living(view, viewer), view.snap.ticket
        if self.platform is not None and await self.platform.provisional(ticket.id, ticket.version):
            return replace(card, text=f"{card.text}\n{self._catalogue.render('platform.card')}")
        return card

    def _living(self, view: View, viewer: Person) -> Card:
        target, say = view.target, self._catalogue.render
        assert target is not None
        urgent = view.snap.ticket.grade is Grade.URGENT
        if target.state is State.DISPATCHED and target.ended_at is None:
            text = say("chat.M2" if urgent else "chat.M1", **view.facts)
        else:
            head = say("card.urgent" if urgent else "card.general", **view.facts)
            text = say("card.body", **view.facts, head=head, status=status(view))
        made = buttons.living(view.snap, target, viewer, self._catalogue, view.now)
        return Card(cut(text, MOST), made)

    def _whole(self, view: View, viewer: Person) -> Card:
        ticket, target, last, say = view.snap.ticket, view.target, view.snap.last_entry, self._catalogue
        flags = say.render("bot.and").join(say.get_word_or_value("flag", f) for f in FLAGS if f in ticket.flags)
        facts = view.facts | {
            "state": say.get_word("state", target.state if target and target.ended_at is None else ticket.state),
            "flags": flags, "n": (target.extension_count or "") if target else "",
            "closed_at": view.when(target.closed_at) if target else "",
            "signed_at": view.when(target.signed_at) if target else "",
            "dispatched_at": view.when(target.dispatched_at) if target else "",
            "last": say.get_word_or_value("verb", last.verb) if last else "",
            "by": say.get_word_or_value("actor", view.name(last.by)) if last else "",
            "at": view.when(last.at) if last else "",
        }  # fmt: skip
        return Card(
            cut(say.render("chat.whole", **facts), MOST), buttons.whole(view.snap, target, viewer, say, view.now)
        )

    def _reviewed(self, view: View, text: str, number: int, facts: Mapping[str, Any]) -> Drawn:
        request = next((r for r in view.snap.requests if r.id == number), None)
        version = view.snap.ticket.version
        if request is not None and request.decision is None and _open(view.snap, request):
            names = self._catalogue.list_buttons(REVIEWS[str(facts.get("what", "return"))][0])
            return Drawn(Card(text, buttons.review(names, number, self._catalogue)), version, facts)
        if request is None or request.decision is None:
            return Drawn(Card(f"{text}\n{self._catalogue.render('chat.closed_line')}"), version, facts)
        line = self._catalogue.render(
            "card.decided", decision=self._catalogue.render(f"card.{request.decision}"),
            name=view.name(request.decided_by), at=view.when(request.decided_at),
            reason=view.words(request.decision_reason).rstrip("。."),
        )  # fmt: skip
        return Drawn(Card(f"{text}\n{line}"), version, facts)

    async def _view(self, snap: Snapshot, target: Assignment | None, given: Mapping[str, Any]) -> View:
        snapshot = await self._office.snapshot()
        requester = await self._requester(snap.ticket.id)
        return View(snap, target, snapshot, self._office.clock.now(), self._catalogue, requester, given)

    async def _requester(self, ticket_id: int) -> str | None:
        if ticket_id not in self._known:
            self._known[ticket_id] = await self._names.get_requester_name(ticket_id)
            if len(self._known) > NAMES:
                self._known.popitem(last=False)
        return self._known.get(ticket_id)

    def _to_check(self, facts: Mapping[str, Any]) -> Card:
        """M21: a unit's trial score and the deadline for contesting it."""
        now = self._office.clock.now()
        due = datetime.fromisoformat(str(facts["due"])).astimezone(now.tzinfo)
        said = format_time(due, now, self._catalogue.language.partition("_")[0], self._office.clock.zone)
        made = buttons.to_check(int(facts["run"]), self._catalogue) if "run" in facts else ()
        return Card(self._catalogue.render("chat.M21", **{**facts, "due": said}), made)

    async def _digest(self, viewer: Person) -> Card | None:
        """M5: how much waits for a person, counted when it is sent; None when nothing does."""
        count, found = await self._todos.list_todo(viewer.unit, TODOS) if self._todos else (0, [])
        if self._todos and not count:
            return None
        now = self._office.clock.now()
        soon = (now + timedelta(days=2)).replace(hour=0, minute=0, second=0, microsecond=0)
        view = View(Snapshot(found[0].ticket), None, await self._office.snapshot(), now, self._catalogue) \
            if found else None  # fmt: skip
        first = found[0] if found else None
        due = first and _next_due(first.assignment)
        text = self._catalogue.render(
            "chat.M5", name=viewer.name, n=count,
            a=sum(f.assignment.state is State.DISPATCHED for f in found),
            b=sum(_next_due(f.assignment) < soon for f in found),
            c=sum("supervised" in f.ticket.flags for f in found),
            ticket_no=first.ticket.no if first else "", due=view.when(due) if view and due else "",
        )  # fmt: skip
        return Card(text, buttons.digest(self._catalogue))


def _next_due(assignment: Assignment) -> Any:
    return assignment.sign_due_at if assignment.state is State.DISPATCHED else assignment.close_due_at


def _open(snap: Snapshot, request: Request) -> bool:
    """Whether there is still anything to decide: not once the ticket is cancelled or reassigned."""
    target = snap.find_assignment(request.assignment_id) if request.assignment_id is not None else None
    return (target is None or target.ended_at is None) and snap.ticket.state is not State.CANCELLED
