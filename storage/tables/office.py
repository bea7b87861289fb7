"""Units, people and their chats, settings, calendar."""

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, LargeBinary, Table, Text

from storage.tables.columns import at, col, key, metadata

units = Table(
    "units", metadata,
    Column("code", Text, primary_key=True), col("name"), col("kind"), col("region"), col("parent", null=True),
    col("province_department", Boolean, default="false"), col("active", Boolean, default="true"),
    col("chat_enabled", Boolean, default="true"),
)  # fmt: skip
people = Table(
    "people", metadata,
    Column("code", Text, primary_key=True), col("name"), col("unit"), col("role"),
    col("active", Boolean, default="true"), col("contact_order", Integer, default="0"),
    col("phone_sealed", LargeBinary, null=True), col("phone_index", null=True), col("phone_tail", null=True),
    col("preferred_chat", null=True),  # the network they chose, bound or not
    col("key_name", null=True), col("key_authorised", Boolean, default="false"), col("pin_hash", null=True),
    col("pin_failures", Integer, default="0"), at("pin_locked_until"), at("valid_from"), at("valid_to"),
    at("reported_at"),
    Index("people_unit", "unit"), Index("people_phone", "phone_index"),
)  # fmt: skip
bindings = Table(
    "bindings", metadata,
    key(), col("person"), col("channel"), col("address"), col("user_id"), col("state"),  # live | dead | ended
    col("how"),  # code | phone | directory | sign_in
    at("bound_at", null=False), at("ended_at"), col("reason", null=True),
    Index("bindings_live", "channel", "user_id", "state"), Index("bindings_person", "person", "state"),
)  # fmt: skip
binding_codes = Table(
    "binding_codes", metadata,
    Column("code_hash", Text, primary_key=True), col("person"), at("created_at", null=False),
    at("expires_at", null=False), at("used_at"), col("user_id", null=True),
)  # fmt: skip
guess_counts = Table(  # failed guesses counted per user, so that a guesser locks out only themself (FT32)
    "guess_counts", metadata,
    Column("subject", Text, primary_key=True), col("count", Integer), at("since", null=False), at("locked_until"),
)  # fmt: skip
settings = Table(  # one row per version; the newest row of a key (and unit) is in force
    "settings", metadata,
    key(), col("key"), col("unit", null=True), col("value"), at("from_at", null=False), col("by"),
    at("set_at", null=False), Index("settings_key", "key", "unit", "id"),
)  # fmt: skip
calendar_days = Table(
    "calendar_days", metadata,
    Column("day", Text, primary_key=True), col("working", Boolean), col("note", default="''"), col("by"),
    at("set_at", null=False),
)  # fmt: skip
readiness_reminders = Table(  # 催报: which unit was reminded of what is missing (A39)
    "readiness_reminders", metadata,
    key(), col("unit"), at("at", null=False), col("by"), col("note"), Index("readiness_reminders_unit", "unit", "id"),
)  # fmt: skip
key_values = Table(  # single values: the configuration epoch, the sandbox clock, hashed sign-in tokens
    "key_values", metadata, Column("name", Text, primary_key=True), col("value")
)
id_blocks = Table("id_blocks", metadata, Column("name", Text, primary_key=True), col("next", BigInteger))
leases = Table(
    "leases", metadata,
    Column("name", Text, primary_key=True), col("owner"), at("until", null=False), col("fence", BigInteger),
)  # fmt: skip
