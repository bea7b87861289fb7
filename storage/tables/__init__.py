"""Every table of the house, a file a room. Instants are whole microseconds since 1970 UTC (no engine can blur them)."""

from storage.columns import metadata
from storage.tables.bulletins import bulletin_files, bulletins
from storage.tables.calls import calls, dead_numbers, dials, no_visits, unreachables
from storage.tables.duty import duty_shifts, handovers, quiet_hours, stand_ins
from storage.tables.likeness import catalogue_rows, gists, governance, like_keys
from storage.tables.marks import imports, knowledge, ledger, registers, score_appeals, score_exclusions, score_runs
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
from storage.tables.visiting import caller_texts

__all__ = [
    "api_keys",
    "assignments",
    "audit",
    "binding_codes",
    "bindings",
    "bulletin_files",
    "bulletins",
    "calendar_days",
    "caller_texts",
    "calls",
    "cards",
    "catalogue_rows",
    "dead_numbers",
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
    "knowledge",
    "leases",
    "ledger",
    "letters",
    "like_keys",
    "metadata",
    "no_visits",
    "pace",
    "people",
    "quiet_hours",
    "registers",
    "requests",
    "score_appeals",
    "score_exclusions",
    "score_runs",
    "seals",
    "sessions",
    "settings",
    "stand_ins",
    "tickets",
    "tries",
    "units",
    "unreachables",
    "visits",
    "writebacks",
]
