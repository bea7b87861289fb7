"""What is written back to the platform that holds the record (system_of_record = external, A7)."""

from sqlalchemy import BigInteger, Column, Index, Integer, Table, Text, text

from storage.tables.columns import at, col, key, metadata

writebacks = Table(  # one row per journal line to write back, under the line's own id
    "writebacks", metadata,
    key(), col("ticket_id", BigInteger), col("version", Integer),
    col("state"),  # waiting | sending | asked | confirmed | refused | own | settled
    col("attempts", Integer, default="0"), at("not_before"), col("owner", null=True), at("lease_until"),
    at("since", null=False), at("done_at"), col("done_by", null=True), col("error", null=True),
    Column("ref", Text, nullable=True),  # the platform's own number for it
    Index("writebacks_ticket", "ticket_id", "version"),
    Index("writebacks_open", "state", "id", postgresql_where=text("state IN ('waiting','sending','asked','refused')"),
          sqlite_where=text("state IN ('waiting','sending','asked','refused')")),
)  # fmt: skip
