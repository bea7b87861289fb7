"""Message kinds as a table: which text, and in which states a message still matters when it is sent (FS13, FW18)."""

from dataclasses import dataclass

from backend.domain.acts import Snapshot
from backend.domain.move_table import HANDLING, NEW, UNARCHIVED, WITH_UNIT
from backend.domain.plan_builder import CALL_INSTEAD
from backend.domain.records import Assignment, Message
from backend.domain.ticket_enums import Obligation, State

SMS_CHANNEL = "sms"
S = State
OPEN_STATES = WITH_UNIT  # 未办结: with the unit and not closed
UNSIGNED_STATES = frozenset({S.DISPATCHED})
MANUAL_VISIT_STATES = frozenset({S.REVISIT_MANUAL})
ACTIVE_STATES = OPEN_STATES | {S.CLOSED, S.REVISIT_AUTO, S.REVISIT_MANUAL, S.FINALIZED, S.UNREASONABLE_REVIEW}


@dataclass(frozen=True, slots=True)
class MessageKind:
    """A row: `text` is a catalogue key ("" = rendered as a live card); `states` None = it always matters.

    `of` says whose state: the assignment's (an ended one never matters) or the ticket's. `flag` must still be set.
    """

    text: str
    states: frozenset[State] | None = None
    state_of: str = "assignment"
    flag: str = ""
    duty: Obligation | None = None  # must still be open


# fmt: off
KINDS: dict[str, MessageKind] = {
    "M1":   MessageKind("", UNSIGNED_STATES),
    "M2":   MessageKind("", UNSIGNED_STATES),
    "M2u":  MessageKind("chat.M2u", OPEN_STATES),
    "C1":   MessageKind("", ACTIVE_STATES),                       # a live card again: asked for, or the old one is gone (FT22)
    "C2":   MessageKind(""),                                  # the whole ticket, with what the recipient may do about it
    "M3":   MessageKind("chat.M3", UNSIGNED_STATES),
    "M4":   MessageKind("chat.M4", OPEN_STATES, duty=Obligation.CLOSE),
    "M5":   MessageKind("chat.M5"),
    "M7":   MessageKind("chat.M7", HANDLING),
    "M8":   MessageKind("chat.M8", OPEN_STATES),
    "M8d":  MessageKind("chat.M8d"),
    "M9":   MessageKind("chat.M9", frozenset({S.RETURN_REVIEW})),
    "M9r":  MessageKind("chat.M9_reviewer"),                  # while its request is undecided
    "M10":  MessageKind("chat.M10"),
    "M11":  MessageKind("chat.M11", OPEN_STATES),
    "M11a": MessageKind("chat.M11a", OPEN_STATES),
    "M12":  MessageKind("chat.M12"),
    "M13":  MessageKind("chat.M13", frozenset({S.EXTENSION_REVIEW, S.REPLIED})),
    "M14":  MessageKind("chat.M14", ACTIVE_STATES),
    "M15":  MessageKind("chat.M15", OPEN_STATES),
    "M15c": MessageKind("chat.M15c", OPEN_STATES),
    "M16":  MessageKind("chat.M16", UNARCHIVED, flag="supervised", duty=Obligation.SUPERVISE),
    "M16r": MessageKind("chat.M16r", UNARCHIVED, flag="supervised"),
    "M16e": MessageKind("chat.M16e", UNARCHIVED),
    "M17":  MessageKind("chat.M17"),
    "M18":  MessageKind("chat.M18", OPEN_STATES),
    "M19":  MessageKind("chat.M19", frozenset({S.REWORK})),
    "M20":  MessageKind("chat.M20"),
    "M20u": MessageKind("chat.M20u", frozenset({S.FINALIZED}), state_of="ticket"),
    "M25v": MessageKind("chat.task_visit", MANUAL_VISIT_STATES, state_of="ticket"),
    "M26":  MessageKind("chat.M26", NEW, state_of="ticket"),
    "M27":  MessageKind("chat.M27"),
    "M28":  MessageKind("chat.M28", MANUAL_VISIT_STATES, state_of="ticket"),
    "M28d": MessageKind("chat.M28d", frozenset({S.CLOSED, S.REVISIT_AUTO, S.REVISIT_MANUAL}), state_of="ticket"),
    "M29":  MessageKind("chat.M29", UNARCHIVED),
    "M30":  MessageKind("chat.M30", OPEN_STATES),
    "M25":  MessageKind("chat.M25", ACTIVE_STATES),               # an unanswered call
    "B1":   MessageKind("chat.B1", ACTIVE_STATES),                # a bridge whose first leg was not answered (P3)
    "B2":   MessageKind("chat.B2"),
    "B3":   MessageKind("chat.B3"),
    "B4":   MessageKind("chat.B4"),                           # the talk was too short to count as a contact
    "D1":   MessageKind("chat.D1"),                           # a manual task: key 0 was pressed, and nobody on duty answered
    "M31":  MessageKind("chat.M31", HANDLING, duty=Obligation.CONTACT),
    "M32":  MessageKind("chat.M32", UNARCHIVED, flag="supervised", duty=Obligation.SUPERVISE),
    "M33":  MessageKind("chat.M33", frozenset({S.REWORK})),
    "M34":  MessageKind("chat.M34"),                          # the day to re-check what could not be solved (A25)
    "M35":  MessageKind("chat.M35"),                          # a child has closed the part it was entrusted with (XM2)
    "T1":   MessageKind("chat.task_unreached", ACTIVE_STATES),    # a manual task (A10): nobody of the unit can be reached
    "U1":   MessageKind("chat.address_dead"),                 # a colleague's chat is dead (FT20)
    "P1":   MessageKind("phone.P1", UNSIGNED_STATES),
    "P2":   MessageKind("phone.P2", UNARCHIVED),
    "P4":   MessageKind("phone.P4", OPEN_STATES),
    "P5":   MessageKind("phone.P5", MANUAL_VISIT_STATES, state_of="ticket"),  # words of danger in a visit (XM19)
    "S1":   MessageKind("sms.S1", UNSIGNED_STATES),                   # SMS, when chat and telephone failed (by_text.py)
    "S2":   MessageKind("sms.S2", OPEN_STATES, duty=Obligation.CLOSE),
    "S3":   MessageKind("sms.S3", OPEN_STATES),
    "S7":   MessageKind("sms.S7", ACTIVE_STATES),
}
# fmt: on

