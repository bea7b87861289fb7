"""Chooses the buttons of a card: what the verb table, the state and the viewer's role allow now (contract §6)."""

from collections.abc import Sequence
from datetime import datetime

from backend.domain.acts import Snapshot
from backend.domain.button_data import ButtonData, encode
from backend.domain.move_table import BY_VERB, HANDLING, WITH_UNIT, is_allowed
from backend.domain.records import Assignment, Person
from backend.domain.texts import Texts
from backend.domain.ticket import Role, State
from notify.message import Button

S = State
Rows = tuple[tuple[Button, ...], ...]
A_ROW = 2  # buttons side by side: labels of four characters stay readable on a phone

#: the verb that decides each kind of request
DECIDES = {
    "return": "decide_return", "extension": "decide_extension", "explained_close": "decide_close",
    "mass_incident": "decide_flag", "hard_case": "decide_flag", "confidential": "decide_flag",
    "unreasonable": "decide_unreasonable", "appeal": "decide_unreasonable", "objection": "decide_objection",
}  # fmt: skip
#: name of a button in the catalogue → the verb in its data (domain/presses)
SAYS = {
    "sign": "sign", "detail": "view", "return": "return", "contact": "contact", "reply": "reply", "close": "close",
    "extend": "extend", "report_progress": "report_progress", "approve": "agree", "refuse": "disagree",
    "seal": "seal", "leader": "leader", "continue_return": "go_on", "go_back": "go_back", "continue_work": "go_back",
    "to_duty": "pass_to_duty", "one_by_one": "todo", "later": "snooze", "explain": "explain", "object": "object",
    "coordinate": "coordinate", "contact_supervisor": "call_supervisor", "view_files": "view_files",
    "supervise": "supervise", "call_unit": "call_unit", "send_back": "send_back", "rework": "rework",
    "progress_ok": "progress_ok", "progress_no": "progress_no", "whole": "whole",
}  # fmt: skip
#: name of a button under a trial score sheet → the verb about the run
OF_RUN = {"view_lines": "lines", "object": "contest"}
#: button verbs that stand for an act's verb of another name
MEANS = {
    "progress_ok": "accept_progress", "progress_no": "accept_progress", "explain": "report_progress",
    "coordinate": "flag",
}  # fmt: skip
#: button verbs that are not acts → the assignment states in which they make sense
BESIDE = {
    "view": WITH_UNIT, "pass_to_duty": frozenset({S.DISPATCHED}), "explain": WITH_UNIT,
    "coordinate": HANDLING, "snooze": WITH_UNIT, "go_back": HANDLING, "go_on": HANDLING, "call_supervisor": WITH_UNIT,
}  # fmt: skip
#: button verbs of the office that are not acts → roles allowed, assignment states
OFFICE_BESIDE = {
    "call_unit": (frozenset({Role.DISPATCHER, Role.SUPERVISOR, Role.ADMIN}), WITH_UNIT),
    "whole": (frozenset(Role), frozenset(State)),
}
#: the whole ticket: what the office may do about it, in order; the verb table decides which are shown
OF_OFFICE = ("supervise", "call_unit", "send_back", "rework")
#: the live card: buttons by state, in order
BY_STATE: dict[State, tuple[str, ...]] = {
    S.DISPATCHED: ("sign", "detail"),
    S.SIGNED: ("contact", "reply", "return", "extend", "detail"),
    S.REPLIED: ("close", "contact", "detail"),
    S.RETURN_REVIEW: ("contact", "detail"),
    S.EXTENSION_REVIEW: ("contact", "detail"),
    S.REWORK: ("contact", "reply", "detail"),
}
OF_UNIT = frozenset({Role.HANDLER, Role.LIAISON})


def allowed(verb: str, target: Assignment, viewer: Person, now: datetime) -> bool:
    """Whether this person may use that verb on this assignment now, as far as a button can know."""
    if target.ended_at is not None:
        return False
    if verb in BESIDE:
        return target.state in BESIDE[verb] and (verb == "view" or viewer.role in OF_UNIT)
    if verb in OFFICE_BESIDE:
        roles, states = OFFICE_BESIDE[verb]
        return viewer.role in roles and target.state in states
    row = BY_VERB.get(MEANS.get(verb, verb))
    if row is None:
        return True
    if verb == "extend" and now >= target.close_due_at:
        return False
    if verb == "object" and target.red_card_at is None:
        return False
    return is_allowed(viewer.role, row.verb) and target.state in row.from_states


def living(snap: Snapshot, target: Assignment, viewer: Person, catalogue: Texts, now: datetime) -> Rows:
    """Return the buttons of the live card for this viewer; none once the assignment has ended or is closed."""
    names = list(BY_STATE.get(target.state, ()))
    if target.state is S.DISPATCHED and snap.ticket.grade == "urgent":
        names.append("to_duty")
    waiting = any(
        r.kind == "explained_close" and r.decision is None and r.assignment_id == target.id for r in snap.requests
    )
    if waiting:
        names = [name for name in names if name != "close"]
    if "supervised" in snap.ticket.flags and target.ended_at is None:
        names.insert(0, "report_progress")
    return keys(names, target, viewer, catalogue, now)


def whole(
    snap: Snapshot, target: Assignment | None, viewer: Person, catalogue: Texts, now: datetime
) -> Rows:  # fmt: skip
    """Return the buttons of the whole ticket: open requests this viewer may decide, then acts they may start."""
    made: Rows = ()
    for request in snap.requests:
        verb = DECIDES.get(request.kind)
        open_ = request.decision is None and request.assignment_id in (None, target.id if target else None)
        if open_ and verb and is_allowed(viewer.role, verb):
            made += review(("approve", "refuse", "view_files"), request.id, catalogue)
    if target is None or target.ended_at is not None:
        return made
    names = list(OF_OFFICE)
    if snap.ticket.final_answer != "unsatisfied" or snap.ticket.excluded:
        names.remove("rework")
    if "supervised" in snap.ticket.flags:
        names = ["progress_ok", "progress_no", *names[1:]]
    return made + keys(names, target, viewer, catalogue, now)


def keys(names: Sequence[str], target: Assignment | None, viewer: Person, catalogue: Texts, now: datetime) -> Rows:
    """Return those of the named buttons that are allowed, two per row."""
    made = [
        Button(catalogue.render(f"button.{name}"), encode(ButtonData(SAYS[name], target.id, target.version)))
        for name in names
        if name in SAYS and target is not None and allowed(SAYS[name], target, viewer, now)
    ]
    return rows(made)


def review(names: Sequence[str], request_id: int, catalogue: Texts) -> Rows:
    """Return a reviewer's buttons; their subject is the request."""
    return rows([Button(catalogue.render(f"button.{n}"), encode(ButtonData(SAYS[n], request_id))) for n in names])


def rows(buttons: Sequence[Button]) -> Rows:
    """Arrange buttons in rows of two."""
    return tuple(tuple(buttons[i : i + A_ROW]) for i in range(0, len(buttons), A_ROW))


def to_check(run_id: int, catalogue: Texts) -> Rows:
    """Return the buttons of M21; their subject is the run."""
    return rows(
        [
            Button(catalogue.render(f"button.{n}"), encode(ButtonData(OF_RUN[n], run_id)))
            for n in catalogue.list_buttons("M21")
        ]
    )


def digest(catalogue: Texts) -> Rows:
    """Return the buttons of a digest, which are about no single ticket."""
    names = catalogue.list_buttons("M5")
    return rows([Button(catalogue.render(f"button.{n}"), encode(ButtonData(SAYS[n], 0))) for n in names])
