"""Decides what replaces a failed message: a call, an SMS, the next contact, at last a manual task (A10, Q42, FT20)."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from backend.delivery.kinds import MUST_ARRIVE, get_call_kind, is_relevant
from backend.domain import reminders
from backend.domain.acts import Snapshot
from backend.domain.records import Message, Person
from backend.domain.ticket import Grade, Role
from backend.office.cache import OfficeSnapshot
from backend.ports.outbox import AuditNote, MessageDelivery

SMS_CHANNEL = "sms"
SMS_SETTING = "notify.sms"  # the setting: SMS costs money, so an office opts in
#: kind of the message → kind of the SMS; kinds not listed do not fit into one SMS
SMS_KIND_OF = {"M1": "S1", "M2": "S1", "M3": "S1", "P1": "S1", "M4": "S2", "M8": "S3"}
#: kind of the message → the `what` of S7, which the leader in charge gets instead
LEADER_REASON_OF = {"M7": "auto_signed", "M8": "overdue"}
LIVE_STATES = ("pending", "sending", "sent", "ambiguous")
#: grade and call kind → the chat message with the same content, for a contact without a telephone
CHAT_KIND_OF = {(Grade.GENERAL, "P1"): "M1", (Grade.URGENT, "P1"): "M2"}


@dataclass(frozen=True, slots=True)
class Fallback:
    """What to write when a message cannot arrive: replacements, audit rows, a call to bring forward (id, when)."""

    messages: tuple[Message, ...] = ()
    notes: tuple[AuditNote, ...] = ()
    call_to_hasten: tuple[int, datetime] | None = None


@dataclass(frozen=True, slots=True)
class FallbackContext:
    """A message that cannot arrive, with all messages about the same assignment."""

    message: Message
    reason: str
    related_messages: Sequence[MessageDelivery]
    snap: Snapshot | None
    snapshot: OfficeSnapshot
    now: datetime
    new_id: Callable[[], int]

    @property
    def original_message(self) -> Message:
        """The original message at the start of the fallback chain."""
        by_id = {d.message.id: d.message for d in self.related_messages}
        message, seen = self.message, {self.message.id}
        while message.cause_id in by_id and message.cause_id not in seen:
            message = by_id[message.cause_id]
            seen.add(message.id)
        return message

    @property
    def unit(self) -> str | None:
        """The unit to reach."""
        target = self.snap.find_assignment(self.message.assignment_id or 0) if self.snap else None
        return target.unit if target else None

    def build_replacement(self, kind: str, channel: str, person: Person, **facts: Any) -> Message:
        """Build a message that replaces this one."""
        given = {k: v for k, v in self.original_message.facts.items() if k != "unless_opened"}
        return Message(
            id=self.new_id(), kind=kind, channel=channel, person=person.code, ticket_id=self.message.ticket_id,
            assignment_id=self.message.assignment_id, version=self.message.version, urgent=self.message.urgent,
            not_before=self.next_allowed(for_call=True) if channel in ("phone", SMS_CHANNEL) else self.now, created_at=self.now,
            facts={**given, **facts, "why": self.reason}, cause_id=self.message.id,
        )  # fmt: skip

    def next_allowed(self, *, for_call: bool) -> datetime:
        """Return when the unit may be disturbed: urgent at once, general in office hours (FW32)."""
        grade = Grade.URGENT if self.message.urgent else Grade.GENERAL
        return reminders.find_next_allowed(
            self.now, grade, self.snapshot.settings, self.snapshot.calendar, self.unit, for_call=for_call
        )

    def build_audit_note(self, what: str, **facts: Any) -> AuditNote:
        """Build an audit row about this message."""
        about = self.snap.ticket.no if self.snap else None
        facts = {"letter": self.message.id, "kind": self.message.kind, "person": self.message.person,
                 "channel": self.message.channel, "why": self.reason, **facts}  # fmt: skip
        return AuditNote(self.now, "system", what, about, facts)


def plan_fallback(context: FallbackContext) -> Fallback:
    """Decide what follows when a message cannot arrive. One that need not arrive gets an SMS at most (S2, S7)."""
    other = _plan_other_way(context)
    return replace(other, messages=other.messages + build_sms_fallback(context))


def _plan_other_way(context: FallbackContext) -> Fallback:
    message = context.message
    call_kind = get_call_kind(message.kind)
    if (
        message.kind not in MUST_ARRIVE
        or call_kind is None
        or context.unit is None
        or not is_relevant(message, context.snap)
    ):
        return Fallback()
    since = context.original_message.created_at
    calls = [
        d.message for d in context.related_messages
        if d.message.channel == "phone" and d.message.kind == call_kind and d.message.created_at >= since
        and d.message.id != message.id
    ]  # fmt: skip
    alive = [c for c in calls if c.state in LIVE_STATES]
    if alive:  # a call is already planned or running; bring it forward if it is planned for later
        own = next((c for c in alive if c.person == message.person), alive[0])
        when = context.next_allowed(for_call=True)
        return Fallback(call_to_hasten=(own.id, when) if own.state == "pending" and own.not_before > when else None)
    person = _find_to_call(context, {c.person for c in calls})
    if person is not None:
        return Fallback((context.build_replacement(call_kind, "phone", person),))
    by_chat = _plan_chat(context, call_kind)
    if message.channel != "phone" and by_chat.messages:
        return by_chat
    task = _plan_task(context)
    return Fallback(by_chat.messages + task.messages, task.notes)


def _find_to_call(context: FallbackContext, called: set[str]) -> Person | None:
    """Return the same person when their chat failed, else the next contact who has not been called."""
    message = context.message
    same = context.snapshot.by_code.get(message.person)
    if message.channel == "phone":
        called = called | {message.person}
    elif same is not None and same.has_phone and same.code not in called:
        return same
    contacts = context.snapshot.contacts(context.unit or "", context.now, urgent=message.urgent)
    return next((p for p in contacts if p.has_phone and p.code not in called), None)


def _plan_chat(context: FallbackContext, call_kind: str) -> Fallback:
    """Build a chat message to the next contact who was not told yet and has no telephone."""
    grade = Grade.URGENT if context.message.urgent else Grade.GENERAL
    root = context.original_message.kind
    kind = CHAT_KIND_OF.get((grade, call_kind)) if root.startswith("P") else root
    unit = context.snapshot.config.units.get(context.unit or "")
    if kind is None or unit is None or not unit.pilot:
        return Fallback()
    told_persons = {d.message.person for d in context.related_messages if d.message.kind == kind} | {
        context.message.person
    }
    contacts = context.snapshot.contacts(unit.code, context.now, urgent=context.message.urgent)
    person = next((p for p in contacts if p.chat and not p.has_phone and p.code not in told_persons), None)
    if person is None or person.chat is None:
        return Fallback()
    return Fallback((context.build_replacement(kind, person.chat, person),))


def _plan_task(context: FallbackContext) -> Fallback:
    """Nobody can be reached: tell the dispatchers, once per chain, and write an audit row."""
    since = context.original_message.created_at
    note = context.build_audit_note("unreached", unit=context.unit)
    if any(d.message.kind == "T1" and d.message.created_at >= since for d in context.related_messages):
        return Fallback(notes=(note,))
    ticket = context.snap.ticket if context.snap else None
    people = context.snapshot.people((ticket.management if ticket else None) or "", Role.DISPATCHER)
    return Fallback(tuple(context.build_replacement("T1", p.chat, p) for p in people if p.chat), (note,))


def plan_colleague_notice(context: FallbackContext, person: Person) -> Fallback:
    """Tell the colleagues that a person's chat is dead, so that they ask them to bind again (FT20)."""
    unit = context.snapshot.config.units.get(person.unit)
    others = [
        p for p in context.snapshot.people(person.unit, Role.LIAISON, Role.HANDLER) if p.chat and p.code != person.code
    ]
    messages = tuple(
        context.build_replacement("U1", p.chat, p, name=person.name, unit=unit.name if unit else person.unit)
        for p in others
        if p.chat
    )
    return Fallback(messages, (context.build_audit_note("address_dead"),))


