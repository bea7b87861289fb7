"""Table of all REST routes with roles, body and status; the OpenAPI document is generated from it."""

from backend.domain.ticket import Role
from backend.tickets.files import MAX_BYTES
from backend.web import wants
from backend.web.api import (
    bulletins,
    duties,
    governance,
    indicators,
    likeness,
    marks,
    office,
    papers,
    platform,
    readiness,
    ringing,
    rosters,
    scores,
    tellings,
    tickets,
    visits,
)
from backend.web.gate import Route

PAGED = ("limit", "cursor")
ADMIN: frozenset[Role] = frozenset()  # no other role; an admin may call every route
CREATE = frozenset({Role.DISPATCHER})
BINDING = frozenset({Role.LIAISON})
CLERK = frozenset({Role.SCORE_CLERK})
OBJECT = frozenset({Role.HANDLER, Role.LIAISON, Role.SCORE_CLERK})
BRING = frozenset({Role.DISPATCHER, Role.SCORE_CLERK, Role.REVISIT_AGENT}) | rosters.PLAN
AUDIT = frozenset({Role.AUDITOR})

# fmt: off
ROUTES: tuple[Route, ...] = (
    Route("GET",  "/units",                  office.units,        "Units", filters=PAGED),
    Route("POST", "/units",                  office.put_unit,     "Keep a unit", ADMIN, wants.UnitWant, answers=201),
    Route("GET",  "/people",                 office.people,       "People", filters=("unit", "role", *PAGED)),
    Route("POST", "/people",                 office.put_person,   "Keep a person", ADMIN, wants.PersonWant, answers=201),
    Route("POST", "/people/{code}/binding",  office.open_binding, "A binding code", BINDING, wants.Nothing, answers=201),
    Route("POST", "/tickets",                tickets.create,      "A new ticket", CREATE, wants.TicketWant, answers=201),
    Route("GET",  "/tickets",                tickets.listed,      "Tickets",
          filters=("state", "unit", "grade", "category", "overdue", "q", *PAGED)),
    Route("GET",  "/tickets/{no}",           tickets.one,         "One ticket"),
    Route("GET",  "/tickets/{no}/timeline",  tickets.timeline,    "Everything that happened to it"),
    Route("POST", "/tickets/{no}/acts",      tickets.act,         "Act on it", body=wants.ActWant),
    Route("POST", "/tickets/{no}/reveal",    tickets.reveal,      "The requester's number", body=wants.RevealWant),
    Route("POST", "/files",                  papers.hand_in,      "Hand in a file", files=MAX_BYTES, answers=201),
    Route("GET",  "/files/{id}",             papers.take_out,     "A file"),
    Route("GET",  "/deliveries",             tellings.deliveries, "Letters",
          filters=("ticket", "person", "state", *PAGED)),
    Route("GET",  "/calls",                  tellings.calls,      "Calls",
          filters=("ticket", "person", "outcome", *PAGED)),
    Route("GET",  "/scores",                 scores.sheets,       "Score sheets", filters=("month", "scheme", "unit")),
    Route("POST", "/score-runs",             scores.start_run,    "A score run", CLERK, wants.RunWant, answers=201),
    Route("POST", "/score-runs/{id}/lock",   scores.lock,         "Lock a run", CLERK, wants.LockWant),
    Route("POST", "/score-runs/{id}/appeals", scores.appeal,      "Object to a line", OBJECT, wants.AppealWant, answers=201),
    Route("POST", "/ledger",                 scores.enter,        "A ledger row", CLERK, wants.LedgerWant, answers=201),
    Route("POST", "/ledger/{id}/review",     scores.review,       "Review a ledger row", CLERK, wants.ReviewWant),
    Route("GET",  "/settings",               office.settings,     "Settings in force"),
    Route("PUT",  "/settings/{key}",         office.put_setting,  "Set a value", ADMIN, wants.SettingWant),
    Route("POST", "/keys",                   office.create_key,   "A new API key", ADMIN, wants.KeyWant, answers=201),
    Route("POST", "/imports/{kind}",         papers.bring,        "Import a file", BRING, files=papers.LARGEST_IMPORT),
    Route("GET",  "/audit",                  tellings.audit,      "The audit book", AUDIT, filters=PAGED),
    *indicators.ROUTES,
    *marks.ROUTES,
    *likeness.ROUTES,
    *governance.ROUTES,
    *platform.ROUTES,
    *readiness.ROUTES,
    *bulletins.ROUTES,
    *rosters.ROUTES,
    *duties.ROUTES,
    *visits.ROUTES,
    *ringing.ROUTES,
)
# fmt: on
