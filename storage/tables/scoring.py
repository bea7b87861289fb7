"""Ledgers, score runs and contests; counts of the switchboard; imported files."""

from sqlalchemy import BigInteger, Column, Index, Integer, Table, Text, text

from storage.tables.columns import at, col, key, metadata

ledger_lines = Table(
    "ledger_lines", metadata,
    key(), col("kind"), col("unit"), col("month"), col("count", Integer), col("level", null=True),
    col("matter", null=True), col("points", null=True), col("note"), col("evidence"), col("facts"),
    col("entered_by"), at("entered_at", null=False), col("state"),  # draft | entered | accepted | refused | void
    col("reviewed_by", null=True), at("reviewed_at"), Column("fingerprint", Text, unique=True),
    col("document_date", null=True), col("files", default="'[]'"), col("tickets", default="'[]'"),
    col("replaces", BigInteger, null=True), col("reason", default="''"),
    Index("ledger_lines_month", "month", "unit"),
)  # fmt: skip
score_runs = Table(
    "score_runs", metadata,
    key(), col("period"), col("scheme"), col("state"), col("by"), at("at", null=False), col("sheet"), col("hash"),
    at("locked_at"), col("locked_by", null=True), col("revision_of", BigInteger, null=True),
    at("check_until"), col("forced", null=True),
    Index("score_runs_period", "period", "scheme"),
)  # fmt: skip
score_contests = Table(
    "score_contests", metadata,
    key(), col("run_id", BigInteger), col("unit"), col("item", null=True), col("reason"), col("by"),
    at("at", null=False), col("period", default="''"), col("files", default="'[]'"), col("tickets", default="'[]'"),
    col("state", default="'open'"),  # open | proposed | accepted | refused
    col("proposal", null=True), col("proposed_by", null=True), at("proposed_at"), col("decided_by", null=True),
    at("decided_at"), Index("score_contests_run", "run_id"), Index("score_contests_period", "period"),
)  # fmt: skip
score_exclusions = Table(  # 剔除: a ticket that does not count for an item of a unit's month
    "score_exclusions", metadata,
    key(), col("month"), col("unit"), col("item"), col("ticket"), col("reason"), col("by"), at("at", null=False),
    col("state"),  # entered | accepted | refused
    col("decided_by", null=True), at("decided_at"), col("contest_id", BigInteger, null=True),
    Index("score_exclusions_month", "month"),
)  # fmt: skip
knowledge_entries = Table(
    "knowledge_entries", metadata,
    key(), col("unit"), col("title"), col("body"), col("change"),  # new | updated
    col("replaces", BigInteger, null=True), col("by"), at("at", null=False), col("state"),  # entered | accepted | refused
    col("reviewed_by", null=True), col("reviewer_unit", null=True), at("reviewed_at"), col("opinion", default="''"),
    Index("knowledge_entries_unit", "unit", "at"), Index("knowledge_entries_state", "state", "id"),
)  # fmt: skip
register_entries = Table(  # 备报人员, 岗位, 制度, 值班计划, 会议与材料, 工作规则: the basis for judging manual items
    "register_entries", metadata,
    key(), col("kind"), col("unit"), col("name"), col("on_date"), col("facts"), col("files"), col("by"),
    at("at", null=False), at("ended_at"), col("ended_by", null=True), Index("register_entries_kind", "kind", "unit"),
)  # fmt: skip
connect_counts = Table(  # 接通情况: one row per institution, day and channel is in force; what it replaced is kept (B15)
    "connect_counts", metadata,
    key(), col("unit"), col("day"), col("channel"), col("offered", Integer), col("answered", Integer),
    col("abandoned", Integer, null=True), col("by"), at("at", null=False), at("replaced_at"),
    Index("connect_counts_day", "unit", "day", "channel", unique=True, postgresql_where=text("replaced_at IS NULL"),
          sqlite_where=text("replaced_at IS NULL")),
)  # fmt: skip
imports = Table(
    "imports", metadata,
    key(), col("kind"), col("sha256"), col("name"), col("by"), at("at", null=False), col("report"),
    Index("imports_sha", "kind", "sha256"),
)  # fmt: skip
