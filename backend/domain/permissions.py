"""Who may read and do what, besides acts on tickets, which the move table permits (contract §5)."""

from collections.abc import Mapping

from backend.domain.acts import Actor
from backend.domain.records import Person
from backend.domain.refusals import Refused
from backend.domain.ticket_enums import Role

R = Role
ADMIN_ONLY: frozenset[Role] = frozenset()
CLERKS = frozenset({R.SCORE_CLERK})
#: Everybody of the management institution but those who only administrate.
OFFICE = frozenset({R.DISPATCHER, R.REVIEWER, R.SUPERVISOR, R.REVISIT_AGENT, R.SCORE_CLERK, R.AUDITOR})
PLANNERS = frozenset({R.LIAISON, R.LEADER, R.SUPERVISOR, R.DISPATCHER})

# fmt: off
#: What → the roles that may, besides the administrator. Some services narrow it further: to the actor's own unit, or
#: to another person than the one who entered a line.
PERMISSIONS: Mapping[str, frozenset[Role]] = {
    # tickets
    "ticket.create":        frozenset({R.DISPATCHER}),
    "requester.reveal":     frozenset({R.HANDLER, R.LIAISON, R.DISPATCHER, R.REVIEWER, R.REVISIT_AGENT, R.SUPERVISOR}),
    "door.read":            frozenset({R.DISPATCHER, R.REVIEWER}),  # of a place, besides the unit that goes there
    "triage.read":          OFFICE,
    "triage.rebuild":       ADMIN_ONLY,
    "catalogue.edit":       frozenset({R.DISPATCHER}),
    "governance.edit":      frozenset({R.DISPATCHER, R.REVIEWER, R.SUPERVISOR, R.SCORE_CLERK}),
    "governance.review":    CLERKS,
    "platform.read":        frozenset({R.DISPATCHER, R.SUPERVISOR, R.REVIEWER, R.AUDITOR}),
    "platform.correct":     frozenset({R.DISPATCHER, R.SUPERVISOR}),
    # telephone and visits
    "unit.call":            frozenset({R.DISPATCHER, R.SUPERVISOR}),
    "requester.call":       frozenset({R.HANDLER, R.LIAISON, R.REVISIT_AGENT}),
    "call_costs.read":      frozenset({R.SUPERVISOR, R.SCORE_CLERK, R.AUDITOR, R.DISPATCHER}),
    "invalid_numbers.read": frozenset({R.DISPATCHER, R.SUPERVISOR, R.AUDITOR}),
    "invalid_numbers.edit": ADMIN_ONLY,
    "visits.read":          frozenset({R.REVISIT_AGENT, R.REVIEWER, R.SUPERVISOR, R.LEADER, R.AUDITOR}),
    "visits.in_menu":       frozenset({R.REVISIT_AGENT, R.REVIEWER, R.SUPERVISOR, R.AUDITOR}),
    "recording.listen":     frozenset({R.REVISIT_AGENT, R.REVIEWER, R.SUPERVISOR, R.AUDITOR}),
    "do_not_call.edit":     frozenset({R.REVISIT_AGENT, R.SUPERVISOR}),
    "rating_page.give":     frozenset({R.REVISIT_AGENT}),  # who may record a visit
    # scores
    "scores.edit":          CLERKS,  # ledgers, runs, exclusions, registers
    "run.force":            ADMIN_ONLY,
    "contest.submit":       frozenset({R.HANDLER, R.LIAISON}) | CLERKS,
    "register.report":      frozenset({R.LIAISON, R.LEADER}),
    "knowledge.write":      frozenset({R.HANDLER, R.LIAISON, R.DISPATCHER, R.REVIEWER}) | CLERKS,
    "knowledge.review":     frozenset({R.REVIEWER}) | CLERKS,
    "bulletins.read":       OFFICE | {R.LEADER},
    "bulletins.make":       CLERKS,
    "reports.send":         OFFICE,
    # the office
    "status.read":          OFFICE,
    "office.edit":          ADMIN_ONLY,  # units, people, settings, calendar, keys
    "accounts.edit":        ADMIN_ONLY,  # links, sessions and second factors of others
    "binding.open":         frozenset({R.LIAISON}),
    "roster.plan":          PLANNERS,
    "readiness.read":       frozenset({R.DISPATCHER, R.SUPERVISOR, R.SCORE_CLERK, R.AUDITOR}),
    "readiness.remind":     frozenset({R.DISPATCHER, R.SUPERVISOR, R.SCORE_CLERK}),
    "hold.read":            frozenset({R.DISPATCHER, R.SUPERVISOR, R.AUDITOR}),
    "hold.release":         ADMIN_ONLY,
    "audit.read":           frozenset({R.AUDITOR}),
    # files in: at all, and by kind
    "files.import":         PLANNERS | CLERKS | {R.REVISIT_AGENT},
    "import.units":         ADMIN_ONLY,
    "import.people":        ADMIN_ONLY,
    "import.calendar":      ADMIN_ONLY,
    "import.history":       ADMIN_ONLY,
    "import.tickets":       frozenset({R.DISPATCHER}),
    "import.catalogue":     frozenset({R.DISPATCHER}),
    "import.ledger":        CLERKS,
    "import.connect":       CLERKS,
    "import.visits":        frozenset({R.REVISIT_AGENT}),
    "import.roster":        PLANNERS,
}
# fmt: on


def may(who: Actor | Person, permission: str) -> bool:
    """Return whether their role permits it; the system and an administrator may do everything. KeyError: no such name."""
    roles = PERMISSIONS[permission]
    return who.role is None or who.role is Role.ADMIN or who.role in roles


def require(who: Actor | Person, permission: str, **facts: str) -> None:
    """Refused `forbidden`, with these facts, unless their role permits it."""
    if not may(who, permission):
        raise Refused("forbidden", **facts)