def build_sms_fallback(context: FallbackContext) -> tuple[Message, ...]:
    """Return one SMS to the recipient of a message that cannot arrive, or nothing.

    Nothing when the office has SMS off, no text fits, a later chat message reached the person, or they got this SMS
    already. The next contact is tried meanwhile.
    """
    person = context.snapshot.by_code.get(context.message.person)
    if person is None or not person.has_phone or not context.snapshot.settings.flag(SMS_SETTING):
        return ()
    original_kind = str(context.original_message.facts.get("instead_of", context.original_message.kind))
    leader = LEADER_REASON_OF.get(original_kind) if person.role is Role.LEADER else None
    kind = "S7" if leader else SMS_KIND_OF.get(original_kind)
    if (
        kind is None
        or not is_relevant(context.message, context.snap)
        or _was_reached(context, person, kind)
        or _call_still_due(context)
    ):
        return ()
    facts = {"what": leader} if leader else {}
    return (context.build_replacement(kind, SMS_CHANNEL, person, **facts),)


def _was_reached(context: FallbackContext, person: Person, kind: str) -> bool:
    """Whether the person already got this SMS, or a chat message has reached them since."""
    since = context.original_message.created_at
    return any(
        d.message.person == person.code
        and d.message.created_at >= since
        and (d.message.kind == kind or (d.message.channel not in ("phone", SMS_CHANNEL) and d.message.state == "sent"))
        for d in context.related_messages
    )


def _call_still_due(context: FallbackContext) -> bool:
    """Whether the person's telephone is still to be tried, as the fallback of a failed chat."""
    message = context.message
    return message.channel != "phone" and message.kind in MUST_ARRIVE and get_call_kind(message.kind) is not None
