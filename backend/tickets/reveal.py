"""Reveal a requester's name and number to those who need them: with a reason, audited, rate-limited (FR12)."""

from datetime import timedelta

from backend.domain.acts import Actor
from backend.domain.permissions import require
from backend.domain.refusals import Refused
from backend.office.clock import Clock
from backend.ports.audit import AuditStore
from backend.ports.ticket_queries import QueryStore, Requester

MAX_PER_HOUR = 20  # reveals one person may ask for in an hour


class RequesterReveal:
    """The only way to see a requester's number."""

    def __init__(self, reading: QueryStore, audit: AuditStore, clock: Clock) -> None:
        self._reading = reading
        self._audit = audit
        self._clock = clock

    async def reveal(self, ticket_no: str, reason: str, by: Actor) -> Requester:
        """Return the decrypted requester and write an audit row.

        Refused `not_found`, `forbidden` (role without need), `confidential` (for units), `reason_missing`,
        `too_many` (more than 20 in an hour).
        """
        view = await self._reading.get_ticket(ticket_no, by.only_unit)
        if view is None:
            raise Refused("not_found", ticket=ticket_no)
        require(by, "requester.reveal", verb="reveal")
        if by.is_unit_member and not any(a.unit == by.unit and a.ended_at is None for a in view.assignments):
            raise Refused("forbidden", verb="reveal")
        if by.is_unit_member and "confidential" in view.ticket.flags:
            raise Refused("confidential")
        if not reason.strip():
            raise Refused("reason_missing", field="reason")
        now = self._clock.now()
        if await self._audit.count_since(by.code, "reveal", now - timedelta(hours=1)) >= MAX_PER_HOUR:
            raise Refused("too_many")
        await self._audit.record(now, by.code, "reveal", ticket_no, reason=reason.strip())
        return await self._reading.get_requester(view.ticket.id)
