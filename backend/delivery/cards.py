"""Renders what people read: messages as cards, and the live card of an assignment for one viewer."""

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Protocol

from backend.delivery import buttons
from backend.delivery.content import get_text_key, render_status, render_text
from backend.delivery.kinds import LIVE_CARD_KINDS, REMINDER_KINDS, REVIEWS, find_request, is_relevant
from backend.delivery.view import MessageView
from backend.domain.acts import Snapshot
from backend.domain.institutions import list_children
from backend.domain.masking import cut
from backend.domain.records import Assignment, Message, Person, Request
from backend.domain.refusals import Refused
from backend.domain.spoken_time import format_time
from backend.domain.texts import Texts
from backend.domain.ticket_enums import Grade, State
from backend.office.cache import OfficeCache
from backend.ports.chat import CardStore, ChatStateStore, HeldCard
from backend.ports.tickets import MoveStore, TicketRef
from notify.message import Card

MAX_TEXT = 900  # characters of a card
MAX_NAMES = 2_000  # requesters' names remembered for masking
FULL_TICKET = "ticket_overview"  # the kind that shows the whole ticket (delivery/kinds)
MAX_TODOS = 200  # open assignments of a person considered for a digest


class ProvisionalCheck(Protocol):
    """Knows what the external platform has not confirmed yet (backend/platform/service.py)."""

    async def is_provisional(self, ticket_id: int, version: int) -> bool: ...


@dataclass(frozen=True, slots=True)
class RenderedCard:
    """A card and the ticket version it was rendered from; `facts` is what a later rendering needs."""

    card: Card
    version: int
    facts: Mapping[str, object] = field(default_factory=dict)


