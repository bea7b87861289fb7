"""Converts instants to and from whole microseconds since 1970 UTC, as they are stored, compared and sealed."""

from datetime import UTC, datetime, timedelta

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICRO = timedelta(microseconds=1)


def to_micros(at: datetime) -> int:
    """Return whole microseconds since 1970-01-01 UTC. Raises TypeError for a naive datetime."""
    return (at - EPOCH) // _MICRO


def from_micros(value: int) -> datetime:
    """Return the UTC datetime of that many microseconds since 1970."""
    return EPOCH + timedelta(microseconds=value)


def to_span(span: timedelta) -> int:
    """Return the whole microseconds of a length of time."""
    return span // _MICRO
