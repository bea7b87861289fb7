"""Ledgers, score runs and objections; files that were imported."""

from sqlalchemy import BigInteger, Column, Index, Integer, Table, Text

from storage.columns import at, col, key, metadata

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
imports = Table(
    "imports", metadata,
    key(), col("kind"), col("sha256"), col("name"), col("by"), at("at", null=False), col("report"),
    Index("imports_sha", "kind", "sha256"),
)  # fmt: skip
