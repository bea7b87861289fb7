"""Who may sign in and by what: accounts, their links and recovery codes, sessions, API keys."""

from sqlalchemy import BigInteger, Column, Index, LargeBinary, Table, Text

from storage.tables.columns import at, col, key, metadata

accounts = Table(  # of people who have a password, and of administrators of no unit; `ref`: code or name
    "accounts", metadata,
    key(), col("kind"), col("ref"), col("password_hash", null=True), at("password_at"),
    col("factor_sealed", LargeBinary, null=True), at("factor_at"),
    col("factor_step", BigInteger, default="0"),  # the newest step of time that was used (FA9)
    col("removal_by", null=True), at("removal_at"),  # who asks for the second factor to be taken away
    at("created_at", null=False), at("closed_at"),
    Index("accounts_ref", "kind", "ref", unique=True),
)  # fmt: skip
recovery_codes = Table(
    "recovery_codes", metadata,
    Column("code_hash", Text, primary_key=True), col("account", BigInteger), at("used_at"),
    Index("recovery_codes_account", "account"),
)  # fmt: skip
account_links = Table(  # one-time links to choose a password; without account: the first administrator's
    "account_links", metadata,
    Column("token_hash", Text, primary_key=True), col("account", BigInteger, null=True), col("by"),
    at("expires_at", null=False), at("used_at"),
)  # fmt: skip
api_keys = Table(
    "api_keys", metadata,
    key(), col("name"), Column("key_hash", Text, nullable=False, unique=True), col("person", null=True),
    col("role", null=True), col("unit", null=True), at("created_at", null=False), at("revoked_at"),
    col("made_by", default="''"), col("revoked_by", null=True), at("expires_at"), at("used_at"),
)  # fmt: skip
sessions = Table(
    "sessions", metadata,
    Column("token_hash", Text, primary_key=True), col("person"), at("created_at", null=False),
    at("seen_at", null=False), at("expires_at", null=False), col("csrf"),
    col("kind"),  # of the account whose id is `person`
    col("stage", default="'open'"),  # open | factor | enrol: what is still missing
    col("way", default="''"),  # what opened it: password | link | code | rehearsal
    col("device", default="''"), col("address", default="''"),  # as the list of one's sessions shows them
    Index("sessions_account", "kind", "person"),
)  # fmt: skip
