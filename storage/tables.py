"""Every table of the house. Instants are whole microseconds since 1970 UTC (no engine can blur them)."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from storage import columns
from storage.columns import at, col, key

metadata = columns.metadata

# -- the office: who, when, by which rules

units = Table(
    "units", metadata,
    Column("code", Text, primary_key=True), col("name"), col("kind"), col("region"), col("parent", null=True),
    col("province_department", Boolean, default="false"), col("active", Boolean, default="true"),
    col("pilot", Boolean, default="true"),
)  # fmt: skip
people = Table(
    "people", metadata,
    Column("code", Text, primary_key=True), col("name"), col("unit"), col("role"),
    col("active", Boolean, default="true"), col("rank", Integer, default="0"),
    col("phone_sealed", LargeBinary, null=True), col("phone_index", null=True), col("phone_tail", null=True),
    col("key_name", null=True), col("key_authorised", Boolean, default="false"), col("pin_hash", null=True),
    col("pin_failures", Integer, default="0"), at("pin_locked_until"), at("valid_from"), at("valid_to"),
    at("reported_at"),
    Index("people_unit", "unit"), Index("people_phone", "phone_index"),
)  # fmt: skip
bindings = Table(
    "bindings", metadata,
    key(), col("person"), col("channel"), col("address"), col("user_id"), col("state"),  # live | dead | ended
    at("bound_at", null=False), at("ended_at"), col("reason", null=True),
    Index("bindings_live", "channel", "user_id", "state"), Index("bindings_person", "person", "state"),
)  # fmt: skip
binding_codes = Table(
    "binding_codes", metadata,
    Column("code_hash", Text, primary_key=True), col("person"), at("created_at", null=False),
    at("expires_at", null=False), at("used_at"), col("user_id", null=True),
)  # fmt: skip
tries = Table(  # guesses counted per user, so that a guesser locks himself out and nobody else (FT32)
    "tries", metadata,
    Column("subject", Text, primary_key=True), col("count", Integer), at("since", null=False), at("locked_until"),
)  # fmt: skip
api_keys = Table(
    "api_keys", metadata,
    key(), col("name"), Column("key_hash", Text, nullable=False, unique=True), col("person", null=True),
    col("role", null=True), col("unit", null=True), at("created_at", null=False), at("revoked_at"),
)  # fmt: skip
sessions = Table(
    "sessions", metadata,
    Column("token_hash", Text, primary_key=True), col("person"), at("created_at", null=False),
    at("seen_at", null=False), at("expires_at", null=False), col("csrf"),
)  # fmt: skip
settings = Table(  # one row a version; the newest row of a key (and unit) is in force
    "settings", metadata,
    key(), col("key"), col("unit", null=True), col("value"), at("from_at", null=False), col("by"),
    at("set_at", null=False), Index("settings_key", "key", "unit", "id"),
)  # fmt: skip
calendar_days = Table(
    "calendar_days", metadata,
    Column("day", Text, primary_key=True), col("working", Boolean), col("note", default="''"), col("by"),
    at("set_at", null=False),
)  # fmt: skip
house = Table(  # single values of the house: the configuration epoch, the sandbox clock, seals of secrets
    "house", metadata, Column("name", Text, primary_key=True), col("value"),
)  # fmt: skip
id_blocks = Table("id_blocks", metadata, Column("name", Text, primary_key=True), col("next", BigInteger))
leases = Table(
    "leases", metadata,
    Column("name", Text, primary_key=True), col("owner"), at("until", null=False), col("fence", BigInteger),
)  # fmt: skip

# -- the ticket and its life

tickets = Table(
    "tickets", metadata,
    key(), Column("no", Text, nullable=False, unique=True), col("version", Integer), col("head"), col("state"),
    col("category", null=True), col("grade"), col("channel"), col("region"), col("management", null=True),
    col("first_receiver", null=True), at("generated_at", null=False), col("lead_id", BigInteger, null=True),
    col("flags"), col("bounces", Integer, default="0"), col("requires_dispatch", Boolean, default="true"),
    col("has_phone", Boolean, default="false"), col("no_visit", Boolean, default="false"),
    col("final_answer", null=True), col("deemed", Boolean, default="false"),
    col("excluded", Boolean, default="false"), col("visit_round", Integer, default="0"),
    col("rounds_of_rework", Integer, default="0"), at("closed_at"), col("merged_into", BigInteger, null=True),
    col("title"), col("place"), col("text"),
    # beyond the domain's noun: sealed personal data, provenance
    col("name_sealed", LargeBinary, null=True), col("phone_sealed", LargeBinary, null=True),
    col("phone_index", null=True), col("phone_tail", null=True), at("submitted_at"), at("created_at", null=False),
    col("extra"),
    Index("tickets_state", "state", "id"), Index("tickets_phone", "phone_index"),
    Index("tickets_generated", "generated_at"), Index("tickets_closed", "closed_at"),
    Index("tickets_merged", "id", postgresql_where=text("merged_into IS NOT NULL"),
          sqlite_where=text("merged_into IS NOT NULL")),
)  # fmt: skip
assignments = Table(
    "assignments", metadata,
    key(), col("ticket_id", BigInteger), col("unit"), col("lead", Boolean), col("state"), col("version", Integer),
    at("dispatched_at", null=False), col("dispatched_by"), at("sign_due_at", null=False),
    at("close_due_at", null=False), at("signed_at"), col("signed", null=True), col("signed_by", null=True),
    at("opened_at"), at("contacted_at"), at("replied_at"), col("replied_by", null=True),
    col("reply_text", null=True), col("reply_way", null=True), col("cause", null=True), col("feedback", null=True),
    col("close_type", null=True), col("revisit_on", null=True), at("closed_at"), col("closed_by", null=True),
    col("extension_count", Integer, default="0"), at("red_card_at"), at("yellow_card_at"), at("ended_at"),
    col("card", null=True),  # of an imported life: rule (overdue as of the run) | none (the file says so)
    Index("assignments_ticket", "ticket_id"), Index("assignments_unit", "unit", "state", "id"),
    Index("assignments_dispatched", "dispatched_at"), Index("assignments_closed", "closed_at"),
    Index("assignments_unit_ticket", "unit", "ticket_id"),
)  # fmt: skip
duties = Table(
    "duties", metadata,
    key(), col("ticket_id", BigInteger), col("assignment_id", BigInteger, null=True), col("unit", null=True),
    col("kind"), col("grade"), at("start_at", null=False), at("due_at", null=False), at("next_at"),
    col("step", Integer, default="0"), at("met_at"), col("outcome", null=True),
    col("request_id", BigInteger, null=True),
    Index("duties_ticket", "ticket_id"),
    Index("duties_next", "next_at", postgresql_where=text("next_at IS NOT NULL"),
          sqlite_where=text("next_at IS NOT NULL")),
    Index("duties_open", "due_at", postgresql_where=text("met_at IS NULL"), sqlite_where=text("met_at IS NULL")),
    Index("duties_start", "kind", "start_at"), Index("duties_met", "kind", "met_at"),
)  # fmt: skip
requests = Table(
    "requests", metadata,
    key(), col("ticket_id", BigInteger), col("assignment_id", BigInteger, null=True), col("unit", null=True),
    col("kind"), at("asked_at", null=False), col("asked_by"), col("timely", Boolean, null=True),
    at("review_due_at"), col("facts"), col("decision", null=True), at("decided_at"),
    col("decided_by", null=True), col("decision_reason", null=True),
    Index("requests_ticket", "ticket_id"), Index("requests_kind", "kind", "asked_at"),
)  # fmt: skip
visits = Table(
    "visits", metadata,
    key(), col("ticket_id", BigInteger), col("assignment_id", BigInteger, null=True), col("round", Integer),
    col("kind"), at("at", null=False), col("by"), col("source"), col("answer"), col("contacted", null=True),
    col("resolved", null=True), col("note"), col("final", Boolean),
    Index("visits_ticket", "ticket_id"),
    Index("visits_unsatisfied", "ticket_id", postgresql_where=text("answer = 'unsatisfied'"),
          sqlite_where=text("answer = 'unsatisfied'")),
    Index("visits_final", "ticket_id", "round", unique=True, postgresql_where=text("final"),
          sqlite_where=text("final")),
)  # fmt: skip
journal = Table(
    "journal", metadata,
    key(), col("ticket_id", BigInteger), col("version", Integer), col("assignment_id", BigInteger, null=True),
    col("verb"), col("from_state"), col("to_state"), col("by"), col("source"), at("at", null=False),
    at("recorded_at", null=False), col("words"), col("prev"), col("hash"),
    UniqueConstraint("ticket_id", "version", name="journal_once"), Index("journal_at", "at"),
    Index("journal_recorded", "recorded_at"),
)  # fmt: skip
seals = Table(  # from time to time the journal's newest lines are sealed together, so that none can vanish
    "seals", metadata,
    key(), col("first_id", BigInteger), col("last_id", BigInteger), col("lines", Integer), col("members"),
    col("prev"), col("hash"), at("at", null=False),
)  # fmt: skip
files = Table(
    "files", metadata,
    Column("id", Text, primary_key=True), col("name"), col("kind"), col("size", Integer), col("sha256"), col("by"),
    at("at", null=False), col("content", LargeBinary), col("unit", null=True),
)  # fmt: skip
audit = Table(  # what is no move but must be known: logins, refusals, reveals, exports (FA12)
    "audit", metadata,
    key(), at("at", null=False), col("who"), col("what"), col("about", null=True), col("facts"),
    Index("audit_at", "at"),
)  # fmt: skip
findings = Table(  # what the auditor finds amiss now; a row goes when it is healed, the audit book remembers both
    "findings", metadata,
    Column("kind", Text, primary_key=True), Column("subject", Text, primary_key=True), col("facts"),
    at("found_at", null=False),
)  # fmt: skip

# -- hearing and telling

inbox = Table(
    "inbox", metadata,
    key(), col("mouth"), col("event"), col("chat"), col("body"), at("received_at", null=False),
    col("state"),  # new | done | unreadable | dead
    col("attempts", Integer, default="0"), at("not_before"), col("error", null=True), col("owner", null=True),
    at("lease_until"),
    UniqueConstraint("mouth", "event", name="inbox_once"),
    Index("inbox_new", "mouth", "chat", "received_at", "id", postgresql_where=text("state = 'new'"),
          sqlite_where=text("state = 'new'")),
    Index("inbox_dead", "id", postgresql_where=text("state = 'dead'"), sqlite_where=text("state = 'dead'")),
)  # fmt: skip
letters = Table(
    "letters", metadata,
    key(), col("kind"), col("channel"), col("person"), col("ticket_id", BigInteger, null=True),
    col("assignment_id", BigInteger, null=True), col("version", Integer), col("urgent", Boolean),
    at("not_before", null=False), at("created_at", null=False), col("facts"), col("state"),
    col("attempts", Integer, default="0"), col("cause_id", BigInteger, null=True),
    # how far it has come
    col("owner", null=True), at("lease_until"), at("sent_at"), col("provider_id", null=True),
    col("address", null=True), col("error", null=True), col("cost", null=True),
    col("doubts", Integer, default="0"),  # copies that may have arrived: the next one is marked 重发 (FT24)
    Index("letters_pending", "channel", "urgent", "not_before", postgresql_where=text("state = 'pending'"),
          sqlite_where=text("state = 'pending'")),
    Index("letters_sending", "lease_until", postgresql_where=text("state = 'sending'"),
          sqlite_where=text("state = 'sending'")),
    Index("letters_ticket", "ticket_id"),
)  # fmt: skip
cards = Table(  # messages people hold; `wanted` runs ahead of `shown` until the message is drawn again
    "cards", metadata,
    key(), col("channel"), col("address"), col("message_id"), col("person"), col("ticket_id", BigInteger),
    col("assignment_id", BigInteger, null=True), col("kind"), col("shown", Integer), col("wanted", Integer),
    at("not_before"), col("attempts", Integer, default="0"), col("owner", null=True), at("lease_until"),
    col("facts"), at("sent_at", null=False), col("state"),  # live | gone
    UniqueConstraint("channel", "address", "message_id", name="cards_once"),
    Index("cards_assignment", "assignment_id"),
    Index("cards_stale", "id", postgresql_where=text("wanted > shown AND state = 'live'"),
          sqlite_where=text("wanted > shown AND state = 'live'")),
)  # fmt: skip
drafts = Table(  # what a person has begun to write in chat: parts of a return, a reply …
    "drafts", metadata,
    Column("person", Text, primary_key=True),
    Column("assignment_id", BigInteger, primary_key=True, autoincrement=False),
    Column("verb", Text, primary_key=True), col("words"), at("at", null=False),
)  # fmt: skip
expectations = Table(  # the question last put to somebody in chat, so that plain words find their card
    "expectations", metadata,
    Column("channel", Text, primary_key=True), Column("user_id", Text, primary_key=True), col("what"), col("facts"),
    at("until", null=False),
)  # fmt: skip
calls = Table(
    "calls", metadata,
    key(), col("purpose"), col("letter_id", BigInteger, null=True), col("ticket_id", BigInteger, null=True),
    col("assignment_id", BigInteger, null=True), col("person", null=True), col("round", Integer, default="0"),
    col("to_sealed", LargeBinary, null=True), col("to_masked"), col("script"), col("position"), col("facts"),
    col("heard"), col("keys"), col("outcome", null=True), col("state"),  # waiting | live | done
    col("tries", Integer, default="0"), at("next_at"), at("created_at", null=False), at("ended_at"),
    col("duration", Integer, default="0"), col("cost", null=True), col("urgent", Boolean, default="false"),
    col("dial_id", BigInteger, null=True),  # the attempt under way, or the last one
    col("phone_index", null=True),
    Index("calls_next", "next_at", postgresql_where=text("next_at IS NOT NULL"),
          sqlite_where=text("next_at IS NOT NULL")),
    Index("calls_ticket", "ticket_id"), Index("calls_phone", "phone_index"), Index("calls_person", "person", "id"),
    # one letter is rung for once, one round of a ticket is visited by one call (FW14, FW22)
    Index("calls_letter", "letter_id", unique=True, postgresql_where=text("letter_id IS NOT NULL"),
          sqlite_where=text("letter_id IS NOT NULL")),
    Index("calls_visit", "ticket_id", "round", unique=True, postgresql_where=text("purpose = 'visit'"),
          sqlite_where=text("purpose = 'visit'")),
)  # fmt: skip
dials = Table(  # every attempt to ring: one row before the provider is asked, settled by its callbacks
    "dials", metadata,
    key(), col("call_id", BigInteger), col("number", Integer), col("state"),  # asking placed ambiguous done
    Column("provider_id", Text, nullable=True, unique=True), col("status", null=True),
    col("sequence", Integer, default="-1"), col("answered_by", null=True), at("asked_at", null=False),
    at("answered_at"), at("ended_at"), col("duration", Integer, null=True), col("outcome", null=True),
    col("error", null=True), col("cost", null=True), col("recording", null=True), col("keys"),
    # the step awaited next, and what was said last: a step fetched twice hears the same (FW5, FW7)
    col("step", Integer, default="0"), col("said", null=True),
    Index("dials_call", "call_id"), Index("dials_open", "state", "asked_at"), Index("dials_asked", "asked_at"),
)  # fmt: skip
no_visits = Table(  # who asked never to be rung for a visit again (FW33), by blind index
    "no_visits", metadata,
    Column("phone_index", Text, primary_key=True), at("at", null=False), col("call_id", BigInteger, null=True),
)  # fmt: skip
pace = Table(  # shared pacing: what is remembered of each bucket between two sends (notify/pace.py), as JSON
    "pace", metadata, Column("bucket", Text, primary_key=True), col("state"), at("idle_at", null=False),
)  # fmt: skip

# -- marks

ledger = Table(
    "ledger", metadata,
    key(), col("kind"), col("unit"), col("month"), col("count", Integer), col("level", null=True),
    col("matter", null=True), col("points", null=True), col("note"), col("evidence"), col("facts"),
    col("entered_by"), at("entered_at", null=False), col("state"),  # entered | accepted | refused
    col("reviewed_by", null=True), at("reviewed_at"), Column("fingerprint", Text, unique=True),
    Index("ledger_month", "month", "unit"),
)  # fmt: skip
score_runs = Table(
    "score_runs", metadata,
    key(), col("period"), col("scheme"), col("state"), col("by"), at("at", null=False), col("sheet"), col("hash"),
    at("locked_at"), col("locked_by", null=True), col("revision_of", BigInteger, null=True),
    Index("score_runs_period", "period", "scheme"),
)  # fmt: skip
score_appeals = Table(
    "score_appeals", metadata,
    key(), col("run_id", BigInteger), col("unit"), col("item", null=True), col("words"), col("by"),
    at("at", null=False), Index("score_appeals_run", "run_id"),
)  # fmt: skip
idempotency = Table(
    "idempotency", metadata,
    Column("key", Text, primary_key=True), col("body_hash"), col("status", Integer), col("answer"),
    at("at", null=False),
)  # fmt: skip
imports = Table(
    "imports", metadata,
    key(), col("kind"), col("sha256"), col("name"), col("by"), at("at", null=False), col("report"),
    Index("imports_sha", "kind", "sha256"),
)  # fmt: skip
