"""Duty shifts, stand-ins, handovers and people's own quiet hours."""

from sqlalchemy import Column, Index, Table, Text, UniqueConstraint

from storage.tables.columns import at, col, key, metadata

duty_shifts = Table(
    "duty_shifts", metadata,
    key(), col("unit"), at("from_at", null=False), at("to_at", null=False), col("person"), col("deputy", null=True),
    col("by"), at("set_at", null=False),
    UniqueConstraint("unit", "person", "from_at", name="duty_shifts_once"), Index("duty_shifts_to", "to_at"),
)  # fmt: skip
handovers = Table(  # 交接班记录: what the outgoing person leaves to the incoming one
    "handovers", metadata,
    key(), col("unit"), at("at", null=False), col("person"), col("text"), Index("handovers_unit", "unit", "at"),
)  # fmt: skip
stand_ins = Table(
    "stand_ins", metadata,
    key(), col("absent"), col("person"), at("from_at", null=False), at("to_at", null=False), col("by"),
    at("set_at", null=False), Index("stand_ins_to", "to_at"),
)  # fmt: skip
quiet_hours = Table(  # a person's own, in addition to notify.quiet
    "quiet_hours", metadata, Column("person", Text, primary_key=True), col("hours"), at("set_at", null=False)
)
