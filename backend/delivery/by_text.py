"""Chooses the SMS that replaces a message when chat and telephone both failed (texts 7.5, S1-S3, S7)."""

from backend.delivery.fallback_context import FallbackContext
from backend.delivery.kinds import MUST_ARRIVE, SMS_CHANNEL, get_call_kind, is_relevant
from backend.domain.records import Message, Person
from backend.domain.ticket_enums import Role

SMS_SETTING = "notify.sms"  # the setting: SMS costs money, so an office opts in
#: kind of the message → kind of the SMS; kinds not listed do not fit into one SMS
SMS_KIND_OF = {
    "ticket_dispatched": "sms_to_sign",
    "urgent_dispatched": "sms_to_sign",
    "sign_reminder": "sms_to_sign",
    "call_to_sign": "sms_to_sign",
    "close_reminder": "sms_due_soon",
    "red_card": "sms_overdue",
}
#: kind of the message → the `what` of S7, which the leader in charge gets instead
LEADER_REASON_OF = {"auto_signed": "auto_signed", "red_card": "overdue"}


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
    kind = "sms_leader" if leader else SMS_KIND_OF.get(original_kind)
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
