"""The move table (T1-T31): which verb leads from which state to which, and which roles may use it.

Read it from top to bottom. `docs/flow.mmd` is generated from it and `decision.py` decides by it; no other code knows
the order of states.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from backend.domain.ticket_enums import Role, State

S = State
UNIT_ROLES = frozenset({Role.HANDLER, Role.LIAISON})
DISPATCH_ROLES = frozenset({Role.DISPATCHER})
REVIEW_ROLES = frozenset({Role.REVIEWER})
ACCEPT_ROLES = DISPATCH_ROLES | REVIEW_ROLES
SUPERVISE_ROLES = frozenset({Role.SUPERVISOR})
AGENT_ROLES = frozenset({Role.REVISIT_AGENT})
PROPOSE_ROLES = UNIT_ROLES | DISPATCH_ROLES | REVIEW_ROLES
SYSTEM_ONLY: frozenset[Role] = frozenset()  # the system (clock) only

NEW = frozenset({S.REGISTERED, S.PENDING_DISPATCH})
HANDLING = frozenset({S.SIGNED, S.REPLIED, S.RETURN_REVIEW, S.EXTENSION_REVIEW, S.REWORK})
WITH_UNIT = HANDLING | {S.DISPATCHED}
ANSWERABLE = frozenset({S.SIGNED, S.EXTENSION_REVIEW})  # the clock runs on while an extension is reviewed (XM20)
VISITING = frozenset({S.CLOSED, S.REVISIT_AUTO, S.REVISIT_MANUAL})
OPEN = NEW | WITH_UNIT | VISITING | {S.UNREASONABLE_REVIEW}
UNARCHIVED = OPEN | {S.FINALIZED}
ANSWERED = frozenset({S.REPLIED, S.UNREASONABLE_REVIEW, S.FINALIZED}) | VISITING  # what the requester was told stands
FINISHED = frozenset({S.CLOSED, S.FINALIZED, S.ARCHIVED})  # the unit has nothing left to do
UNCHANGED: frozenset[State] = frozenset()  # the state does not change
#: How open tickets are counted for people.
STAGES: Mapping[str, frozenset[State]] = {
    "pending": NEW, "unsigned": frozenset({S.DISPATCHED}), "working": HANDLING, "visiting": VISITING,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Transition:
    """One row: the T number, the verb, where it may start, where it may lead, who may use it."""

    tag: str
    verb: str
    from_states: frozenset[State]
    to_states: frozenset[State]
    roles: frozenset[Role]
    on_assignment: bool  # False: the verb acts on the ticket itself


def _transition(
    tag: str, verb: str, from_states: frozenset[State] | set[State], to_states: set[State] | frozenset[State],
    roles: frozenset[Role], scope: str = "assignment",
) -> Transition:  # fmt: skip
    return Transition(tag, verb, frozenset(from_states), frozenset(to_states), roles, scope == "assignment")


# fmt: off
TRANSITIONS: tuple[Transition, ...] = (
    _transition("T2",  "answer",             NEW,                          {S.FINALIZED},                   DISPATCH_ROLES, "ticket"),
    _transition("T3",  "accept",             {S.REGISTERED},               {S.PENDING_DISPATCH},            ACCEPT_ROLES,   "ticket"),
    _transition("T4",  "merge",              NEW,                          {S.MERGED},                      DISPATCH_ROLES, "ticket"),
    _transition("T4b", "take_repeat",        OPEN,                         UNCHANGED,                            SYSTEM_ONLY,    "ticket"),
    _transition("T5",  "dispatch",           {S.PENDING_DISPATCH},         {S.DISPATCHED},                  DISPATCH_ROLES, "ticket"),
    _transition("T5b", "assist",             WITH_UNIT,                    UNCHANGED,                            DISPATCH_ROLES, "ticket"),
    _transition("T5c", "hand_on",            {S.SIGNED},                   {S.SIGNED, S.DISPATCHED},        UNIT_ROLES),
    _transition("T6",  "sign",               {S.DISPATCHED},               {S.SIGNED},                      UNIT_ROLES),
    _transition("T7",  "auto_sign",          {S.DISPATCHED},               {S.SIGNED},                      SYSTEM_ONLY),
    _transition("T8",  "return",             {S.SIGNED},                   {S.RETURN_REVIEW},               UNIT_ROLES),
    _transition("T9",  "decide_return",      {S.RETURN_REVIEW},  {S.PENDING_DISPATCH, S.SIGNED, S.DISPATCHED}, REVIEW_ROLES),
    _transition("T11", "reassign",           {S.DISPATCHED, S.SIGNED},     {S.DISPATCHED},                  DISPATCH_ROLES),
    _transition("T12", "contact",            HANDLING,                     UNCHANGED,                            UNIT_ROLES),
    _transition("T12b", "attach",            WITH_UNIT | VISITING,         UNCHANGED,                            UNIT_ROLES),
    _transition("T13", "extend",             {S.SIGNED},                   {S.EXTENSION_REVIEW},            UNIT_ROLES),
    _transition("T14", "decide_extension",   {S.EXTENSION_REVIEW, S.REPLIED}, {S.SIGNED, S.REPLIED},        REVIEW_ROLES),
    _transition("T15", "yellow_card",        WITH_UNIT,                    UNCHANGED,                            SYSTEM_ONLY),
    _transition("T16", "red_card",           WITH_UNIT,                    UNCHANGED,                            SYSTEM_ONLY),
    _transition("T16b", "object",            WITH_UNIT | VISITING,         UNCHANGED,                            UNIT_ROLES),
    _transition("T16c", "decide_objection",  WITH_UNIT | VISITING,         UNCHANGED,                            REVIEW_ROLES),
    _transition("T17", "supervise",          UNARCHIVED,                       UNCHANGED,                            SUPERVISE_ROLES),
    _transition("T18", "report_progress",    UNARCHIVED,                       UNCHANGED,                            UNIT_ROLES),
    _transition("T18b", "accept_progress",   UNARCHIVED,                       UNCHANGED,                            SUPERVISE_ROLES),
    _transition("T19", "reply",              ANSWERABLE | {S.REWORK},      {S.REPLIED, S.REVISIT_MANUAL},   UNIT_ROLES),
    _transition("T19b", "amend",             {S.REPLIED} | VISITING,       UNCHANGED,                            UNIT_ROLES),
    _transition("T20", "close",              ANSWERABLE | {S.REPLIED},     {S.CLOSED, S.REPLIED},           UNIT_ROLES),
    _transition("T21", "decide_close",       {S.REPLIED},                  {S.CLOSED, S.REPLIED},           SUPERVISE_ROLES),
    _transition("T21b", "recheck",           UNARCHIVED,                       UNCHANGED,                            SYSTEM_ONLY),
    _transition("T22", "send_back",          {S.CLOSED},                   {S.SIGNED},                      REVIEW_ROLES),
    _transition("T23", "start_visit",        {S.CLOSED},   {S.REVISIT_AUTO, S.REVISIT_MANUAL, S.FINALIZED}, SYSTEM_ONLY,    "ticket"),
    _transition("T24", "visit",              VISITING,     {S.FINALIZED, S.REVISIT_MANUAL},                 AGENT_ROLES,    "ticket"),
    _transition("T27", "rework",             {S.FINALIZED},                {S.REWORK},                      REVIEW_ROLES,   "ticket"),
    _transition("T28", "claim_unreasonable", {S.FINALIZED},                {S.UNREASONABLE_REVIEW},         UNIT_ROLES),
    _transition("T29", "decide_unreasonable", {S.UNREASONABLE_REVIEW},     {S.FINALIZED},                   REVIEW_ROLES,   "ticket"),
    _transition("T29b", "appeal",            {S.FINALIZED},                {S.UNREASONABLE_REVIEW},         UNIT_ROLES),
    _transition("T30", "archive",            {S.FINALIZED},                {S.ARCHIVED},                    SYSTEM_ONLY,    "ticket"),
    _transition("Q24", "recompute",          UNARCHIVED,                       UNCHANGED,                            SYSTEM_ONLY,    "ticket"),
    _transition("T31", "cancel",             OPEN,                         {S.CANCELLED},                   DISPATCH_ROLES, "ticket"),
    _transition("A17", "review",             VISITING | {S.FINALIZED},     UNCHANGED,                            REVIEW_ROLES,   "ticket"),
    _transition("Q28", "regrade",            NEW | WITH_UNIT,              UNCHANGED,                            DISPATCH_ROLES, "ticket"),
    _transition("Q32", "flag",               UNARCHIVED,                       UNCHANGED,                            PROPOSE_ROLES,  "ticket"),
    _transition("Q32b", "decide_flag",       UNARCHIVED,                       UNCHANGED,                            REVIEW_ROLES,   "ticket"),
    _transition("T26", "finalize",           VISITING,                     {S.FINALIZED},                   REVIEW_ROLES,   "ticket"),
)
# fmt: on

BY_VERB: dict[str, Transition] = {row.verb: row for row in TRANSITIONS}
if len(BY_VERB) != len(TRANSITIONS):  # pragma: no cover - a mistake in the table itself
    raise RuntimeError("a verb appears twice in the move table")


def is_allowed(role: Role | None, verb: str) -> bool:
    """Return whether the role may ever use the verb; the system (None) may use all, an admin all but the clock's."""
    transition = BY_VERB[verb]
    if role is None:
        return True
    if role is Role.ADMIN:
        return transition.roles != SYSTEM_ONLY
    return role in transition.roles


def is_new(state: State) -> bool:
    """Return whether a ticket in this state waits to be dispatched."""
    return state in NEW


def is_finished(state: State) -> bool:
    """Return whether a unit has nothing left to do about an assignment in this state."""
    return state in FINISHED


def count_stages(counts: Mapping[str, int]) -> dict[str, int]:
    """Return the tickets of each stage from those of each state."""
    return {stage: sum(int(counts.get(state, 0)) for state in states) for stage, states in STAGES.items()}
