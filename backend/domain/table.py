"""The move table (T1-T31): which verb leads from which state to which, and which roles may use it.

Read it from top to bottom. `docs/flow.mmd` is generated from it and `flow.py` decides by it; no other code knows
the order of states.
"""

from dataclasses import dataclass

from backend.domain.ticket import Role, State

S = State
UNIT = frozenset({Role.HANDLER, Role.LIAISON})
DISPATCH = frozenset({Role.DISPATCHER})
REVIEW = frozenset({Role.REVIEWER})
ACCEPT = DISPATCH | REVIEW
SUPERVISE = frozenset({Role.SUPERVISOR})
AGENT = frozenset({Role.REVISIT_AGENT})
PROPOSE = UNIT | DISPATCH | REVIEW
HOUSE: frozenset[Role] = frozenset()  # the system (clock) only

NEW = frozenset({S.REGISTERED, S.PENDING_DISPATCH})
HANDLING = frozenset({S.SIGNED, S.REPLIED, S.RETURN_REVIEW, S.EXTENSION_REVIEW, S.REWORK})
WITH_UNIT = HANDLING | {S.DISPATCHED}
VISITING = frozenset({S.CLOSED, S.REVISIT_AUTO, S.REVISIT_MANUAL})
OPEN = NEW | WITH_UNIT | VISITING | {S.UNREASONABLE_REVIEW}
LIVING = OPEN | {S.FINALIZED}
STAY: frozenset[State] = frozenset()  # the state does not change


@dataclass(frozen=True, slots=True)
class Row:
    """One row: the T number, the verb, where it may start, where it may lead, who may use it."""

    t: str
    verb: str
    sources: frozenset[State]
    targets: frozenset[State]
    roles: frozenset[Role]
    on_assignment: bool  # False: the verb acts on the ticket itself


def _row(
    t: str, verb: str, sources: frozenset[State] | set[State], targets: set[State] | frozenset[State],
    roles: frozenset[Role], scope: str = "assignment",
) -> Row:  # fmt: skip
    return Row(t, verb, frozenset(sources), frozenset(targets), roles, scope == "assignment")


# fmt: off
ROWS: tuple[Row, ...] = (
    _row("T2",  "answer",             NEW,                          {S.FINALIZED},                   DISPATCH, "ticket"),
    _row("T3",  "accept",             {S.REGISTERED},               {S.PENDING_DISPATCH},            ACCEPT,   "ticket"),
    _row("T4",  "merge",              NEW,                          {S.MERGED},                      DISPATCH, "ticket"),
    _row("T4b", "take_repeat",        OPEN,                         STAY,                            HOUSE,    "ticket"),
    _row("T5",  "dispatch",           {S.PENDING_DISPATCH},         {S.DISPATCHED},                  DISPATCH, "ticket"),
    _row("T5b", "assist",             WITH_UNIT,                    STAY,                            DISPATCH, "ticket"),
    _row("T6",  "sign",               {S.DISPATCHED},               {S.SIGNED},                      UNIT),
    _row("T7",  "auto_sign",          {S.DISPATCHED},               {S.SIGNED},                      HOUSE),
    _row("T8",  "return",             {S.SIGNED},                   {S.RETURN_REVIEW},               UNIT),
    _row("T9",  "decide_return",      {S.RETURN_REVIEW},  {S.PENDING_DISPATCH, S.SIGNED, S.DISPATCHED}, REVIEW),
    _row("T11", "reassign",           {S.DISPATCHED, S.SIGNED},     {S.DISPATCHED},                  DISPATCH),
    _row("T12", "contact",            HANDLING,                     STAY,                            UNIT),
    _row("T13", "extend",             {S.SIGNED},                   {S.EXTENSION_REVIEW},            UNIT),
    _row("T14", "decide_extension",   {S.EXTENSION_REVIEW},         {S.SIGNED},                      REVIEW),
    _row("T15", "yellow_card",        WITH_UNIT,                    STAY,                            HOUSE),
    _row("T16", "red_card",           WITH_UNIT,                    STAY,                            HOUSE),
    _row("T16b", "object",            WITH_UNIT | VISITING,         STAY,                            UNIT),
    _row("T16c", "decide_objection",  WITH_UNIT | VISITING,         STAY,                            REVIEW),
    _row("T17", "supervise",          LIVING,                       STAY,                            SUPERVISE),
    _row("T18", "report_progress",    LIVING,                       STAY,                            UNIT),
    _row("T18b", "accept_progress",   LIVING,                       STAY,                            SUPERVISE),
    _row("T19", "reply",              {S.SIGNED, S.REWORK},         {S.REPLIED, S.REVISIT_MANUAL},   UNIT),
    _row("T19b", "amend",             {S.REPLIED} | VISITING,       STAY,                            UNIT),
    _row("T20", "close",              {S.SIGNED, S.REPLIED},        {S.CLOSED, S.REPLIED},           UNIT),
    _row("T21", "decide_close",       {S.REPLIED},                  {S.CLOSED, S.REPLIED},           SUPERVISE),
    _row("T22", "send_back",          {S.CLOSED},                   {S.SIGNED},                      REVIEW),
    _row("T23", "start_visit",        {S.CLOSED},   {S.REVISIT_AUTO, S.REVISIT_MANUAL, S.FINALIZED}, HOUSE,    "ticket"),
    _row("T24", "visit",              VISITING,     {S.FINALIZED, S.REVISIT_MANUAL},                 AGENT,    "ticket"),
    _row("T27", "rework",             {S.FINALIZED},                {S.REWORK},                      REVIEW,   "ticket"),
    _row("T28", "claim_unreasonable", {S.FINALIZED},                {S.UNREASONABLE_REVIEW},         UNIT),
    _row("T29", "decide_unreasonable", {S.UNREASONABLE_REVIEW},     {S.FINALIZED},                   REVIEW,   "ticket"),
    _row("T29b", "appeal",            {S.FINALIZED},                {S.UNREASONABLE_REVIEW},         UNIT),
    _row("T30", "archive",            {S.FINALIZED},                {S.ARCHIVED},                    HOUSE,    "ticket"),
    _row("Q24", "recompute",          LIVING,                       STAY,                            HOUSE,    "ticket"),
    _row("T31", "cancel",             OPEN,                         {S.CANCELLED},                   DISPATCH, "ticket"),
    _row("A17", "review",             VISITING | {S.FINALIZED},     STAY,                            REVIEW,   "ticket"),
    _row("Q28", "regrade",            NEW | WITH_UNIT,              STAY,                            DISPATCH, "ticket"),
    _row("Q32", "flag",               LIVING,                       STAY,                            PROPOSE,  "ticket"),
    _row("Q32b", "decide_flag",       LIVING,                       STAY,                            REVIEW,   "ticket"),
    _row("T26", "finalize",           VISITING,                     {S.FINALIZED},                   REVIEW,   "ticket"),
)
# fmt: on

BY_VERB: dict[str, Row] = {row.verb: row for row in ROWS}
if len(BY_VERB) != len(ROWS):  # pragma: no cover - a mistake in the table itself
    raise RuntimeError("a verb stands twice in the transition table")


def may(role: Role | None, verb: str) -> bool:
    """Return whether the role may ever use the verb; the system (None) may use all, an admin all but the clock's."""
    row = BY_VERB[verb]
    if role is None:
        return True
    if role is Role.ADMIN:
        return row.roles != HOUSE
    return role in row.roles
