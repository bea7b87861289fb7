"""Message kinds as a table: which text, and in which states a message still matters when it is sent (FS13, FW18)."""

from dataclasses import dataclass

from backend.domain.acts import Snapshot
from backend.domain.move_table import HANDLING, NEW, UNARCHIVED, WITH_UNIT
from backend.domain.plan_builder import CALL_INSTEAD
from backend.domain.records import Assignment, Message
from backend.domain.ticket_enums import Obligation, State

UNANSWERED = frozenset({"no_answer", "busy", "machine"})  # outcomes of calls after which a person gets the task
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
    "ticket_dispatched":       MessageKind("", UNSIGNED_STATES),
    "urgent_dispatched":       MessageKind("", UNSIGNED_STATES),
    "regraded_urgent":         MessageKind("message.regraded_urgent", OPEN_STATES),
    "card_resent":             MessageKind("", ACTIVE_STATES),  # a live card again: asked for, or the old one is gone (FT22)
    "ticket_overview":         MessageKind(""),  # the whole ticket, with what the recipient may do about it
    "sign_reminder":           MessageKind("message.sign_reminder", UNSIGNED_STATES),
    "close_reminder":          MessageKind("message.close_reminder", OPEN_STATES, duty=Obligation.CLOSE),
    "daily_digest":            MessageKind("message.daily_digest"),
    "auto_signed":             MessageKind("message.auto_signed", HANDLING),
    "red_card":                MessageKind("message.red_card", OPEN_STATES),
    "objection_decided":       MessageKind("message.objection_decided"),
    "return_submitted":        MessageKind("message.return_submitted", frozenset({S.RETURN_REVIEW})),
    "review_requested":        MessageKind("message.return_reviewer"),  # while its request is undecided
    "return_accepted":         MessageKind("message.return_accepted"),
    "return_refused":          MessageKind("message.return_refused", OPEN_STATES),
    "return_arbitrated":       MessageKind("message.return_arbitrated", OPEN_STATES),
    "assignment_withdrawn":    MessageKind("message.assignment_withdrawn"),
    "extension_submitted":     MessageKind("message.extension_submitted", frozenset({S.EXTENSION_REVIEW, S.REPLIED})),
    "extension_accepted":      MessageKind("message.extension_accepted", ACTIVE_STATES),
    "extension_refused":       MessageKind("message.extension_refused", OPEN_STATES),
    "explained_close_refused": MessageKind("message.explained_close_refused", OPEN_STATES),
    "supervised":              MessageKind("message.supervised", UNARCHIVED, flag="supervised", duty=Obligation.SUPERVISE),
    "progress_reported":       MessageKind("message.progress_reported", UNARCHIVED, flag="supervised"),
    "unit_explained":          MessageKind("message.unit_explained", UNARCHIVED),
    "closed":                  MessageKind("message.closed"),
    "sent_back":               MessageKind("message.sent_back", OPEN_STATES),
    "rework_ordered":          MessageKind("message.rework_ordered", frozenset({S.REWORK})),
    "unreasonable_decided":    MessageKind("message.unreasonable_decided"),
    "visit_unsatisfied":       MessageKind("message.visit_unsatisfied", frozenset({S.FINALIZED}), state_of="ticket"),
    "visit_task":              MessageKind("message.visit_task", MANUAL_VISIT_STATES, state_of="ticket"),
    "dispatch_reminder":       MessageKind("message.dispatch_reminder", NEW, state_of="ticket"),
    "review_overdue":          MessageKind("message.review_overdue"),
    "visit_due":               MessageKind("message.visit_due", MANUAL_VISIT_STATES, state_of="ticket"),
    "visit_overdue":           MessageKind("message.visit_overdue", frozenset({S.CLOSED, S.REVISIT_AUTO, S.REVISIT_MANUAL}), state_of="ticket"),
    "coordination_requested":  MessageKind("message.coordination_requested", UNARCHIVED),
    "repeat_merged":           MessageKind("message.repeat_merged", OPEN_STATES),
    "call_missed":             MessageKind("message.call_missed", ACTIVE_STATES),  # an unanswered call
    "bridge_not_started":      MessageKind("message.bridge_not_started", ACTIVE_STATES),  # a bridge whose first leg was not answered (P3)
    "bridge_unanswered":       MessageKind("message.bridge_unanswered"),
    "bridge_done":             MessageKind("message.bridge_done"),
    "bridge_too_short":        MessageKind("message.bridge_too_short"),  # the talk was too short to count as a contact
    "duty_callback":           MessageKind("message.duty_callback"),  # a manual task: key 0 was pressed, and nobody on duty answered
    "contact_reminder":        MessageKind("message.contact_reminder", HANDLING, duty=Obligation.CONTACT),
    "supervision_overdue":     MessageKind("message.supervision_overdue", UNARCHIVED, flag="supervised", duty=Obligation.SUPERVISE),
    "rework_reminder":         MessageKind("message.rework_reminder", frozenset({S.REWORK})),
    "recheck_today":           MessageKind("message.recheck_today"),  # the day to re-check what could not be solved (A25)
    "part_closed":             MessageKind("message.part_closed"),  # a child has closed the part it was entrusted with (XM2)
    "contact_by_hand":         MessageKind("message.contact_by_hand", ACTIVE_STATES),  # a manual task (A10): nobody of the unit can be reached
    "chat_lost":               MessageKind("message.chat_lost"),  # a colleague's chat is dead (FT20)
    "call_to_sign":            MessageKind("phone.call_to_sign", UNSIGNED_STATES),
    "call_supervised":         MessageKind("phone.call_supervised", UNARCHIVED),
    "call_regraded":           MessageKind("phone.call_regraded", OPEN_STATES),
    "call_danger":             MessageKind("phone.call_danger", MANUAL_VISIT_STATES, state_of="ticket"),  # words of danger in a visit (XM19)
    "sms_to_sign":             MessageKind("sms.sms_to_sign", UNSIGNED_STATES),  # SMS, when chat and telephone failed (by_text.py)
    "sms_due_soon":            MessageKind("sms.sms_due_soon", OPEN_STATES, duty=Obligation.CLOSE),
    "sms_overdue":             MessageKind("sms.sms_overdue", OPEN_STATES),
    "sms_leader":              MessageKind("sms.sms_leader", ACTIVE_STATES),
}
# fmt: on

