"""The channels by which demands come in: which of them an office knows is a setting of its profile (B5, XM4)."""

from collections.abc import Collection, Sequence

from backend.domain.refusals import Refused


def check_channel(channel: str | None, known: Sequence[str]) -> None:
    """Check a channel against `ticket.channels`; none is given later. Refused `bad_word`."""
    if channel and channel not in known:
        raise Refused("bad_word", field="channel", value=channel[:24], allowed=tuple(known))


def may_overlap(channel: str, other: str, known: Collection[str]) -> bool:
    """Return whether counts of two channels may hold the same demands: one channel, or one that names none (B15)."""
    return channel == other or not {channel, other} <= set(known)
