"""Every table of the house, a file a room. Instants are whole microseconds since 1970 UTC (no engine can blur them)."""

from storage.columns import metadata
from storage.tables.bulletins import bulletin_files, bulletins
from storage.tables.calls import calls, dials, no_visits
from storage.tables.duty import duty_shifts, handovers, quiet_hours, stand_ins
from storage.tables.likeness import catalogue_rows, gists, governance, like_keys
from storage.tables.marks import imports, ledger, score_appeals, score_runs
from storage.tables.office import (
    api_keys,
    binding_codes,
    bindings,
    calendar_days,
    house,
    id_blocks,
    leases,
    people,
    sessions,
    settings,
    tries,
    units,
)
from storage.tables.platform import writebacks
from storage.tables.telling import cards, drafts, expectations, idempotency, inbox, letters, pace
from storage.tables.tickets import (
    assignments,
    audit,
    duties,
    files,
    findings,
    journal,
    requests,
    seals,
    tickets,
    visits,
)

__all__ = [
    "api_keys",
    "assignments",
    "audit",
    "binding_codes",
    "bindings",
    "bulletin_files",
    "bulletins",
    "calendar_days",
    "calls",
    "cards",
    "catalogue_rows",
    "dials",
    "drafts",
    "duties",
    "duty_shifts",
    "expectations",
    "files",
    "findings",
    "gists",
    "governance",
    "handovers",
    "house",
    "id_blocks",
    "idempotency",
    "imports",
    "inbox",
    "journal",
    "leases",
    "ledger",
    "letters",
    "like_keys",
    "metadata",
    "no_visits",
    "pace",
    "people",
    "quiet_hours",
    "requests",
    "score_appeals",
    "score_runs",
    "seals",
    "sessions",
    "settings",
    "stand_ins",
    "tickets",
    "tries",
    "units",
    "visits",
    "writebacks",
]