LIVE_CARD_KINDS = frozenset(name for name, kind in KINDS.items() if not kind.text)
CALL_KINDS = frozenset(name for name, kind in KINDS.items() if kind.text.startswith("phone."))
#: what a reviewer is asked → (text, kinds of the request)
REVIEWS: dict[str, tuple[str, tuple[str, ...]]] = {
    "return": ("message.return_reviewer", ("return",)),
    "extension": ("message.extension_reviewer", ("extension",)),
    "explained_close": ("message.explained_close_reviewer", ("explained_close",)),
    "unreasonable": ("message.unreasonable_reviewer", ("unreasonable",)),
    "appeal": ("message.appeal_reviewer", ("appeal",)),
    "objection": ("message.objection_reviewer", ("objection",)),
    "mass_incident": ("message.flag_reviewer", ("mass_incident",)),
    "hard_case": ("message.hard_case_reviewer", ("hard_case",)),
    "confidential": ("message.confidential_reviewer", ("confidential",)),
    "arbitration": ("message.arbitration_reviewer", ("return",)),
}
#: messages that must reach somebody of the unit: when the chat fails, by telephone, then the next contact
MUST_ARRIVE = frozenset(CALL_INSTEAD) | CALL_KINDS | {"card_resent"}
#: answers to a person's own act, sent even in their quiet hours
REPLY_KINDS = frozenset({"card_resent", "signed", "return_submitted", "extension_submitted", "closed"})
#: reminders of one duty: when the next is sent, the earlier one loses its buttons and says so
REMINDER_KINDS = frozenset(
    {"sign_reminder", "close_reminder", "contact_reminder", "supervision_overdue", "rework_reminder"}
)
#: general reminders, merged into one digest when a person has many (§6.3, FS17)
MERGEABLE_KINDS = frozenset({"sign_reminder", "close_reminder"})


def is_for_institution(kind: str) -> bool:
    """Whether the message is to reach the institution's people rather than the assignment's unit."""
    return kind in KINDS and KINDS[kind].state_of == "ticket"


def get_call_kind(kind: str) -> str | None:
    """Return the call kind that replaces a kind; None when chat alone is enough."""
    return kind if kind in CALL_KINDS else CALL_INSTEAD.get("ticket_dispatched" if kind == "card_resent" else kind)


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
    if message.kind == "review_requested":
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
    if message.kind != "close_reminder" or target is None or not isinstance(due, str):
        return True
    return target.close_due_at <= target.close_due_at.fromisoformat(due)
