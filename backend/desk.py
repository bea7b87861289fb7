"""The one threshold every act crosses: permission, table, compare-and-set, journal, clocks, letters, in one transaction."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

import structlog

from backend.domain.acts import Act, Plan, Snapshot
from backend.domain.flow import Unchanged, decide
from backend.domain.refusals import Refused
from backend.office import Office
from backend.office_now import OfficeNow
from backend.ports.moves import Find, MovesStore, NewTicket

log = structlog.get_logger("desk")
IDS_AT_HAND = 2_048  # more than 64 concurrent moves of the hungriest verb will take


class IdSupply(Protocol):
    """Numbers for new rows."""

    async def refill(self, need: int = ...) -> None: ...
    def take(self) -> int: ...


@dataclass(frozen=True, slots=True)
class Moved:
    """What came of an act: the plan that was written, or None when the winner merely repeated himself."""

    ticket_id: int
    plan: Plan | None


class Desk:
    """Takes acts from every mouth. `after` is called (not awaited) with each plan once it is durable."""

    def __init__(self, moves: MovesStore, office: Office, ids: IdSupply, key: bytes) -> None:
        self.moves = moves
        self.office = office
        self._ids = ids
        self._key = key
        self.after: list[Callable[[Plan, str], None]] = []

    async def ready(self) -> None:
        """Have enough numbers at hand for the moves of a moment."""
        await self._ids.refill(IDS_AT_HAND)

    def new_id(self) -> int:
        """A number for a new row; `ready` first."""
        return self._ids.take()

    async def act(self, act: Act) -> Moved:
        """Do what somebody asks, durably, or refuse.

        Raises Refused: `not_found`, `forbidden`, `overtaken`, `not_now`, or a failed guard's own code.
        """
        await self.ready()
        standing = await self.office.standing()
        world = OfficeNow(standing, self.office.clock.now(), self._ids.take)
        beside = _other(act)
        find = Find(no=act.ticket_no) if act.ticket_no is not None else Find(assignment_id=act.assignment_id)
        seen: list[Snapshot] = []

        def think(snap: Snapshot | None) -> Plan:
            if snap is None:
                raise Refused("not_found", ticket=act.ticket_no)
            seen[:] = [snap]
            return decide(snap, act, world, self._key)

        try:
            plan = await self.moves.perform(find, think, beside)
        except Unchanged:
            return Moved(seen[0].ticket.id, None)
        self.told(plan, seen[0].ticket.no)
        if plan.also is not None and seen[0].beside is not None:
            self.told(plan.also, seen[0].beside.ticket.no)
        return Moved(plan.ticket_id, plan)

    def created(self, new: NewTicket) -> None:
        """Log a ticket that has just been kept (T1) and nudge as after any move."""
        self.told(Plan(new.ticket.id, 0, {}, new.line, rows=new.rows), new.ticket.no)

    def told(self, plan: Plan, ticket_no: str) -> None:
        """Log a durable move and nudge whoever carries its letters."""
        line = plan.line
        log.info("moved", **journal_line(ticket_no, line.assignment_id, line.verb, line.from_state, line.to_state,
                                         line.version, line.by, str(line.source),
                                         line.at.astimezone(self.office.clock.zone)))  # fmt: skip
        for listener in self.after:
            listener(plan, ticket_no)


def _other(act: Act) -> Find | None:
    """The other ticket an act names: the master of a merge (T4)."""
    into = act.words.get("into") if act.verb == "merge" else None
    return Find(no=into.strip()) if isinstance(into, str) else None


def journal_line(
    ticket: str,
    assignment: int | None,
    verb: str,
    from_: str,
    to: str,
    version: int,
    by: str,
    source: str,
    at: datetime,
) -> Mapping[str, Any]:
    """The fields of one line of the log (contract §8); no number, name, token or key is ever among them."""
    return {
        "ticket": ticket, "assignment": assignment, "verb": verb, "from": from_, "to": to, "version": version,
        "by": by, "source": source, "at": at.isoformat(),
    }  # fmt: skip
