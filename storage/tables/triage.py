"""Ticket features for finding similar ones, the dispatch catalogue, and governance projects."""

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, Table

from storage.tables.columns import at, col, key, metadata

ticket_features = Table(  # one per ticket, derived from its text; may be deleted and rebuilt (`jiesu similarity rebuild`)
    "ticket_features", metadata,
    Column("ticket_id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=False),
    col("terms"), col("title"), col("places"), col("caller", null=True), at("generated_at", null=False),
    Index("ticket_features_caller", "caller"), Index("ticket_features_generated", "generated_at"),
)  # fmt: skip
feature_index = Table(  # term (or pair of terms) → tickets about it, newest found first
    "feature_index",
    metadata,
    Column("key", BigInteger, primary_key=True, autoincrement=False),
    Column("ticket_id", BigInteger, primary_key=True, autoincrement=False),
    sqlite_with_rowid=False,
)
dispatch_catalogue = Table(  # 派单目录: which unit is responsible for what, where, by which document
    "dispatch_catalogue", metadata,
    key(), col("category", null=True), col("keywords"), col("region"), col("unit"), col("basis"),
    col("valid_from", null=True), col("valid_to", null=True), col("by"), at("set_at", null=False),
    at("removed_at"), col("removed_by", null=True), col("fingerprint"),
    Index("dispatch_catalogue_mark", "fingerprint"),
)  # fmt: skip
governance_projects = Table(  # 未诉先办: one class of matters treated as a whole; counts once a second person has reviewed it
    "governance_projects", metadata,
    key(), col("unit"), col("month"), col("topic"), col("cause"), col("measures"), col("tickets"),
    col("state"),  # draft | open | closed | accepted | refused
    col("drafted", Boolean), col("opened_by"), at("opened_at", null=False), col("closed_by", null=True),
    at("closed_at"), col("reviewed_by", null=True), at("reviewed_at"), col("ledger_id", BigInteger, null=True),
    Index("governance_projects_month", "month", "unit"),
)  # fmt: skip
