"""Hashes of the journal over what is stored, each by a key that is named beside it: lines, tickets, seals (G22).

What is hashed are the cells of the row as they stand in its columns: whatever is stored sealed is hashed sealed.
"""

import hmac
import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from backend.domain.records import JournalEntry, Ticket
from backend.domain.stored_form import encode

#: The columns under a line's hash: all but the hash itself.
LINE_COLUMNS = (
    "id", "ticket_id", "version", "assignment_id", "verb", "from_state", "to_state", "by", "source", "at", "recorded_at",
    "arguments", "prev_hash", "key_name",
)  # fmt: skip
#: The columns of a ticket that never change, under the digest in its first line.
TICKET_COLUMNS = (
    "ticket_no", "channel", "region", "management", "first_receiver", "generated_at", "title", "place", "text", "has_phone",
)  # fmt: skip
#: The columns under a seal's hash, before the hashes of its lines.
SEAL_COLUMNS = ("id", "members", "prev_hash", "at", "key_name")
DIGEST = "digest"  # the argument of a ticket's first line that holds its digest
DIGEST_LENGTH = 32  # hex characters


@dataclass(frozen=True, slots=True)
class JournalKey:
    """A key of the journal, and the name that stands beside every hash made with it."""

    name: str
    secret: bytes = field(repr=False)


def hash_line(key: JournalKey, cells: Sequence[object]) -> str:
    """Return the hash of a line, given its cells in the order of LINE_COLUMNS; hex."""
    return _hash(key, "line", cells)


def hash_ticket(key: JournalKey, cells: Sequence[object]) -> str:
    """Return the digest of a ticket, given its cells in the order of TICKET_COLUMNS; hex."""
    return _hash(key, "ticket", cells)[:DIGEST_LENGTH]


def hash_seal(key: JournalKey, cells: Sequence[object], hashes: Sequence[str]) -> str:
    """Return the hash of a seal, given its cells in the order of SEAL_COLUMNS and the hashes of its lines; hex."""
    return _hash(key, "seal", [*cells, *hashes])


def build_entry(key: JournalKey, *, prev_hash: str, entry_id: int, **fields: Any) -> JournalEntry:
    """Return a journal entry chained to the one before it."""
    entry = JournalEntry(id=entry_id, prev_hash=prev_hash, key_name=key.name, hash="", **fields)
    return replace(entry, hash=hash_entry(key, entry))


def hash_entry(key: JournalKey, entry: JournalEntry) -> str:
    """Return the hash of the line as which an entry is stored."""
    return hash_line(key, [encode(getattr(entry, name)) for name in LINE_COLUMNS])


def compute_digest(key: JournalKey, ticket: Ticket) -> str:
    """Return the digest of a ticket that is to be stored."""
    return hash_ticket(key, [encode(getattr(ticket, name)) for name in TICKET_COLUMNS])


def _to_json(cell: object) -> object:
    """Convert a cell that JSON does not know: bytes, which no other cell can be mistaken for."""
    return {"sealed": bytes(cell).hex()} if isinstance(cell, (bytes, memoryview)) else {"other": repr(cell)}


_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), default=_to_json).encode


def _hash(key: JournalKey, what: str, cells: Sequence[object]) -> str:
    """Return the HMAC-SHA256 of the cells; a truth is a number, as one of the engines stores it."""
    body = _encode([what, *[int(cell) if cell is True or cell is False else cell for cell in cells]])
    return hmac.digest(key.secret, body.encode("utf-8", "surrogatepass"), "sha256").hex()
