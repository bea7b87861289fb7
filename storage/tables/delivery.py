"""The inbox, the outbox, the cards people hold, and what they have begun to write."""

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, LargeBinary, Table, Text, UniqueConstraint, text

from storage.tables.columns import at, col, key, metadata

inbox = Table(
    "inbox", metadata,
    key(), col("source"), col("external_id"), col("conversation"), col("body"), at("received_at", null=False),
    col("state"),  # new | done | unreadable | dead
    col("attempts", Integer, default="0"), at("not_before"), col("error", null=True), col("owner", null=True),
    at("lease_until"), col("answer", null=True),  # what a press was answered, where the response to it carries that
    UniqueConstraint("source", "external_id", name="inbox_once"),
    Index("inbox_new", "source", "conversation", "received_at", "id", postgresql_where=text("state = 'new'"),
          sqlite_where=text("state = 'new'")),
    Index("inbox_dead", "id", postgresql_where=text("state = 'dead'"), sqlite_where=text("state = 'dead'")),
)  # fmt: skip
outbox = Table(
    "outbox", metadata,
    key(), col("kind"), col("channel"), col("person"), col("ticket_id", BigInteger, null=True),
    col("assignment_id", BigInteger, null=True), col("ticket_version", Integer), col("urgent", Boolean),
    at("not_before", null=False), at("created_at", null=False), col("facts"), col("state"),
    col("attempts", Integer, default="0"), col("fallback_of", BigInteger, null=True),
    # delivery state
    col("owner", null=True), at("lease_until"), at("sent_at"), col("provider_id", null=True),
    col("address", null=True), col("error", null=True), col("cost", null=True),
    col("uncertain_sends", Integer, default="0"),  # copies that may have arrived: the next one is marked 重发 (FT24)
    # `owner` holds a message; it may have left only if `asked_at` says that the provider was about to be asked (XR5)
    at("asked_at"), col("asks", Integer, default="0"),
    col("deaths", Integer, default="0"),  # of processes that held it unasked (FM7)
    col("waits_for", default="''"),  # why it waits: '' at once, retry, throttle, quiet or digest (XR1)
    Index("outbox_pending", "channel", "urgent", "not_before", postgresql_where=text("state = 'pending'"),
          sqlite_where=text("state = 'pending'")),
    Index("outbox_sending", "lease_until", postgresql_where=text("state = 'sending'"),
          sqlite_where=text("state = 'sending'")),
    Index("outbox_ticket", "ticket_id"),
)  # fmt: skip
chat_cards = Table(  # messages people hold; `target_version` runs ahead of `shown_version` until the message is updated
    "chat_cards", metadata,
    key(), col("channel"), col("address"), col("message_id"), col("person"), col("ticket_id", BigInteger),
    col("assignment_id", BigInteger, null=True), col("kind"), col("shown_version", Integer), col("target_version", Integer),
    at("not_before"), col("attempts", Integer, default="0"), col("owner", null=True), at("lease_until"),
    col("facts"), at("sent_at", null=False), col("state"),  # live | gone
    UniqueConstraint("channel", "address", "message_id", name="chat_cards_once"),
    Index("chat_cards_assignment", "assignment_id"),
    Index("chat_cards_stale", "id", postgresql_where=text("target_version > shown_version AND state = 'live'"),
          sqlite_where=text("target_version > shown_version AND state = 'live'")),
)  # fmt: skip
drafts = Table(  # what a person has begun to write in chat: parts of a return, a reply …
    "drafts", metadata,
    Column("person", Text, primary_key=True),
    Column("assignment_id", BigInteger, primary_key=True, autoincrement=False),
    Column("verb", Text, primary_key=True), col("fields"), at("at", null=False),
)  # fmt: skip
open_questions = Table(  # the last question asked of a person in chat, so that plain text finds its card
    "open_questions", metadata,
    Column("channel", Text, primary_key=True), Column("user_id", Text, primary_key=True), col("question"), col("facts"),
    at("until", null=False),
)  # fmt: skip
rate_limits = Table(  # shared rate limits: the state of each bucket between two sends (notify/rate_limit.py), as JSON
    "rate_limits", metadata, Column("bucket", Text, primary_key=True), col("state"), at("idle_at", null=False)
)
idempotency = Table(
    "idempotency", metadata,
    Column("key", Text, primary_key=True), col("body_hash"), col("status", Integer), at("at", null=False),
    col("answer_sealed", LargeBinary, null=True),
)  # fmt: skip
