"""Who is on duty at a moment, who stands in for whom, and where a roster has gaps (B19, A21, Q25, Q42)."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from backend.domain.records import Person
from backend.domain.refusals import Refused
from backend.domain.ticket_enums import Role

MAX_SHIFT = timedelta(days=7)
MAX_ABSENCE = timedelta(days=366)
#: Roles that may stand in for each other: they may do the same to a ticket.
INTERCHANGEABLE_ROLES: tuple[frozenset[Role], ...] = (frozenset({Role.HANDLER, Role.LIAISON}),)


class EscalationStep(StrEnum):
    """A step of the escalation order (setting `escalation.order`)."""

    HANDLER = "handler"
    DEPUTY = "deputy"
    LIAISON = "liaison"
    LEADER = "leader"


@dataclass(frozen=True, slots=True)
class Shift:
    """值班: one person of a unit is on duty in `[from_at, to_at)`; `deputy` is tried if they do not answer."""

    id: int
    unit: str
    from_at: datetime
    to_at: datetime
    person: str
    deputy: str | None = None

    def covers(self, at: datetime) -> bool:
        """Return whether this moment is inside the shift; its first instant is, its last is not."""
        return self.from_at <= at < self.to_at


@dataclass(frozen=True, slots=True)
class StandIn:
    """代班: `absent` is away in `[from_at, to_at)`; `person` of the same unit gets their messages, cards and calls."""

    id: int
    absent: str
    person: str
    from_at: datetime
    to_at: datetime

    def covers(self, at: datetime) -> bool:
        """Return whether the absent person is away at this moment."""
        return self.from_at <= at < self.to_at


@dataclass(frozen=True, slots=True)
class CoverageGap:
    """A period in which nobody is on duty."""

    from_at: datetime
    to_at: datetime


def check_shift(shift: Shift) -> None:
    """Refused `bad_shift` unless the shift ends after it begins and lasts at most seven days."""
    if not timedelta() < shift.to_at - shift.from_at <= MAX_SHIFT:
        raise Refused("bad_shift", field="to", most=MAX_SHIFT.days)
    if shift.deputy == shift.person:
        raise Refused("own_deputy", by=shift.person, field="deputy")


def check_stand_in(stand_in: StandIn, absent: Person, person: Person) -> None:
    """Refused `bad_shift`, `own_deputy`, or `cannot_stand_in`: another unit, or a role that may not do the same."""
    if not timedelta() < stand_in.to_at - stand_in.from_at <= MAX_ABSENCE:
        raise Refused("bad_shift", field="to", most=MAX_ABSENCE.days)
    if absent.code == person.code:
        raise Refused("own_deputy", by=person.code, field="person")
    same = absent.role is person.role or any({absent.role, person.role} <= peers for peers in INTERCHANGEABLE_ROLES)
    if absent.unit != person.unit or not same:
        raise Refused("cannot_stand_in", person=person.code, absent=absent.code, field="person")


def resolve_stand_in(code: str, stand_ins: Iterable[StandIn], at: datetime) -> str:
    """Return who acts for this person at that moment: they themselves, or their stand-in, and so on down the chain.

    Two who stand in for each other act for themselves.
    """
    stand_in_of = {s.absent: s.person for s in stand_ins if s.covers(at)}
    seen = [code]
    while (stand_in := stand_in_of.get(seen[-1])) is not None:
        if stand_in in seen:
            return code
        seen.append(stand_in)
    return seen[-1]


def find_on_duty(shifts: Iterable[Shift], at: datetime) -> tuple[list[str], list[str]]:
    """Return who is on duty then, and their deputies, in the order in which the shifts began."""
    current = sorted((s for s in shifts if s.covers(at)), key=lambda s: (s.from_at, s.id))
    first = list(dict.fromkeys(s.person for s in current))
    return first, [d for d in dict.fromkeys(s.deputy for s in current) if d is not None and d not in first]


def order_contacts(
    handlers: Sequence[Person], others: Mapping[Role, Sequence[Person]], order: Iterable[str]
) -> list[Person]:
    """Return a unit's contacts in the order they are tried: first handler, deputies, and so on (A21, Q42)."""
    by_step: dict[str, Sequence[Person]] = {
        EscalationStep.HANDLER: handlers[:1], EscalationStep.DEPUTY: handlers[1:],
        EscalationStep.LIAISON: others.get(Role.LIAISON, ()), EscalationStep.LEADER: others.get(Role.LEADER, ()),
    }  # fmt: skip
    found = [p for step in order for p in by_step[step]]
    return [p for i, p in enumerate(found) if p not in found[:i]]


def find_coverage_gaps(shifts: Iterable[Shift], begin: datetime, end: datetime) -> list[CoverageGap]:
    """Return the periods between two instants without anyone on duty, in order; none: covered day and night (B19)."""
    found, covered = [], begin
    for shift in sorted(shifts, key=lambda s: s.from_at):
        if shift.to_at <= covered:
            continue
        if shift.from_at >= end:
            break
        if shift.from_at > covered:
            found.append(CoverageGap(covered, shift.from_at))
        covered = shift.to_at
    if covered < end:
        found.append(CoverageGap(covered, end))
    return found
