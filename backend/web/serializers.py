"""Serializes records for the API (contract §5): times with offset, texts masked, never a person's phone number."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any, overload

from backend.domain.acts import Actor
from backend.domain.records import Assignment, Duty, JournalEntry, Person, Unit, Visit
from backend.domain.showing import goes_there, show_place, show_text
from backend.ports.ticket_queries import CallAttemptView, CallView, DeliveryView, TicketHistory, TicketView
from backend.ports.tickets import StoredFile
from backend.ports.visits import RequesterText
from backend.services import Services
from backend.web import shapes, timeline_shapes


def _seconds_between(start: datetime, end: datetime | None) -> int | None:
    """Return whole seconds between two instants (A18: time to sign, to first contact)."""
    return None if end is None else int((end - start).total_seconds())


@lru_cache(maxsize=4_096)
def _mask_cached(text: str, name: str | None, phone_mask: str) -> str:
    return show_text(text, name, phone_mask)


@dataclass(frozen=True, slots=True)
class Serializer:
    """Serializes records in the office's time zone with the phone mask in force."""

    services: Services
    phone_mask: str

    @staticmethod
    async def create(services: Services) -> "Serializer":
        """Return one with the mask now in force."""
        snapshot = await services.office.snapshot()
        return Serializer(services, snapshot.settings.get("privacy.phone_mask"))

    @overload
    def format_time(self, instant: datetime) -> str: ...
    @overload
    def format_time(self, instant: datetime | None) -> str | None: ...
    def format_time(self, instant: datetime | None) -> str | None:
        """Return an instant as ISO-8601 with the office's offset."""
        return None if instant is None else instant.astimezone(self.services.clock.zone).isoformat()

    def mask(self, text: str, name: str | None) -> str:
        """Mask the requester's name and phone numbers in a text."""
        return _mask_cached(text, name, self.phone_mask)

    def dump_ticket(self, view: TicketView, reader: Actor) -> shapes.Ticket:
        """Serialize a ticket for a reader, who sees the door of its place only if they go there."""
        t = view.ticket
        return {
            "ticket_no": t.ticket_no, "state": t.state, "version": t.version, "category": t.category, "grade": t.grade,
            "channel": t.channel, "region": t.region, "management": t.management,
            "place": show_place(t.place, view.requester, self.phone_mask, with_door=goes_there(reader, view.assignments)),
            "title": self.mask(t.title, view.requester), "text": self.mask(t.text, view.requester),
            "flags": sorted(t.shown_flags),
            "first_receiver": t.first_receiver, "generated_at": self.format_time(t.generated_at),
            "submitted_at": self.format_time(view.submitted_at), "earlier_reply": self._dump_earlier_reply(view),
            "closed_at": self.format_time(t.closed_at), "final_answer": t.final_answer, "bounces": t.return_count,
            "repeats": t.merged_count, "merged_into": view.master_no, "reviewed": "reviewed" in t.flags,
            "assignments": [self.dump_assignment(a, view.requester) for a in view.assignments],
        }  # fmt: skip

    def _dump_earlier_reply(self, view: TicketView) -> shapes.EarlierReply | None:
        """Serialize what was answered elsewhere before the ticket came in (XM14)."""
        text = view.earlier_reply.get("reply_text")
        return {"text": self.mask(text, view.requester), "at": view.earlier_reply.get("reply_at")} if text else None

    async def dump_tickets(self, views: Sequence[TicketView], reader: Actor) -> list[shapes.Ticket]:
        """Serialize tickets; with an external record, each has `sync`: what still awaits the platform's confirmation."""
        shown = [self.dump_ticket(view, reader) for view in views]
        sync_states = await self.services.platform.get_sync_states({v.ticket.id: v.ticket.version for v in views})
        for view, body in zip(views, shown, strict=True):
            if sync := sync_states.get(view.ticket.id):
                body["sync"] = {
                    "state": sync.state, "waiting": sync.waiting, "since": self.format_time(sync.since), "error": sync.error
                }  # fmt: skip
        return shown

    def dump_assignment(self, a: Assignment, name: str | None = None) -> shapes.Assignment:
        """Serialize an assignment."""
        return {
            "id": a.id, "unit": a.unit, "lead": a.lead, "state": a.state, "version": a.version,
            "dispatched_at": self.format_time(a.dispatched_at), "sign_due_at": self.format_time(a.sign_due_at),
            "signed_at": self.format_time(a.signed_at), "signed": a.sign_method, "close_due_at": self.format_time(a.close_due_at),
            "closed_at": self.format_time(a.closed_at), "extension_count": a.extension_count,
            "red_card": a.red_card_at is not None, "ended_at": self.format_time(a.ended_at),
            "contacted_at": self.format_time(a.contacted_at), "replied_at": self.format_time(a.replied_at),
            "cause": self.mask(a.cause, name) if a.cause else None,
            "feedback": self.mask(a.feedback, name) if a.feedback else None,
            "close_type": a.close_type, "revisit_on": a.revisit_on,
            "seconds_to_sign": _seconds_between(a.dispatched_at, a.signed_at),
            "seconds_to_first_contact": _seconds_between(a.dispatched_at, a.contacted_at),
        }  # fmt: skip

    def dump_delivery(self, delivery: DeliveryView) -> timeline_shapes.Delivery:
        """Serialize a message and its delivery state."""
        message = delivery.message
        return {
            "id": message.id, "ticket": delivery.ticket_no, "assignment": message.assignment_id, "person": message.person,
            "channel": message.channel, "kind": message.kind, "state": message.state, "attempts": message.attempts,
            "urgent": message.urgent, "created_at": self.format_time(message.created_at),
            "not_before": self.format_time(message.not_before), "sent_at": self.format_time(delivery.sent_at),
            "provider_id": delivery.provider_id, "error": delivery.error, "cost": delivery.cost, "cause": message.fallback_of,
        }  # fmt: skip

    def dump_call(self, c: CallView) -> timeline_shapes.Call:
        """Serialize a call; PIN keys are never stored, so they cannot be shown."""
        return {
            "id": c.id, "ticket": c.ticket_no, "assignment": c.assignment_id, "letter": c.outbox_id,
            "person": c.person, "to": c.to, "purpose": c.purpose, "attempts": c.attempt_count, "state": c.state,
            "outcome": c.outcome, "keys": c.keys, "duration": c.duration, "cost": c.cost,
            "created_at": self.format_time(c.created_at), "ended_at": self.format_time(c.ended_at),
        }  # fmt: skip

    def dump_attempt(self, d: CallAttemptView) -> timeline_shapes.Dial:
        """Serialize a call attempt."""
        return {
            "id": d.id, "call": d.call_id, "number": d.attempt_no, "state": d.state, "status": d.status,
            "answered_by": d.answered_by, "ended_at": self.format_time(d.ended_at), "duration": d.duration,
            "outcome": d.outcome, "error": d.error, "keys": d.keys, "answered_at": self.format_time(d.answered_at),
            "cost": d.cost, "recorded": d.has_recording, "script": d.script or None, "script_version": d.script_version,
        }  # fmt: skip

    def dump_move(self, line: JournalEntry, name: str | None) -> timeline_shapes.Move:
        """Serialize a journal line with its arguments masked."""
        return {
            "verb": line.verb, "from": line.from_state, "to": line.to_state, "version": line.version,
            "assignment": line.assignment_id, "by": line.by, "source": line.source,
            "recorded_at": self.format_time(line.recorded_at), "words": self._mask_arguments(line.arguments, name),
        }  # fmt: skip

    def dump_visit(self, v: Visit, name: str | None) -> timeline_shapes.Visit:
        """Serialize a visit's answers."""
        return {
            "id": v.id, "round": v.round, "kind": v.kind, "by": v.by, "source": v.source, "answer": v.answer,
            "contacted": v.contacted, "resolved": v.resolved, "note": self.mask(v.note, name), "final": v.decisive,
        }  # fmt: skip

    def dump_sms(self, x: RequesterText, name: str | None) -> timeline_shapes.RequesterText:
        """Serialize an SMS to the requester, and the reply."""
        return {
            "id": x.id, "kind": x.kind, "to": x.to_masked, "round": x.round, "state": x.state, "status": x.status,
            "provider_id": x.provider_id, "error": x.error, "cost": x.cost,
            "answered": None if x.answered is None else self.mask(x.answered, name),
        }  # fmt: skip

    def dump_duty(self, d: Duty) -> timeline_shapes.Duty:
        """Serialize a duty for the timeline, placed at its start."""
        return {
            "id": d.id, "kind": d.kind, "unit": d.unit, "assignment": d.assignment_id, "grade": d.grade,
            "due_at": self.format_time(d.due_at), "met_at": self.format_time(d.met_at), "outcome": d.outcome,
        }  # fmt: skip

    def dump_timeline(
        self, history: TicketHistory, name: str | None, duties: Sequence[Duty] = ()
    ) -> list[timeline_shapes.TimelineItem]:
        """Return moves, messages, calls, attempts, visits and duties (at their start) in one list, oldest first."""
        at = self.format_time
        dated: list[tuple[datetime, int, timeline_shapes.TimelineItem]] = []
        for x in history.lines:
            dated.append((x.at, 0, {"at": at(x.at), "type": "move", **self.dump_move(x, name)}))
        for v in history.visits:
            dated.append((v.at, 1, {"at": at(v.at), "type": "visit", **self.dump_visit(v, name)}))
        for y in history.deliveries:
            sent_at = y.sent_at or y.message.created_at
            dated.append((sent_at, 2, {"at": at(sent_at), "type": "delivery", **self.dump_delivery(y)}))
        for c in history.calls:
            dated.append((c.created_at, 3, {"at": at(c.created_at), "type": "call", **self.dump_call(c)}))
            for d in c.call_attempts:
                dated.append((d.asked_at, 4, {"at": at(d.asked_at), "type": "dial", **self.dump_attempt(d)}))
        for t in history.texts:
            sent_at = t.sent_at or t.created_at
            dated.append((sent_at, 5, {"at": at(sent_at), "type": "text", **self.dump_sms(t, name)}))
        for p in history.pages:
            page: timeline_shapes.PageItem = {
                "at": at(p.created_at), "type": "rating_page", "by": p.by, "until": at(p.expires_at),
            }  # fmt: skip
            dated.append((p.created_at, 5, page))
        for u in duties:
            dated.append((u.start_at, 6, {"at": at(u.start_at), "type": "duty", **self.dump_duty(u)}))
        dated.sort(key=lambda item: item[:2])
        return [item for _, _, item in dated]

    def _mask_arguments(self, value: Any, name: str | None) -> Any:
        if isinstance(value, str):
            return self.mask(value, name)
        if isinstance(value, Mapping):
            return {k: self._mask_arguments(v, name) for k, v in value.items()}
        if isinstance(value, (list, tuple)):
            return [self._mask_arguments(v, name) for v in value]
        return value

    def dump_file(self, file: StoredFile) -> shapes.File:
        """Serialize a stored file, without its content."""
        return {
            "id": file.id,
            "name": file.name,
            "size": file.size,
            "sha256": file.sha256,
            "kind": file.kind,
            "at": self.format_time(file.at),
        }


def dump_unit(u: Unit) -> shapes.Unit:
    """Serialize a unit."""
    return {
        "code": u.code, "name": u.name, "kind": u.kind, "region": u.region, "parent": u.parent,
        "province_department": u.province_department, "active": u.active, "pilot": u.chat_enabled,
    }  # fmt: skip


def dump_person(p: Person) -> shapes.Person:
    """Serialize a person; says whether they have a phone number, never the number."""
    return {
        "code": p.code, "name": p.name, "unit": p.unit, "role": p.role, "active": p.active, "rank": p.contact_order,
        "has_phone": p.has_phone, "bound": p.chat, "key_name": p.key_name, "key_authorised": p.key_authorised,
    }  # fmt: skip


def dump_chats(p: Person, services: Services) -> shapes.PersonWithChats:
    """Serialize a person with their chats."""
    zone = services.clock.zone
    chats: list[shapes.PersonChat] = [
        {"network": c.network, "how": c.how, "since": c.since.astimezone(zone).isoformat()} for c in p.chats
    ]
    return {**dump_person(p), "preferred_chat": p.preferred_chat, "chats": chats}
