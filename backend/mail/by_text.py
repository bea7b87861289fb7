"""Chooses the SMS that replaces a message when chat and telephone both failed (texts.md 7.5, S1-S3, S7)."""

from typing import TYPE_CHECKING

from backend.domain.records import Message, Person
from backend.domain.ticket import Role
from backend.mail.kinds import MUST_ARRIVE, matters, phone_kind

if TYPE_CHECKING:
    from backend.mail.fallback import Case

CHANNEL = "sms"
ALLOWED = "notify.sms"  # the setting: SMS costs money, so an office opts in
#: kind of the message → kind of the SMS; kinds not listed do not fit into one SMS
TEXTS = {"M1": "S1", "M2": "S1", "M3": "S1", "P1": "S1", "M4": "S2", "M8": "S3"}
#: kind of the message → the `what` of S7, which the leader in charge gets instead
LEADERS = {"M7": "auto_signed", "M8": "overdue"}


def by_text(case: "Case") -> tuple[Message, ...]:
    """Return one SMS to the recipient of a message that cannot arrive, or nothing.

    Nothing when the office has SMS off, no text fits, a later chat message reached the person, or they got this SMS
    already. The next contact is tried meanwhile.
    """
    person = case.standing.by_code.get(case.letter.person)
    if person is None or not person.has_phone or not case.standing.settings.flag(ALLOWED):
        return ()
    said = str(case.root.facts.get("instead_of", case.root.kind))
    leader = LEADERS.get(said) if person.role is Role.LEADER else None
    kind = "S7" if leader else TEXTS.get(said)
    if kind is None or not matters(case.letter, case.snap) or _known(case, person, kind) or _still_to_ring(case):
        return ()
    facts = {"what": leader} if leader else {}
    return (case.stand_in(kind, CHANNEL, person, **facts),)


def _known(case: "Case", person: Person, kind: str) -> bool:
    """Whether the person already got this SMS, or a chat message has reached them since."""
    since = case.root.created_at
    return any(
        d.message.person == person.code
        and d.message.created_at >= since
        and (d.message.kind == kind or (d.message.channel not in ("phone", CHANNEL) and d.message.state == "sent"))
        for d in case.family
    )


def _still_to_ring(case: "Case") -> bool:
    """Whether the person's telephone is still to be tried, as the fallback of a failed chat."""
    message = case.letter
    return message.channel != "phone" and message.kind in MUST_ARRIVE and phone_kind(message.kind) is not None