LIVE_CARD_KINDS = frozenset(name for name, kind in KINDS.items() if not kind.text)
#: what a reviewer is asked → (text, kinds of the request)
REVIEWS: dict[str, tuple[str, tuple[str, ...]]] = {
    "return": ("chat.M9_reviewer", ("return",)),
    "extension": ("chat.M13_reviewer", ("extension",)),
    "explained_close": ("chat.M17_reviewer", ("explained_close",)),
    "unreasonable": ("chat.M20_reviewer", ("unreasonable",)),
    "appeal": ("chat.M20_appeal", ("appeal",)),
    "objection": ("chat.M8_reviewer", ("objection",)),
    "mass_incident": ("chat.flag_reviewer", ("mass_incident",)),
    "hard_case": ("chat.hard_case_reviewer", ("hard_case",)),
    "confidential": ("chat.confidential_reviewer", ("confidential",)),
    "arbitration": ("chat.arbitration_reviewer", ("return",)),
}
#: messages that must reach somebody of the unit: when the chat fails, by telephone, then the next contact
MUST_ARRIVE = frozenset(CALL_INSTEAD) | {"P1", "P2", "P4", "P5", "C1"}
#: answers to a person's own act, sent even in their quiet hours
REPLY_KINDS = frozenset({"C1", "M6", "M9", "M13", "M17"})
#: reminders of one duty: when the next is sent, the earlier one loses its buttons and says so
REMINDER_KINDS = frozenset({"M3", "M4", "M31", "M32", "M33"})
#: general reminders, merged into one digest when a person has many (§6.3, FS17)
MERGEABLE_KINDS = frozenset({"M3", "M4"})


def is_for_institution(kind: str) -> bool:
    """Whether the message is to reach the institution's people rather than the assignment's unit."""
    return kind in KINDS and KINDS[kind].state_of == "ticket"


def get_call_kind(kind: str) -> str | None:
    """Return the call kind that replaces a kind; None when chat alone is enough."""
    return kind if kind.startswith("P") else CALL_INSTEAD.get("M1" if kind == "C1" else kind)


def find_request(snap: Snapshot, what: str, assignment_id: int | None) -> int | None:
    """Return the id of the newest request that a reviewer's message is about."""
    kinds = REVIEWS.get(what, ("", ()))[1]
    found = [r.id for r in snap.requests if r.kind in kinds and r.assignment_id in (None, assignment_id)]
    return found[-1] if found else None


def is_relevant(message: Message, snap: Snapshot | None) -> bool:
    """Whether what a message says is still true; checked right before it is sent."""
    kind = KINDS.get(message.kind)
    if message.ticket_id is None or kind is None:
        return True
    if snap is None:
        return False
    target = snap.find_assignment(message.assignment_id) if message.assignment_id is not None else None
    if message.facts.get("unless_opened") and target is not None and target.opened_at is not None:
        return False
    if message.kind == "M9r":
        return _is_undecided(message, snap)
    if not _is_in_state(kind, snap, target):
        return False
    if kind.flag and kind.flag not in snap.ticket.flags:
        return False
    if "duty" in message.facts and not any(d.id == message.facts["duty"] and d.met_at is None for d in snap.duties):
        return False
    if kind.duty and not any(
        d.kind is kind.duty and d.met_at is None and d.assignment_id in (None, message.assignment_id)
        for d in snap.duties
    ):
        return False
    return _has_same_deadline(message, target)


def _is_in_state(kind: MessageKind, snap: Snapshot, target: Assignment | None) -> bool:
    if kind.states is None:
        return True
    if kind.state_of == "ticket" or target is None:
        return snap.ticket.state in kind.states
    return target.ended_at is None and target.state in kind.states


def _is_undecided(message: Message, snap: Snapshot) -> bool:
    request_id = find_request(snap, str(message.facts.get("what", "return")), message.assignment_id)
    return any(r.id == request_id and r.decision is None for r in snap.requests)


def _has_same_deadline(message: Message, target: Assignment | None) -> bool:
    """False when the deadline was extended while the reminder was waiting (FS13)."""
    due = message.facts.get("due")
    if message.kind != "M4" or target is None or not isinstance(due, str):
        return True
    return target.close_due_at <= target.close_due_at.fromisoformat(due)
