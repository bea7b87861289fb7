"""Issued bulletins: their numbers and their documents as handed out (B13)."""

from sqlalchemy import BigInteger, Column, Integer, LargeBinary, Table, Text, UniqueConstraint

from storage.tables.columns import at, col, key, metadata

bulletins = Table(  # 期号: one row per kind and period; a new revision keeps its number, and `revision` counts
    "bulletins", metadata,
    key(), col("kind"), col("period"), col("year", Integer), col("number", Integer), col("revision", Integer),
    col("state"),  # making | ready | failed
    at("made_at", null=False), col("made_by"), col("error", null=True),
    UniqueConstraint("kind", "year", "number", name="bulletins_number"),
    UniqueConstraint("kind", "period", name="bulletins_period"),
)  # fmt: skip
bulletin_files = Table(
    "bulletin_files", metadata,
    Column("bulletin_id", BigInteger, primary_key=True, autoincrement=False), Column("name", Text, primary_key=True),
    col("place", Integer), col("size", Integer), col("sha256"), col("content", LargeBinary),
)  # fmt: skip
