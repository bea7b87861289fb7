"""Chooses the buttons of a card: what the verb table, the state and the viewer's role allow now (contract §6)."""

from collections.abc import Sequence
from datetime import datetime

from backend.domain.acts import Actor, Snapshot
from backend.domain.button_data import ButtonData, encode
from backend.domain.move_table import BY_VERB, HANDLING, UNIT_ROLES, WITH_UNIT, is_allowed
from backend.domain.permissions import may
from backend.domain.records import Assignment, Person
from backend.domain.texts import Texts
from backend.domain.ticket_enums import State
from notify.message import Button

S = State
Rows = tuple[tuple[Button, ...], ...]
PER_ROW = 2  # buttons side by side: labels of four characters stay readable on a phone

#: the verb that decides each kind of request
DECISION_VERB_OF = {
    "return": "decide_return", "extension": "decide_extension", "explained_close": "decide_close",
    "mass_incident": "decide_flag", "hard_case": "decide_flag", "confidential": "decide_flag",
    "unreasonable": "decide_unreasonable", "appeal": "decide_unreasonable", "objection": "decide_objection",
}  # fmt: skip
#: name of a button in the catalogue → the verb in its data (domain/presses)
VERB_OF_BUTTON = {
    "sign": "sign", "detail": "view", "return": "return", "contact": "contact", "reply": "reply", "close": "close",
    "extend": "extend", "report_progress": "report_progress", "approve": "agree", "refuse": "disagree",
    "seal": "seal", "leader": "leader", "continue_return": "go_on", "go_back": "go_back", "continue_work": "go_back",
    "to_duty": "pass_to_duty", "one_by_one": "todo", "later": "snooze", "explain": "explain", "object": "object",
    "coordinate": "coordinate", "contact_supervisor": "call_supervisor", "view_files": "view_files",
    "supervise": "supervise", "call_unit": "call_unit", "send_back": "send_back", "rework": "rework",
    "progress_ok": "progress_ok", "progress_no": "progress_no", "whole": "whole",
    "hand_on": "hand_on",
}  # fmt: skip
#: name of a button under a trial score sheet → the verb about the run
RUN_VERB_OF_BUTTON = {"view_lines": "lines", "object": "contest"}
#: button verbs that stand for an act's verb of another name
ACT_VERB_OF = {
    "progress_ok": "accept_progress", "progress_no": "accept_progress", "explain": "report_progress",
    "coordinate": "flag",
}  # fmt: skip
#: button verbs that are not acts → the assignment states in which they make sense
UNIT_ACTIONS = {
    "view": WITH_UNIT, "pass_to_duty": frozenset({S.DISPATCHED}), "explain": WITH_UNIT,
    "coordinate": HANDLING, "snooze": WITH_UNIT, "go_back": HANDLING, "go_on": HANDLING, "call_supervisor": WITH_UNIT,
}  # fmt: skip
#: button verbs of the office that are not acts → the permission they need, assignment states
OFFICE_ACTIONS = {"call_unit": ("unit.call", WITH_UNIT), "whole": (None, frozenset(State))}
#: the whole ticket: what the office may do about it, in order; the verb table decides which are shown
OFFICE_BUTTONS = ("supervise", "call_unit", "send_back", "rework")
#: the live card: buttons by state, in order
BUTTONS_BY_STATE: dict[State, tuple[str, ...]] = {
    S.DISPATCHED: ("sign", "detail"),
    S.SIGNED: ("contact", "reply", "return", "extend", "detail"),
    S.REPLIED: ("close", "contact", "detail"),
    S.RETURN_REVIEW: ("contact", "detail"),
    S.EXTENSION_REVIEW: ("contact", "reply", "close", "detail"),
    S.REWORK: ("contact", "reply", "detail"),
}


def is_offered(verb: str, target: Assignment, viewer: Person, now: datetime) -> bool:
    """Whether this person may use that verb on this assignment now, as far as a button can know."""
    if target.ended_at is not None:
        return False
    if verb in UNIT_ACTIONS:
        return target.state in UNIT_ACTIONS[verb] and (verb == "view" or viewer.role in UNIT_ROLES)
    if verb in OFFICE_ACTIONS:
        permission, states = OFFICE_ACTIONS[verb]
        return (permission is None or may(viewer, permission)) and target.state in states
    row = BY_VERB.get(ACT_VERB_OF.get(verb, verb))
    if row is None:
        return True
    if verb == "extend" and now >= target.close_due_at:
        return False
    if verb == "object" and target.red_card_at is None:
        return False
    return is_allowed(viewer.role, row.verb) and target.state in row.from_states


