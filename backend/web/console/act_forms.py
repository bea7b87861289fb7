"""The form of each verb, and how its fields become an act's arguments; the move table says who may do what."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from backend.domain.acts import Actor
from backend.domain.move_table import BY_VERB
from backend.domain.offered_verbs import list_offered
from backend.domain.refusals import Refused
from backend.domain.verb_fields import EXTENSION_REASONS, HAND_ON_KINDS, VALID_COMPLAINTS
from backend.domain.verb_fields import PROPOSED_FLAGS as FLAGGED_WORDS
from backend.ports.ticket_queries import TicketView


@dataclass(frozen=True, slots=True)
class Input:
    """One field of a form. `kind`: line, long, at, day, flag, choice (words of `group`), unit, files."""

    name: str
    kind: str = "line"
    group: str = ""
    required: bool = False
    options: tuple[str, ...] = ()


WAYS = ("phone", "visit", "sms", "letter", "online")
REASON = Input("reason", "long", required=True)
WHY = Input("reason", "long")
ACCEPT = Input("accept", "flag", required=True)
TEXT = Input("text", "long", required=True)
WAY = Input("way", "choice", "way", options=WAYS)
FILES = Input("files", "files")
ANSWERS = ("satisfied", "basically_satisfied", "unsatisfied", "unclear", "no_reply", "unreached")
CAUSES = ("out_of_jurisdiction", "in_legal_process", "against_policy", "secret_or_order", "untrue", "beyond_reason",
          "heard_unreasonable", "malicious")  # fmt: skip

# fmt: off
FORMS: dict[str, tuple[Input, ...]] = {
    "accept":             (),
    "dispatch":           (Input("unit", "unit", required=True), Input("close_due_at", "at"), WHY),
    "answer":             (TEXT,),
    "merge":              (Input("into", required=True), WHY),
    "assist":             (Input("unit", "unit", required=True),),
    "hand_on":            (Input("unit", "unit", required=True),
                           Input("dispatch_kind", "choice", "dispatch_kind", True, HAND_ON_KINDS),
                           Input("close_due_at", "at"), WHY),
    "reassign":           (Input("unit", "unit", required=True), WHY),
    "regrade":            (Input("grade", "choice", "grade", True, ("general", "urgent")), REASON),
    "sign":               (),
    "return":             (Input("reason_code", "choice", "reason_code", True,
                                 ("not_our_duty", "wrong_region", "overlapping_duty", "duplicate",
                                  "insufficient_information", "other")), REASON,
                           Input("signed_by", "choice", "signed_by", True, ("seal", "leader")), FILES),
    "decide_return":      (ACCEPT, WHY),
    "contact":            (WAY, Input("reached", "flag", required=True), Input("note", "long")),
    "attach":             (FILES,),
    "extend":             (Input("new_due_at", "at", required=True), REASON, Input("informed_at", "at", required=True),
                           Input("informed_way", "choice", "way", True, WAYS),
                           Input("reason_class", "choice", "delay", True, EXTENSION_REASONS), FILES),
    "decide_extension":   (ACCEPT, WHY),
    "reply":              (TEXT, WAY, Input("cause"), FILES),
    "amend":              (TEXT,),
    "close":              (Input("close_type", "choice", "close_type", True, ("solved", "explained_unresolvable")),
                           Input("feedback", "long"), Input("no_objection", "flag"), Input("text", "long"),
                           Input("cause"), Input("explanation", "long"), Input("revisit_on", "day"), FILES),
    "decide_close":       (ACCEPT, WHY),
    "send_back":          (REASON,),
    "supervise":          (REASON, Input("due_at", "at")),
    "report_progress":    (TEXT, FILES),
    "accept_progress":    (ACCEPT, WHY),
    "visit":              (Input("contacted", "choice", "contacted", False, ("yes", "no", "unsure")),
                           Input("resolved", "choice", "resolved", False, ("resolved", "partly_resolved", "unresolved")),
                           Input("answer", "choice", "answer", True, ANSWERS), Input("note", "long")),
    "rework":             (Input("due_at", "at"), Input("summary", "long", required=True)),
    "claim_unreasonable": (REASON, FILES),
    "decide_unreasonable": (ACCEPT, Input("class", "choice", "class", False, CAUSES), REASON),
    "appeal":             (REASON,),
    "review":             (Input("conclusion", "long", required=True), Input("responsibility", "long"),
                           Input("improvement", "long"),
                           Input("valid_complaint", "choice", "valid_complaint", options=VALID_COMPLAINTS)),
    "flag":               (Input("flag", "choice", "flag", True, FLAGGED_WORDS),
                           Input("raised", "flag"), REASON),
    "decide_flag":        (Input("flag", "choice", "flag", False, FLAGGED_WORDS), ACCEPT, WHY),
    "finalize":           (),
    "cancel":             (REASON,),
}
# fmt: on
#: Verbs that are always possible but rarely meant come last; a ticket's next step comes first.
RARE_VERBS = (
    "assist",
    "merge",
    "supervise",
    "report_progress",
    "reassign",
    "regrade",
    "flag",
    "attach",
    "amend",
    "review",
    "cancel",
)
#: The usual next steps, which the table's order would hide.
NEXT_VERBS = frozenset({"dispatch", "sign", "decide_return", "decide_extension", "decide_close", "decide_unreasonable",
                  "decide_flag", "reply", "visit"})  # fmt: skip
#: Fields a form has only with a pending request of that kind: an arbitration may name the unit (Q44).
EXTRA_INPUTS = {("decide_return", "arbitration"): (Input("unit", "unit"),)}


def list_forms(
    view: TicketView, actor: Actor, pending: Collection[str] = (), *, has_children: bool = False
) -> list[tuple[str, tuple[Input, ...]]]:
    """Return the verbs offered to this person on this ticket, with their forms: next steps first, rare ones last.

    `pending` are the kinds of requests that wait for a decision; `has_children`: the unit may pass it down.
    """
    found = [
        (verb, (*FORMS[verb], *(i for kind in pending for i in EXTRA_INPUTS.get((verb, kind), ()))))
        for verb in list_offered(view.ticket, view.assignments, actor, pending)
        if verb in FORMS and (has_children or verb != "hand_on")
    ]
    return sorted(found, key=lambda form: _sort_key(form[0]))


def _sort_key(verb: str) -> tuple[int, int]:
    """Return a verb's sort key; sorting keeps the table's order within equal keys."""
    if verb in RARE_VERBS:
        return 2, RARE_VERBS.index(verb)
    return (0 if verb in NEXT_VERBS else 1), 0


def read_arguments(verb: str, fields: Mapping[str, str], files: list[str], zone: ZoneInfo) -> dict[str, Any]:
    """Return an act's arguments from its form's fields. Refused `unknown_verb`, `bad_field`."""
    if verb not in FORMS or verb not in BY_VERB:
        raise Refused("unknown_verb", verb=verb[:40])
    arguments: dict[str, Any] = {}
    for item in (*FORMS[verb], *(i for (name, _), inputs in EXTRA_INPUTS.items() if name == verb for i in inputs)):
        value = fields.get(item.name, "").strip()
        if item.kind == "files":
            arguments[item.name] = files
        elif value:
            arguments[item.name] = _parse_value(item, value, zone)
    if verb == "extend":
        at, way = arguments.pop("informed_at", None), arguments.pop("informed_way", None)
        arguments["requester_informed"] = {"at": at, "way": way} if at and way else None
    if verb == "flag":
        arguments[arguments.pop("flag", "hard_case")] = arguments.pop("raised", True)
    if verb == "visit":
        arguments["kind"] = "manual"
    return arguments


def _parse_value(item: Input, value: str, zone: ZoneInfo) -> Any:
    if item.kind == "flag":
        return value == "yes"
    if item.kind == "at":
        try:
            at = datetime.fromisoformat(value)
        except ValueError:
            raise Refused("bad_field", field=item.name) from None
        return (at if at.tzinfo else at.replace(tzinfo=zone)).isoformat()
    return value
