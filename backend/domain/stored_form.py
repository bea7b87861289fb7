"""The stored form of a value: what stands in a column, and enters a hash, is this and nothing else."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from itertools import accumulate

from backend.domain.instants import to_micros

PLAIN_TYPES = frozenset({type(None), str, int, bool, bytes})  # stored as they are


def encode(value: object) -> object:
    """Return a value as stored: instants as microseconds, collections as JSON, flags joined by spaces and sorted."""
    if type(value) in PLAIN_TYPES:
        return value
    if isinstance(value, datetime):
        return to_micros(value)
    if isinstance(value, StrEnum):
        return value.value
    if isinstance(value, frozenset):
        return " ".join(sorted(value))
    if isinstance(value, (Mapping, list, tuple)):
        return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"), default=str)
    return value


def encode_ids(ids: Sequence[int]) -> str:
    """Encode ids as differences, each to the one before, to save space."""
    return ",".join(str(b - a) for a, b in zip([0, *ids], ids, strict=False))


def decode_ids(text: str) -> tuple[int, ...]:
    """Decode the ids. Raises ValueError."""
    return tuple(accumulate(int(step) for step in text.split(",")))