class CardRenderer:
    """Renders cards; sends and changes nothing. All texts come from the catalogue."""

    def __init__(
        self,
        moves: MoveStore,
        office: OfficeCache,
        lookup: CardStore,
        texts: Texts,
        todos: ChatStateStore | None = None,
        platform: ProvisionalCheck | None = None,
    ) -> None:
        self._moves = moves
        self._office = office
        self._lookup = lookup
        self._texts = texts
        self._todos = todos
        self._platform = platform
        self._requesters: OrderedDict[int, str | None] = OrderedDict()

    async def is_relevant(self, message: Message) -> bool:
        """Whether what the message says is still true; also asked before a call (FW18)."""
        snap = None
        if message.ticket_id is not None:
            snap = await self._moves.load(TicketRef(ticket_id=message.ticket_id))
        return is_relevant(message, snap)

    async def render(self, message: Message) -> RenderedCard | None:
        """Render a message with the version it shows; None when it no longer matters. KeyError for an unknown kind."""
        snapshot = await self._office.snapshot()
        viewer = snapshot.by_code.get(message.person)
        if viewer is None:
            return None
        if message.kind == "score_trial":
            return RenderedCard(self._build_trial_card(message.facts), 0)
        if message.ticket_id is None:
            digest = await self._build_digest(viewer)
            return RenderedCard(digest, 0) if digest else None
        snap = await self._moves.load(TicketRef(ticket_id=message.ticket_id))
        if snap is None or not is_relevant(message, snap):
            return None
        return await self._render_kind(message.kind, message.assignment_id, message.facts, snap, viewer)

    async def render_live_card(self, assignment_id: int, person: Person) -> Card:
        """Render the live card as this person should see it now. Refused `not_found`."""
        snap = await self._moves.load(TicketRef(assignment_id=assignment_id))
        target = snap.find_assignment(assignment_id) if snap else None
        if snap is None or target is None:
            raise Refused("not_found", assignment=assignment_id)
        return await self._render_live(await self._build_view(snap, target, {}, person), person)

    async def render_full_card(self, snap: Snapshot, person: Person) -> Card:
        """Render the whole ticket with what this person may do about it and what happened last."""
        return self._build_full_card(await self._build_view(snap, snap.lead, {}, person), person)

    async def render_held(self, card: HeldCard) -> RenderedCard | None:
        """Render a sent card again; None when its ticket or its recipient no longer exists."""
        snapshot = await self._office.snapshot()
        viewer = snapshot.by_code.get(card.person)
        snap = await self._moves.load(TicketRef(ticket_id=card.ticket_id))
        if viewer is None or snap is None:
            return None
        if card.kind in LIVE_CARD_KINDS:
            return await self._render_kind(card.kind, card.assignment_id, card.facts, snap, viewer)
        view = await self._build_view(snap, snap.find_assignment(card.assignment_id or 0), card.facts, viewer)
        text = str(card.facts.get("text", ""))
        request_id = card.facts.get("request")
        if request_id is not None:
            return self._render_review(view, text, int(request_id), card.facts)
        if await self._is_superseded(card):
            line = self._texts.render("message.superseded_line")
            return RenderedCard(Card(f"{text}\n{line}"), snap.ticket.version, card.facts)
        names = self._texts.list_buttons(get_text_key(card.kind, card.facts))
        made = buttons.build_buttons(names, view.target, viewer, self._texts, view.now)
        return RenderedCard(Card(text, made), snap.ticket.version, card.facts)

    async def _is_superseded(self, card: HeldCard) -> bool:
        """Whether the same person holds a newer reminder of the same kind about the same assignment."""
        if card.kind not in REMINDER_KINDS or card.assignment_id is None:
            return False
        held = await self._lookup.list_by_assignment(card.assignment_id)
        mine = (card.sent_at, card.id)
        return any(h.kind == card.kind and h.person == card.person and (h.sent_at, h.id) > mine for h in held)

    async def _render_kind(
        self, kind: str, assignment_id: int | None, facts: Mapping[str, object], snap: Snapshot, viewer: Person
    ) -> RenderedCard | None:
        target = snap.find_assignment(assignment_id) if assignment_id is not None else None
        view = await self._build_view(snap, target, facts, viewer)
        version = snap.ticket.version
        if kind == FULL_TICKET:
            return RenderedCard(self._build_full_card(view, viewer), version)
        if kind in LIVE_CARD_KINDS:
            return RenderedCard(await self._render_live(view, viewer), version) if target else None
        text = cut(render_text(kind, view), MAX_TEXT)
        names = self._texts.list_buttons(get_text_key(kind, facts))
        what = str(facts.get("what", "return"))
        if kind == "review_requested":
            request_id = find_request(snap, what, assignment_id)
            if request_id is None:
                return None
            buttons_shown = buttons.build_review_buttons(names, request_id, self._texts)
            return RenderedCard(Card(text, buttons_shown), version, {"text": text, "request": request_id, "what": what})
        buttons_shown = buttons.build_buttons(names, target, viewer, self._texts, view.now)
        return RenderedCard(Card(text, buttons_shown), version, {"text": text})

    async def _render_live(self, view: MessageView, viewer: Person) -> Card:
        """Render the live card, with a note when the external platform has not confirmed what it says."""
        card, ticket = self._build_live_card(view, viewer), view.snap.ticket
        if self._platform is not None and await self._platform.is_provisional(ticket.id, ticket.version):
            return replace(card, text=f"{card.text}\n{self._texts.render('platform.card')}")
        return card

    def _build_live_card(self, view: MessageView, viewer: Person) -> Card:
        target, say, units = view.target, self._texts.render, view.snapshot.config.units
        assert target is not None
        urgent = view.snap.ticket.grade is Grade.URGENT
        if target.state is State.DISPATCHED and target.ended_at is None:
            text = say("message.urgent_dispatched" if urgent else "message.ticket_dispatched", **view.facts)
        else:
            head = say("card.urgent" if urgent else "card.general", **view.facts)
            text = say("card.body", **view.facts, head=head, status=render_status(view))
        made = buttons.build_live_buttons(
            view.snap, target, viewer, self._texts, view.now, has_children=bool(list_children(units, target.unit))
        )
        return Card(cut(text, MAX_TEXT), made)

    def _build_full_card(self, view: MessageView, viewer: Person) -> Card:
        ticket, target, last, say = view.snap.ticket, view.target, view.snap.last_entry, self._texts
        flags = say.render("bot.and").join(say.get_word_or_value("flag", f) for f in ticket.shown_flags)
        facts = view.facts | {
            "state": say.get_word("state", target.state if target and target.ended_at is None else ticket.state),
            "flags": flags,
            "n": (target.extension_count or "") if target else "",
            "closed_at": view.format_time(target.closed_at) if target else "",
            "signed_at": view.format_time(target.signed_at) if target else "",
            "dispatched_at": view.format_time(target.dispatched_at) if target else "",
            "last": say.get_word_or_value("verb", last.verb) if last else "",
            "by": view.get_person_name(last.by) if last else "",
            "at": view.format_time(last.at) if last else "",
        }
        return Card(
            cut(say.render("message.whole", **facts), MAX_TEXT),
            buttons.build_full_buttons(view.snap, target, viewer, say, view.now),
        )

    def _render_review(
        self, view: MessageView, text: str, request_id: int, facts: Mapping[str, object]
    ) -> RenderedCard:
        request = next((r for r in view.snap.requests if r.id == request_id), None)
        version = view.snap.ticket.version
        if request is not None and request.decision is None and _is_open(view.snap, request):
            names = self._texts.list_buttons(REVIEWS[str(facts.get("what", "return"))][0])
            return RenderedCard(
                Card(text, buttons.build_review_buttons(names, request_id, self._texts)), version, facts
            )
        if request is None or request.decision is None:
            return RenderedCard(Card(f"{text}\n{self._texts.render('message.closed_line')}"), version, facts)
        line = self._texts.render(
            "card.decided", decision=self._texts.render(f"card.{request.decision}"),
            name=view.get_person_name(request.decided_by), at=view.format_time(request.decided_at),
            reason=view.mask_text(request.decision_reason).rstrip("。."),
        )  # fmt: skip
        return RenderedCard(Card(f"{text}\n{line}"), version, facts)

    async def _build_view(
        self, snap: Snapshot, target: Assignment | None, facts: Mapping[str, object], viewer: Person
    ) -> MessageView:
        snapshot = await self._office.snapshot()
        requester = await self._get_requester(snap.ticket.id)
        return MessageView(snap, target, snapshot, self._office.clock.now(), self._texts, requester, facts, viewer)

    async def _get_requester(self, ticket_id: int) -> str | None:
        if ticket_id not in self._requesters:
            self._requesters[ticket_id] = await self._lookup.get_requester_name(ticket_id)
            if len(self._requesters) > MAX_NAMES:
                self._requesters.popitem(last=False)
        return self._requesters.get(ticket_id)

    def _build_trial_card(self, facts: Mapping[str, Any]) -> Card:
        """M21: a unit's trial score and the deadline for contesting it."""
        now = self._office.clock.now()
        due = datetime.fromisoformat(str(facts["due"])).astimezone(now.tzinfo)
        due_text = format_time(due, now, self._texts.language.partition("_")[0], self._office.clock.zone)
        made = buttons.build_trial_buttons(int(facts["run"]), self._texts) if "run" in facts else ()
        return Card(self._texts.render("message.score_trial", **{**facts, "due": due_text}), made)

    async def _build_digest(self, viewer: Person) -> Card | None:
        """M5: how much waits for a person, counted when it is sent; None when nothing does."""
        count, found = await self._todos.list_todo(viewer.unit, MAX_TODOS) if self._todos else (0, [])
        if self._todos and not count:
            return None
        now = self._office.clock.now()
        soon = (now + timedelta(days=2)).replace(hour=0, minute=0, second=0, microsecond=0)
        view = MessageView(Snapshot(found[0].ticket), None, await self._office.snapshot(), now, self._texts) \
            if found else None  # fmt: skip
        first = found[0] if found else None
        due = first and _get_next_due(first.assignment)
        text = self._texts.render(
            "message.daily_digest", name=viewer.name, n=count,
            a=sum(f.assignment.state is State.DISPATCHED for f in found),
            b=sum(_get_next_due(f.assignment) < soon for f in found),
            c=sum("supervised" in f.ticket.flags for f in found),
            ticket_no=first.ticket.ticket_no if first else "", due=view.format_time(due) if view and due else "",
        )  # fmt: skip
        return Card(text, buttons.build_digest_buttons(self._texts))


def _get_next_due(assignment: Assignment) -> Any:
    return assignment.sign_due_at if assignment.state is State.DISPATCHED else assignment.close_due_at


def _is_open(snap: Snapshot, request: Request) -> bool:
    """Whether there is still anything to decide: not once the ticket is cancelled or reassigned."""
    target = snap.find_assignment(request.assignment_id) if request.assignment_id is not None else None
    return (target is None or target.ended_at is None) and snap.ticket.state is not State.CANCELLED
