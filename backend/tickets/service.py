"""Perform every act in one transaction: permission, move table, compare-and-set, journal, deadlines, messages."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import structlog

from backend.domain.acts import Act, DecisionContext, Plan, Snapshot
from backend.domain.decision import Unchanged, decide
from backend.domain.journal_hash import JournalKey
from backend.domain.refusals import Refused
from backend.office.cache import OfficeCache
from backend.office.signals import Listeners
from backend.ports.ids import IdSupply
from backend.ports.tickets import MoveStore, TicketRef, TicketRows

log = structlog.get_logger("tickets")
ID_RESERVE = 2_048  # more than 64 concurrent moves of the most demanding verb need


@dataclass(frozen=True, slots=True)
class ActResult:
    """The result of an act: the plan written, or None if the same actor repeated an act that already took effect."""

    ticket_id: int
    plan: Plan | None


class TicketService:
    """Performs acts from every source. Listeners are called (not awaited) with every plan once it is durable."""

    def __init__(
        self,
        moves: MoveStore,
        office: OfficeCache,
        ids: IdSupply,
        key: JournalKey,
        listeners: Listeners[[Plan, str]] | None = None,
    ) -> None:
        self.moves = moves
        self.office = office
        self._ids = ids
        self._key = key
        self.listeners = listeners or Listeners[[Plan, str]]()

    async def ensure_ids(self) -> None:
        """Ensure enough ids for the moves of a moment."""
        await self._ids.refill(ID_RESERVE)

    def new_id(self) -> int:
        """Return an id for a new row, from those ensured before."""
        return self._ids.take()

    async def act(self, act: Act) -> ActResult:
        """Perform an act durably, or refuse it.

        Refused `not_found`, `forbidden`, `overtaken`, `not_now`, or a failed guard's own code.
        """
        await self.ensure_ids()
        snapshot = await self.office.snapshot()
        context = DecisionContext(snapshot, self.office.clock.now(), self._ids.take)
        other = _find_other(act)
        find = (
            TicketRef(ticket_no=act.ticket_no)
            if act.ticket_no is not None
            else TicketRef(assignment_id=act.assignment_id)
        )
        seen: list[Snapshot] = []

        def decide_on(snap: Snapshot | None) -> Plan:
            if snap is None:
                raise Refused("not_found", ticket=act.ticket_no)
            seen[:] = [snap]
            return decide(snap, act, context, self._key)

        try:
            plan = await self.moves.perform(find, decide_on, other)
        except Unchanged:
            return ActResult(seen[0].ticket.id, None)
        self.publish(plan, seen[0].ticket.ticket_no)
        if plan.other is not None and seen[0].other is not None:
            self.publish(plan.other, seen[0].other.ticket.ticket_no)
        return ActResult(plan.ticket_id, plan)

    async def check(self, act: Act, snap: Snapshot) -> None:
        """Refuse an act on this snapshot as `act` would, deciding it without writing anything."""
        await self.ensure_ids()
        context = DecisionContext(await self.office.snapshot(), self.office.clock.now(), self._ids.take)
        with suppress(Unchanged):
            decide(snap, act, context, self._key)

    def publish_created(self, new: TicketRows) -> None:
        """Publish a ticket that has just been stored (T1), as after any move."""
        self.publish(Plan(new.ticket.id, 0, {}, new.line, rows=new.rows), new.ticket.ticket_no)

    def publish(self, plan: Plan, ticket_no: str) -> None:
        """Log a durable move and call the listeners, such as delivery."""
        line = plan.entry
        log.info(
            "moved",
            **build_log_fields(
                ticket_no,
                line.assignment_id,
                line.verb,
                line.from_state,
                line.to_state,
                line.version,
                line.by,
                str(line.source),
                line.at.astimezone(self.office.clock.zone),
            ),
        )
        self.listeners(plan, ticket_no)


def _find_other(act: Act) -> TicketRef | None:
    """Return the other ticket an act names: the master of a merge (T4)."""
    into = act.arguments.get("into") if act.verb == "merge" else None
    return TicketRef(ticket_no=into.strip()) if isinstance(into, str) else None


def build_log_fields(
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
    """Return the fields of one log line (contract §8); never a number, name, token or key."""
    return {
        "ticket": ticket,
        "assignment": assignment,
        "verb": verb,
        "from": from_,
        "to": to,
        "version": version,
        "by": by,
        "source": source,
        "at": at.isoformat(),
    }
