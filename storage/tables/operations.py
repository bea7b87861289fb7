"""Which code may work on this database, and which processes do."""

from sqlalchemy import BigInteger, Boolean, Column, Integer, Table, Text

from storage.tables.columns import at, col, metadata

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
alarms = Table(  # one row per cause and subject that administrators were told of; JSON where there is more than one
    "alarms", metadata,
    Column("cause", Text, primary_key=True), Column("subject", Text, primary_key=True), at("since", null=False),
    at("told_at", null=False), at("called_at"), at("healed_at"), col("facts"),
    col("messages"),  # of chats: [channel, address, message id], …: edited when healed
)  # fmt: skip
