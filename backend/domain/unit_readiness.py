"""What a unit still lacks before it can get tickets: people, telephones, chats, keys (A21, A36-A39, B44, B45)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from backend.domain.records import Person, Unit
from backend.domain.ticket_enums import Role, UnitKind


class Gap(StrEnum):
    """One thing a unit lacks."""

    NOT_REGISTERED = "not_registered"  # no people at all (A36, A39)
    NO_HANDLER = "no_handler"  # A21: nothing can be dispatched to it
    NO_DEPUTY = "no_deputy"  # one handler and no other
    NO_LIAISON = "no_liaison"  # B45
    NO_LEADER = "no_leader"  # B45
    NOBODY_BOUND = "nobody_bound"  # no handler has a chat
    NO_PHONE = "no_phone"  # a handler without a number cannot be called (A10)
    NO_KEY = "no_key"  # no handler has a key (A37)
    KEY_UNAUTHORISED = "key_unauthorised"  # there are keys, but no module was authorised for any (A37)
    BOT_OFF = "bot_off"  # A38: chat is off; its people get no messages


#: Gaps that stop a dispatch or its delivery: shown first.
BLOCKING_GAPS = frozenset({Gap.NOT_REGISTERED, Gap.NO_HANDLER})


@dataclass(frozen=True, slots=True)
class Readiness:
    """A unit and what it lacks; `late` when it is not registered and the deadline has passed (A39)."""

    unit: Unit
    gaps: tuple[Gap, ...]
    late: bool


def find_gaps(unit: Unit, people: Sequence[Person], *, keys: bool) -> tuple[Gap, ...]:
    """Return what a unit with these active people lacks; `keys`: whether handlers need one to the platform (A37)."""
    if not people:
        return (Gap.NOT_REGISTERED, *((Gap.BOT_OFF,) if not unit.chat_enabled else ()))
    handlers = [p for p in people if p.role is Role.HANDLER]
    roles = {p.role for p in people}
    wanted = unit.kind is not UnitKind.INTERNAL  # a department answers through its office's leader and liaison
    rows = (
        (Gap.NO_HANDLER, not handlers),
        (Gap.NO_DEPUTY, len(handlers) == 1),
        (Gap.NO_LIAISON, wanted and Role.LIAISON not in roles),
        (Gap.NO_LEADER, wanted and Role.LEADER not in roles),
        (Gap.NOBODY_BOUND, bool(handlers) and unit.chat_enabled and not any(p.chat for p in handlers)),
        (Gap.NO_PHONE, any(not p.has_phone for p in handlers)),
        (Gap.NO_KEY, keys and bool(handlers) and not any(p.key_name for p in handlers)),
        (
            Gap.KEY_UNAUTHORISED,
            keys and any(p.key_name for p in handlers) and not any(p.key_authorised for p in handlers),
        ),
        (Gap.BOT_OFF, not unit.chat_enabled),
    )
    return tuple(gap for gap, so in rows if so)


def assess_readiness(
    unit: Unit, people: Sequence[Person], now: datetime, deadline: datetime | None, *, keys: bool
) -> Readiness:
    """Return the gaps, and whether the unit should have been registered by now (A39)."""
    found = find_gaps(unit, people, keys=keys)
    return Readiness(unit, found, bool(BLOCKING_GAPS & set(found)) and deadline is not None and now >= deadline)
