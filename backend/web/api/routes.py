"""Table of all REST routes with permission, body and status; the OpenAPI document is generated from it."""

from backend.tickets.files import MAX_BYTES
from backend.web import schemas
from backend.web.api import (
    bulletins,
    calls,
    deadlines,
    deliveries,
    duty_roster,
    files,
    governance_projects,
    hold,
    indicators,
    office,
    platform,
    readiness,
    scores,
    scoring,
    similarity,
    tickets,
    visits,
)
from backend.web.endpoint import Route

PAGED = ("limit", "cursor")

# fmt: off
ROUTES: tuple[Route, ...] = (
    Route("GET",  "/units",                  office.list_units,        "Units", filters=PAGED),
    Route("POST", "/units",                  office.store_unit,     "Store a unit", "office.edit", schemas.UnitBody, status=201),
    Route("GET",  "/people",                 office.list_people,       "People", filters=("unit", "role", *PAGED)),
    Route("POST", "/people",                 office.store_person,   "Store a person", "office.edit", schemas.PersonBody, status=201),
    Route("POST", "/people/{code}/binding",  office.open_binding, "Create a binding code", "binding.open", schemas.EmptyBody, status=201, shown_once=True),
    Route("POST", "/tickets",                tickets.create_ticket,      "Create a ticket", "ticket.create", schemas.TicketBody, status=201),
    Route("GET",  "/tickets",                tickets.list_tickets,      "Tickets",
          filters=("state", "unit", "grade", "category", "overdue", "q", *PAGED)),
    Route("GET",  "/tickets/{no}",           tickets.get_ticket,         "One ticket"),
    Route("GET",  "/tickets/{no}/timeline",  tickets.get_timeline,    "Its journal, deliveries, calls, visits and duties"),
    Route("POST", "/tickets/{no}/acts",      tickets.act,         "Act on it", body=schemas.ActBody),
    Route("POST", "/tickets/{no}/reveal",    tickets.reveal,      "Reveal the requester's number", body=schemas.RevealBody, shown_once=True),
    Route("POST", "/requesters/find",        tickets.find_requester, "Find tickets by a requester's number", "requester.reveal", schemas.FindBody, shown_once=True),
    Route("POST", "/files",                  files.upload,      "Upload a file", max_bytes=MAX_BYTES, status=201),
    Route("GET",  "/files/{id}",             files.download,     "Download a file", filters=("ticket",)),
    Route("GET",  "/deliveries",             deliveries.list_deliveries, "Messages",
          filters=("ticket", "person", "state", *PAGED)),
    Route("GET",  "/calls",                  deliveries.list_calls,      "Calls",
          filters=("ticket", "person", "outcome", *PAGED)),
    Route("GET",  "/scores",                 scores.list_sheets,       "Score sheets", filters=("month", "scheme", "unit")),
    Route("POST", "/score-runs",             scores.start_run,    "Start a score run", "scores.edit", schemas.RunBody, status=201),
    Route("POST", "/score-runs/{id}/lock",   scores.lock_run,         "Lock a run", "scores.edit", schemas.LockBody),
    Route("POST", "/score-runs/{id}/appeals", scores.contest_line,      "Contest a line", "contest.submit", schemas.ContestBody, status=201),
    Route("POST", "/ledger",                 scores.enter_line,        "Enter a ledger line", "scores.edit", schemas.LedgerBody, status=201),
    Route("POST", "/ledger/{id}/review",     scores.review_line,       "Review a ledger line", "scores.edit", schemas.LedgerReviewBody),
    Route("GET",  "/settings",               office.list_settings,     "Settings in force"),
    Route("PUT",  "/settings/{key}",         office.store_setting,  "Set a setting", "office.edit", schemas.SettingBody),
    Route("POST", "/keys",                   office.create_key,   "Create an API key", "office.edit", schemas.KeyBody, status=201, shown_once=True),
    Route("POST", "/imports/{kind}",         files.import_file,        "Import a file", "files.import", max_bytes=files.MAX_IMPORT_BYTES),
    Route("GET",  "/imports/{kind}/template", files.download_template,  "An empty table for an import", "files.import"),
    Route("GET",  "/audit",                  deliveries.list_audit,      "The audit log", "audit.read", filters=PAGED),
    *indicators.ROUTES,
    *scoring.ROUTES,
    *similarity.ROUTES,
    *governance_projects.ROUTES,
    *platform.ROUTES,
    *readiness.ROUTES,
    *bulletins.ROUTES,
    *duty_roster.ROUTES,
    *deadlines.ROUTES,
    *visits.ROUTES,
    *calls.ROUTES,
    *hold.ROUTES,
)
# fmt: on
