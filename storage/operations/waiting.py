"""Heads of queues: since when the oldest due message of a channel waits; one step into an index, however many do."""

from collections.abc import Mapping, Sequence

from sqlalchemy import Connection, bindparam, func, select

from storage import tables as t

K = t.outbox.c
_FIND_HEAD = {
    urgent: select(func.min(K.not_before)).where(
        K.state == "pending", K.channel == bindparam("channel"), K.urgent.is_(urgent)
    )
    for urgent in (True, False)
}


def read_heads(c: Connection, channels: Sequence[str], now: int, *, urgent: bool) -> Mapping[str, int]:
    """Return per channel when its oldest due message of that haste was due; channels without one are left out."""
    heads = {}
    for channel in channels:
        head = c.execute(_FIND_HEAD[urgent], {"channel": channel}).scalar()
        if head is not None and head <= now:
            heads[channel] = head
    return heads


def merge_heads(one: Mapping[str, int], other: Mapping[str, int]) -> dict[str, int]:
    """Return the older head of each channel."""
    return {channel: min(heads[channel] for heads in (one, other) if channel in heads) for channel in {**one, **other}}
