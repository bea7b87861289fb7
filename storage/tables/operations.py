"""Which code may work on this database, and which processes do."""

from sqlalchemy import BigInteger, Boolean, Column, Integer, Table, Text, event, insert

from storage.tables.columns import at, col, metadata

PARTS = ("schema", "acts", "outbox", "inbox", "calls", "deadlines")
gate = Table(  # code whose number for a part is `own` may work on it while `least <= own <= format` and not `held`
    "gate", metadata,
    Column("part", Text, primary_key=True), col("format", Integer), col("least", Integer),
    col("held", Boolean, default="false"),  # after a restore, until an operator releases it (FD13)
)  # fmt: skip
beats = Table(  # one row per living process, rewritten every few seconds; `at` is the database's clock of leases
    "beats", metadata,
    Column("process", Text, primary_key=True), col("host"), col("roles"), col("code"),
    col("workers"),  # JSON: worker's name → seconds since its last finished run
    col("lane_head"),  # JSON: channel → since when the oldest due message waits
    col("number", BigInteger), at("at", null=False),
)  # fmt: skip
event.listen(
    gate, "after_create",
    lambda target, connection, **_: connection.execute(insert(target), [{"part": p, "format": 1, "least": 1} for p in PARTS]),
)  # fmt: skip
