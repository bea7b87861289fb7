"""Tickets and what happens to them: assignments, duties, requests, visits, the journal and its seals."""

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, LargeBinary, Table, Text, UniqueConstraint, text

from storage.tables.columns import at, col, key, metadata

tickets = Table(
    "tickets", metadata,
    key(), Column("ticket_no", Text, nullable=False, unique=True), col("version", Integer), col("journal_head"), col("state"),
    col("category", null=True), col("grade"), col("channel"), col("region"), col("management", null=True),
    col("first_receiver", null=True), at("generated_at", null=False), col("lead_id", BigInteger, null=True),
    col("flags"), col("return_count", Integer, default="0"), col("requires_dispatch", Boolean, default="true"),
    col("has_phone", Boolean, default="false"), col("do_not_call", Boolean, default="false"),
    col("final_answer", null=True), col("deemed_satisfied", Boolean, default="false"),
    col("unreasonable", Boolean, default="false"), col("visit_round", Integer, default="0"),
    col("rework_count", Integer, default="0"), at("closed_at"), col("merged_into", BigInteger, null=True),
    col("title"), col("place"), col("text"),
    # the same as their least reader is shown them, which is all that a search reads; version '': not yet masked
    col("masked_title", default="''"), col("masked_place", default="''"), col("masked_text", default="''"),
    col("mask_version", default="''"),
    # beyond the domain's record: sealed personal data, provenance
    col("name_sealed", LargeBinary, null=True), col("phone_sealed", LargeBinary, null=True),
    col("phone_index", null=True), col("phone_tail", null=True), at("submitted_at"), at("created_at", null=False),
    col("extra"), col("merged_count", Integer, default="0"), col("files", default="'[]'"),
    Index("tickets_state", "state", "id"), Index("tickets_phone", "phone_index"),
    Index("tickets_mask", "mask_version", "id"), Index("tickets_generated", "generated_at"), Index("tickets_closed", "closed_at"),
    Index("tickets_merged", "id", postgresql_where=text("merged_into IS NOT NULL"),
          sqlite_where=text("merged_into IS NOT NULL")),
)  # fmt: skip
assignments = Table(
    "assignments", metadata,
    key(), col("ticket_id", BigInteger), col("unit"), col("lead", Boolean), col("state"), col("version", Integer),
    at("dispatched_at", null=False), col("dispatched_by"), at("sign_due_at", null=False),
    at("close_due_at", null=False), at("signed_at"), col("sign_method", null=True), col("signed_by", null=True),
    at("opened_at"), at("contacted_at"), at("replied_at"), col("replied_by", null=True),
    col("reply_text", null=True), col("reply_way", null=True), col("cause", null=True), col("feedback", null=True),
    col("close_type", null=True), col("revisit_on", null=True), at("closed_at"), col("closed_by", null=True),
    col("extension_count", Integer, default="0"), at("red_card_at"), at("yellow_card_at"), at("ended_at"),
    col("imported_red_card", null=True),  # of an imported history: rule (overdue as of the run) | none (the file says so)
    Index("assignments_ticket", "ticket_id"), Index("assignments_unit", "unit", "state", "id"),
    Index("assignments_dispatched", "dispatched_at"), Index("assignments_closed", "closed_at"),
    Index("assignments_unit_ticket", "unit", "ticket_id"),
)  # fmt: skip
duties = Table(
    "duties", metadata,
    key(), col("ticket_id", BigInteger), col("assignment_id", BigInteger, null=True), col("unit", null=True),
    col("kind"), col("grade"), at("start_at", null=False), at("due_at", null=False), at("check_at"),
    col("reminder_step", Integer, default="0"), at("met_at"), col("outcome", null=True),
    col("request_id", BigInteger, null=True),
    Index("duties_ticket", "ticket_id"),
    Index("duties_check", "check_at", postgresql_where=text("check_at IS NOT NULL"),
          sqlite_where=text("check_at IS NOT NULL")),
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
    col("resolved", null=True), col("note"), col("decisive", Boolean),
    Index("visits_ticket", "ticket_id"),
    Index("visits_unsatisfied", "ticket_id", postgresql_where=text("answer = 'unsatisfied'"),
          sqlite_where=text("answer = 'unsatisfied'")),
    Index("visits_decisive", "ticket_id", "round", unique=True, postgresql_where=text("decisive"),
          sqlite_where=text("decisive")),
)  # fmt: skip
journal = Table(
    "journal", metadata,
    key(), col("ticket_id", BigInteger), col("version", Integer), col("assignment_id", BigInteger, null=True),
    col("verb"), col("from_state"), col("to_state"), col("by"), col("source"), at("at", null=False),
    at("recorded_at", null=False), col("arguments"), col("prev_hash"), col("key_name"), col("hash"),
    UniqueConstraint("ticket_id", "version", name="journal_once"), Index("journal_at", "at"),
    Index("journal_recorded", "recorded_at"),
)  # fmt: skip
journal_seals = Table(  # seals cover the journal's newest lines from time to time, so that none can vanish unnoticed
    "journal_seals", metadata,
    key(), col("members"), col("prev_hash"), at("at", null=False), col("key_name"), col("hash"),
)  # fmt: skip
files = Table(
    "files", metadata,
    Column("id", Text, primary_key=True), col("name"), col("kind"), col("size", Integer), col("sha256"), col("by"),
    at("at", null=False), col("content", LargeBinary), col("unit", null=True),
)  # fmt: skip
audit_log = Table(  # events that are not moves: logins, refusals, reveals, exports (FA12)
    "audit_log", metadata,
    key(), at("at", null=False), col("actor"), col("event"), col("subject", null=True), col("facts"),
    Index("audit_log_at", "at"),
)  # fmt: skip
integrity_findings = Table(  # what is amiss now; a row is deleted when healed, the audit log records both
    "integrity_findings", metadata,
    Column("kind", Text, primary_key=True), Column("subject", Text, primary_key=True), col("facts"),
    at("found_at", null=False),
)  # fmt: skip