def build_live_buttons(
    snap: Snapshot, target: Assignment, viewer: Person, catalogue: Texts, now: datetime, *, has_children: bool = False
) -> Rows:
    """Return the buttons of the live card for this viewer; none once the assignment has ended or is closed."""
    names = list(BUTTONS_BY_STATE.get(target.state, ()))
    if has_children and target.state is S.SIGNED:
        names.insert(len(names) - 1, "hand_on")
    if target.state is S.DISPATCHED and snap.ticket.grade == "urgent":
        names.append("to_duty")
    waiting = any(
        r.kind == "explained_close" and r.decision is None and r.assignment_id == target.id for r in snap.requests
    )
    if waiting:
        names = [name for name in names if name != "close"]
    if "supervised" in snap.ticket.flags and target.ended_at is None:
        names.insert(0, "report_progress")
    if target.ended_at is None and names and snap.list_files(Actor.of(viewer)):
        names.append("view_files")
    return build_buttons(names, target, viewer, catalogue, now)


def build_full_buttons(
    snap: Snapshot, target: Assignment | None, viewer: Person, catalogue: Texts, now: datetime
) -> Rows:
    """Return the buttons of the whole ticket: open requests this viewer may decide, then acts they may start."""
    made: Rows = ()
    for request in snap.requests:
        verb = DECISION_VERB_OF.get(request.kind)
        open_ = request.decision is None and request.assignment_id in (None, target.id if target else None)
        if open_ and verb and is_allowed(viewer.role, verb):
            made += build_review_buttons(("approve", "refuse", "view_files"), request.id, catalogue)
    if target is None or target.ended_at is not None:
        return made
    names = list(OFFICE_BUTTONS) + (["view_files"] if snap.ticket.files else [])
    if snap.ticket.final_answer != "unsatisfied" or snap.ticket.unreasonable:
        names.remove("rework")
    if "supervised" in snap.ticket.flags:
        names = ["progress_ok", "progress_no", *names[1:]]
    return made + build_buttons(names, target, viewer, catalogue, now)


def build_buttons(
    names: Sequence[str], target: Assignment | None, viewer: Person, catalogue: Texts, now: datetime
) -> Rows:
    """Return those of the named buttons that are allowed, two per row."""
    made = [
        Button(catalogue.render(f"button.{name}"), encode(ButtonData(VERB_OF_BUTTON[name], target.id, target.version)))
        for name in names
        if name in VERB_OF_BUTTON and target is not None and is_offered(VERB_OF_BUTTON[name], target, viewer, now)
    ]
    return arrange_rows(made)


def build_review_buttons(names: Sequence[str], request_id: int, catalogue: Texts) -> Rows:
    """Return a reviewer's buttons; their subject is the request."""
    return arrange_rows(
        [Button(catalogue.render(f"button.{n}"), encode(ButtonData(VERB_OF_BUTTON[n], request_id))) for n in names]
    )


def arrange_rows(buttons: Sequence[Button]) -> Rows:
    """Arrange buttons in rows of two."""
    return tuple(tuple(buttons[i : i + PER_ROW]) for i in range(0, len(buttons), PER_ROW))


def build_trial_buttons(run_id: int, catalogue: Texts) -> Rows:
    """Return the buttons of M21; their subject is the run."""
    return arrange_rows(
        [
            Button(catalogue.render(f"button.{n}"), encode(ButtonData(RUN_VERB_OF_BUTTON[n], run_id)))
            for n in catalogue.list_buttons("score_trial")
        ]
    )


def build_digest_buttons(catalogue: Texts) -> Rows:
    """Return the buttons of a digest, which are about no single ticket."""
    names = catalogue.list_buttons("daily_digest")
    return arrange_rows(
        [Button(catalogue.render(f"button.{n}"), encode(ButtonData(VERB_OF_BUTTON[n], 0))) for n in names]
    )
