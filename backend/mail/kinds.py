"""Message kinds as a table: which text, and in which states a message still matters when it is sent (FS13, FW18)."""

from dataclasses import dataclass

from backend.domain.acts import Snapshot
from backend.domain.move_table import HANDLING, NEW, UNARCHIVED, WITH_UNIT
from backend.domain.plan_builder import CALL_INSTEAD
from backend.domain.records import Assignment, Message
from backend.domain.ticket import Obligation, State

S = State
OPEN = WITH_UNIT  # 未办结: with the unit and not closed
TO_SIGN = frozenset({S.DISPATCHED})
VISITED_BY_HAND = frozenset({S.REVISIT_MANUAL})
UNDER_WAY = OPEN | {S.CLOSED, S.REVISIT_AUTO, S.REVISIT_MANUAL, S.FINALIZED, S.UNREASONABLE_REVIEW}


@dataclass(frozen=True, slots=True)
class Kind:
    """A row: `text` is a catalogue key ("" = rendered as a live card); `states` None = it always matters.

    `of` says whose state: the assignment's (an ended one never matters) or the ticket's. `flag` must still be set.
    """

    text: str
    states: frozenset[State] | None = None
    of: str = "assignment"
    flag: str = ""
    duty: Obligation | None = None  # must still be open


# fmt: off
KINDS: dict[str, Kind] = {
    "M1":   Kind("", TO_SIGN),
    "M2":   Kind("", TO_SIGN),
    "M2u":  Kind("chat.M2u", OPEN),
    "C1":   Kind("", UNDER_WAY),                       # a live card again: asked for, or the old one is gone (FT22)
    "C2":   Kind(""),                                  # the whole ticket, with what the recipient may do about it
    "M3":   Kind("chat.M3", TO_SIGN),
    "M4":   Kind("chat.M4", OPEN, duty=Obligation.CLOSE),
    "M5":   Kind("chat.M5"),
    "M7":   Kind("chat.M7", HANDLING),
    "M8":   Kind("chat.M8", OPEN),
    "M8d":  Kind("chat.M8d"),
    "M9":   Kind("chat.M9", frozenset({S.RETURN_REVIEW})),
    "M9r":  Kind("chat.M9_reviewer"),                  # while its request is undecided
    "M10":  Kind("chat.M10"),
    "M11":  Kind("chat.M11", OPEN),
    "M11a": Kind("chat.M11a", OPEN),
    "M12":  Kind("chat.M12"),
    "M13":  Kind("chat.M13", frozenset({S.EXTENSION_REVIEW})),
    "M14":  Kind("chat.M14", UNDER_WAY),
    "M15":  Kind("chat.M15", OPEN),
    "M15c": Kind("chat.M15c", OPEN),
    "M16":  Kind("chat.M16", UNARCHIVED, flag="supervised", duty=Obligation.SUPERVISE),
    "M16r": Kind("chat.M16r", UNARCHIVED, flag="supervised"),
    "M16e": Kind("chat.M16e", UNARCHIVED),
    "M17":  Kind("chat.M17"),
    "M18":  Kind("chat.M18", OPEN),
    "M19":  Kind("chat.M19", frozenset({S.REWORK})),
    "M20":  Kind("chat.M20"),
    "M20u": Kind("chat.M20u", frozenset({S.FINALIZED}), of="ticket"),
    "M25v": Kind("chat.task_visit", VISITED_BY_HAND, of="ticket"),
    "M26":  Kind("chat.M26", NEW, of="ticket"),
    "M27":  Kind("chat.M27"),
    "M28":  Kind("chat.M28", VISITED_BY_HAND, of="ticket"),
    "M28d": Kind("chat.M28d", frozenset({S.CLOSED, S.REVISIT_AUTO, S.REVISIT_MANUAL}), of="ticket"),
    "M29":  Kind("chat.M29", UNARCHIVED),
    "M30":  Kind("chat.M30", OPEN),
    "M25":  Kind("chat.M25", UNDER_WAY),               # an unanswered call
    "B1":   Kind("chat.B1", UNDER_WAY),                # a bridge whose first leg was not answered (P3)
    "B2":   Kind("chat.B2"),
    "B3":   Kind("chat.B3"),
    "D1":   Kind("chat.D1"),                           # a manual task: key 0 was pressed, and nobody on duty answered
    "M31":  Kind("chat.M31", HANDLING, duty=Obligation.CONTACT),
    "M32":  Kind("chat.M32", UNARCHIVED, flag="supervised", duty=Obligation.SUPERVISE),
    "M33":  Kind("chat.M33", frozenset({S.REWORK})),
    "M34":  Kind("chat.M34"),                          # the day to re-check what could not be solved (A25)
    "T1":   Kind("chat.task_unreached", UNDER_WAY),    # a manual task (A10): nobody of the unit can be reached
    "U1":   Kind("chat.address_dead"),                 # a colleague's chat is dead (FT20)
    "P1":   Kind("phone.P1", TO_SIGN),
    "P2":   Kind("phone.P2", UNARCHIVED),
    "P4":   Kind("phone.P4", OPEN),
    "S1":   Kind("sms.S1", TO_SIGN),                   # SMS, when chat and telephone failed (mail/by_text)
    "S2":   Kind("sms.S2", OPEN, duty=Obligation.CLOSE),
    "S3":   Kind("sms.S3", OPEN),
    "S7":   Kind("sms.S7", UNDER_WAY),
}
# fmt: on

LIVING_KINDS = frozenset(name for name, kind in KINDS.items() if not kind.text)
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
MUST_ARRIVE = frozenset(CALL_INSTEAD) | {"P1", "P2", "P4", "C1"}
#: answers to a person's own act, sent even in their quiet hours
ANSWERS = frozenset({"C1", "M6", "M9", "M13", "M17"})
#: reminders of one duty: when the next is sent, the earlier one loses its buttons and says so
REMINDERS = frozenset({"M3", "M4", "M31", "M32", "M33"})
#: general reminders, merged into one digest when a person has many (§6.3, FS17)
MERGED = frozenset({"M3", "M4"})


def phone_kind(kind: str) -> str | None:
    """Return the call kind that replaces a kind; None when chat alone is enough."""
    return kind if kind.startswith("P") else CALL_INSTEAD.get("M1" if kind == "C1" else kind)


def request_of(snap: Snapshot, what: str, assignment_id: int | None) -> int | None:
    """Return the id of the newest request that a reviewer's message is about."""
    kinds = REVIEWS.get(what, ("", ()))[1]
    found = [r.id for r in snap.requests if r.kind in kinds and r.assignment_id in (None, assignment_id)]
    return found[-1] if found else None


def matters(message: Message, snap: Snapshot | None) -> bool:
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
        return _undecided(message, snap)
    if not _in_state(kind, snap, target):
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
    return _same_deadline(message, target)


def _in_state(kind: Kind, snap: Snapshot, target: Assignment | None) -> bool:
    if kind.states is None:
        return True
    if kind.of == "ticket" or target is None:
        return snap.ticket.state in kind.states
    return target.ended_at is None and target.state in kind.states


def _undecided(message: Message, snap: Snapshot) -> bool:
    number = request_of(snap, str(message.facts.get("what", "return")), message.assignment_id)
    return any(r.id == number and r.decision is None for r in snap.requests)


def _same_deadline(message: Message, target: Assignment | None) -> bool:
    """False when the deadline was extended while the reminder was waiting (FS13)."""
    due = message.facts.get("due")
    if message.kind != "M4" or target is None or not isinstance(due, str):
        return True
    return target.close_due_at <= target.close_due_at.fromisoformat(due)
