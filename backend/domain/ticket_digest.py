"""Digest of a ticket's fixed fields, kept in its first journal entry so that tampering is noticed."""

import hashlib
import hmac
import json

from backend.domain.instants import to_micros
from backend.domain.records import Ticket

_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def compute_digest(key: bytes, ticket: Ticket) -> str:
    """Return a keyed hash over the fields that never change; 32 hex characters."""
    values = (
        ticket.ticket_no,
        ticket.channel,
        ticket.region,
        ticket.management,
        ticket.first_receiver,
        to_micros(ticket.generated_at),
        ticket.title,
        ticket.place,
        ticket.text,
        ticket.has_phone,
    )
    return hmac.new(key, _encode(values).encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()[:32]
