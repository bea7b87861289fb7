"""Decides what replaces a failed message: a call, the next contact, at last a manual task (A10, Q42, FT20)."""

from dataclasses import dataclass, replace
from datetime import datetime

from backend.delivery.by_text import build_sms_fallback
from backend.delivery.fallback_context import FallbackContext
from backend.delivery.kinds import CALL_KINDS, MUST_ARRIVE, SMS_CHANNEL, get_call_kind, is_for_institution, is_relevant
from backend.domain.chat_order import list_next
from backend.domain.records import Message, Person
from backend.domain.ticket_enums import Grade, Role
from backend.ports.outbox import AuditNote

#: reasons of which it is certain that nobody has read the message: it may go by another network without being a copy
NOT_ARRIVED = frozenset({"dead_address", "unbound", "throttled", "transient"})
NO_CHATS = frozenset({"phone", SMS_CHANNEL})
LIVE_STATES = ("pending", "sending", "sent", "ambiguous")
#: grade and call kind → the chat message with the same content, for a contact without a telephone
CHAT_KIND_OF = {
    (Grade.GENERAL, "call_to_sign"): "ticket_dispatched",
    (Grade.URGENT, "call_to_sign"): "urgent_dispatched",
}


@dataclass(frozen=True, slots=True)
class Fallback:
    """What to write when a message cannot arrive: replacements, audit rows, a call to bring forward (id, when).

    `is_last`: no contact of the unit is left; administrators are told (operations §8).
    """

    messages: tuple[Message, ...] = ()
    notes: tuple[AuditNote, ...] = ()
    call_to_hasten: tuple[int, datetime] | None = None
    is_last: bool = False


def is_given_up(state: str, *parts: Fallback) -> bool:
    """Whether a message that ends in this state, with this in its place, reaches nobody any more."""
    return state == "dead" or any(part.is_last for part in parts)


def plan_fallback(context: FallbackContext) -> Fallback:
    """Decide what follows when a message cannot arrive: the person's next network, before anything else.

    After that, one that need not arrive gets an SMS at most (S2, S7).
    """
    if again := _plan_next_network(context):
        return Fallback((again,))
    other = _plan_other_way(context)
    return replace(other, messages=other.messages + build_sms_fallback(context))


def _plan_next_network(context: FallbackContext) -> Message | None:
    """Return the same message for the person's next network, if it certainly did not arrive by this one."""
    message = context.message
    person = context.snapshot.by_code.get(message.person)
    is_certain = not context.in_doubt and context.reason.partition(" ")[0] in NOT_ARRIVED
    if person is None or message.channel in NO_CHATS or not is_certain:
        return None
    tried = [*message.facts.get("tried_networks", ()), message.channel]
    chat = next(iter(list_next(person, tried)), None)
    return context.build_copy(chat.network, tried) if chat else None


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
    return Fallback(by_chat.messages + task.messages, task.notes, is_last=not by_chat.messages)


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
    kind = CHAT_KIND_OF.get((grade, call_kind)) if root in CALL_KINDS else root
    unit = context.snapshot.config.units.get(context.unit or "")
    if kind is None or unit is None or not unit.chat_enabled:
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
    if is_for_institution(context.message.kind) or any(
        d.message.kind == "contact_by_hand" and d.message.created_at >= since for d in context.related_messages
    ):
        return Fallback(notes=(note,))
    snapshot, person = context.snapshot, context.snapshot.by_code.get(context.message.person)
    management = context.snap.ticket.management if context.snap else None
    management = management or snapshot.find_institution(receiver=person.unit if person else None)
    people = snapshot.people(management or "", Role.DISPATCHER)
    return Fallback(tuple(context.build_replacement("contact_by_hand", p.chat, p) for p in people if p.chat), (note,))


def plan_colleague_notice(context: FallbackContext, person: Person) -> Fallback:
    """Note that a chat of a person is dead; tell the colleagues if it was the last, so that they ask them to bind again (FT20)."""
    note = context.build_audit_note("chat_lost")
    left = context.snapshot.by_code.get(person.code)
    if left is not None and left.chats:
        return Fallback(notes=(note,))
    unit = context.snapshot.config.units.get(person.unit)
    others = [
        p for p in context.snapshot.people(person.unit, Role.LIAISON, Role.HANDLER) if p.chat and p.code != person.code
    ]
    messages = tuple(
        context.build_replacement("chat_lost", p.chat, p, name=person.name, unit=unit.name if unit else person.unit)
        for p in others
        if p.chat
    )
    return Fallback(messages, (note,))
