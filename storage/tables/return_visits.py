"""Short messages to requesters about their tickets, their answers, and the pages on which they rate."""

from sqlalchemy import BigInteger, Boolean, Index, Integer, Table, text

from storage.tables.columns import at, col, key, metadata

requester_texts = Table(  # one text of a kind per round of a ticket; the number itself stays with the ticket
    "requester_texts", metadata,
    key(), col("ticket_id", BigInteger), col("kind"), col("round", Integer, default="0"), col("to_masked"),
    col("phone_index"), col("two_way", Boolean), col("state"),  # pending | sending | sent | ambiguous | failed
    col("attempts", Integer, default="0"), at("next_at"), at("created_at", null=False), at("sent_at"),
    col("provider_id", null=True), col("status", null=True), col("error", null=True), col("cost", null=True),
    col("answered", null=True), at("answered_at"),
    col("page", Boolean, default="false"),  # the address of a page goes with it (XM30)
    Index("requester_texts_once", "ticket_id", "kind", "round", unique=True),
    Index("requester_texts_next", "next_at", postgresql_where=text("next_at IS NOT NULL"),
          sqlite_where=text("next_at IS NOT NULL")),
    Index("requester_texts_phone", "phone_index"), Index("requester_texts_provider", "provider_id"),
)  # fmt: skip

rating_pages = Table(  # one-time pages for rating; what was answered is a visit of the ticket (XM30)
    "rating_pages", metadata,
    key(), col("token_hash"), col("ticket_id", BigInteger), col("round", Integer), col("by"),
    at("created_at", null=False), at("expires_at", null=False),
    Index("rating_pages_token", "token_hash", unique=True), Index("rating_pages_expiry", "expires_at"),
)  # fmt: skip
