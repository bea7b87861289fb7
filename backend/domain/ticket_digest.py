"""Digest of a ticket's fixed fields, kept in its first journal entry so that tampering is noticed."""

import hashlib
import hmac
import json

from backend.domain.instants import to_micros
from backend.domain.records import Ticket

#: Fields that no move ever changes.
FIXED_FIELDS = (
    "no",
    "channel",
    "region",
    "management",
    "first_receiver",
    "generated_at",
    "title",
    "place",
    "text",
    "has_phone",
)

_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def compute_digest(key: bytes, ticket: Ticket) -> str:
    """Return a keyed hash over the fields that never change; 32 hex characters."""
    values = [
        to_micros(ticket.generated_at) if name == "generated_at" else getattr(ticket, name) for name in FIXED_FIELDS
    ]
    return hmac.new(key, _encode(values).encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()[:32]
