"""Calls, their attempts, and numbers that must not be called."""

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, LargeBinary, Table, Text, text

from storage.tables.columns import at, col, key, metadata

calls = Table(
    "calls", metadata,
    key(), col("purpose"), col("outbox_id", BigInteger, null=True), col("ticket_id", BigInteger, null=True),
    col("assignment_id", BigInteger, null=True), col("person", null=True), col("round", Integer, default="0"),
    col("to_sealed", LargeBinary, null=True), col("to_masked"), col("script"), col("position"), col("facts"),
    col("answers"), col("keys"), col("outcome", null=True), col("state"),  # waiting | live | done
    col("attempt_count", Integer, default="0"), at("next_at"), at("created_at", null=False), at("ended_at"),
    col("duration", Integer, default="0"), col("cost", null=True), col("urgent", Boolean, default="false"),
    col("attempt_id", BigInteger, null=True),  # the attempt under way, or the last one
    col("phone_index", null=True),
    Index("calls_next", "next_at", postgresql_where=text("next_at IS NOT NULL"),
          sqlite_where=text("next_at IS NOT NULL")),
    Index("calls_ticket", "ticket_id"), Index("calls_phone", "phone_index"), Index("calls_person", "person", "id"),
    # at most one call per message, and one visit call per round of a ticket (FW14, FW22)
    Index("calls_outbox", "outbox_id", unique=True, postgresql_where=text("outbox_id IS NOT NULL"),
          sqlite_where=text("outbox_id IS NOT NULL")),
    Index("calls_visit", "ticket_id", "round", unique=True, postgresql_where=text("purpose = 'visit'"),
          sqlite_where=text("purpose = 'visit'")),
)  # fmt: skip
call_attempts = Table(  # every call attempt: one row before the provider is asked, settled by its callbacks
    "call_attempts", metadata,
    key(), col("call_id", BigInteger), col("attempt_no", Integer), col("state"),  # asking placed ambiguous done
    Column("provider_id", Text, nullable=True, unique=True), col("status", null=True),
    col("sequence", Integer, default="-1"), col("answered_by", null=True), at("asked_at", null=False),
    at("answered_at"), at("ended_at"), col("duration", Integer, null=True), col("outcome", null=True),
    col("error", null=True), col("cost", null=True), col("recording", null=True), col("keys"),
    # the next expected step, and the last prompt: a step fetched twice hears the same (FW5, FW7)
    col("next_step", Integer, default="0"), col("last_prompt", null=True),
    Index("call_attempts_call", "call_id"), Index("call_attempts_open", "state", "asked_at"), Index("call_attempts_asked", "asked_at"),
)  # fmt: skip
invalid_numbers = Table(  # numbers that can never be reached, by blind index, until somebody allows a retry (FW23)
    "invalid_numbers", metadata,
    Column("phone_index", Text, primary_key=True), at("at", null=False), col("code"), col("masked"),
    col("person", null=True), col("ticket_id", BigInteger, null=True), col("call_id", BigInteger, null=True),
)  # fmt: skip
unreachable_drafts = Table(  # matters for which 联系不上 was drafted for a ledger: once each (B46)
    "unreachable_drafts", metadata,
    Column("assignment_id", BigInteger, primary_key=True, autoincrement=False), at("at", null=False),
    col("attempts"),
)  # fmt: skip
do_not_call = Table(  # who asked never to be called for a visit again (FW33), by blind index
    "do_not_call", metadata,
    Column("phone_index", Text, primary_key=True), at("at", null=False), col("call_id", BigInteger, null=True),
    col("masked", null=True), col("reason", null=True), col("by", null=True),  # who put it on the list, and why
)  # fmt: skip
