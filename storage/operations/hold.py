"""The hold after a restore, as it is stored: why, since when, and which parts of the gate are held (FD13)."""

import json
from dataclasses import asdict

from backend.ports.backups import Hold

HELD_PARTS = ("outbox", "calls", "deadlines")
INCARNATION, MARK, HOLD = "incarnation", "mark", "hold"  # names of single values (`house`)


def encode_hold(hold: Hold) -> str:
    """Encode a hold for storage."""
    return json.dumps(asdict(hold), ensure_ascii=False)


def decode_hold(value: str) -> Hold:
    """Decode a stored hold."""
    return Hold(**json.loads(value))
