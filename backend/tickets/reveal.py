"""Reveal a requester's name and number, or find their tickets by a whole number: with a reason, audited, limited (FR12)."""

from collections.abc import Collection, Sequence
from datetime import timedelta

from backend.domain.acts import Actor
from backend.domain.masking import mask_phone
from backend.domain.permissions import require
from backend.domain.refusals import Refused
from backend.office.clock import Clock
from backend.office.phone_numbers import normalise_phone
from backend.ports.integrity import AuditStore
from backend.ports.operations import TellAlarm, tell_nobody
from backend.ports.ticket_queries import QueryStore, Requester, TicketView

MAX_PER_HOUR = 20  # reveals and look-ups together one person may ask for in an hour
MAX_FOUND = 50  # tickets one look-up returns, newest first


class RequesterReveal:
    """The only way to see a requester's number, or to learn whose tickets a number has. `countries` as in intake."""

    def __init__(
        self, reading: QueryStore, audit: AuditStore, clock: Clock, countries: Collection[str] = ("CN",),
        tell_alarm: TellAlarm = tell_nobody,
    ) -> None:  # fmt: skip
        self._reading = reading
        self._audit = audit
        self._clock = clock
        self._countries = tuple(countries)
        self._tell_alarm = tell_alarm

    async def reveal(self, ticket_no: str, reason: str, by: Actor) -> Requester:
        """Return the decrypted requester and write an audit row.

        Refused `not_found`, `forbidden` (role without need), `confidential` (for units), `reason_missing`,
        `too_many` (more than 20 in an hour).
        """
        view = await self._reading.get_ticket(ticket_no, by.sight)
        if view is None:
            raise Refused("not_found", ticket=ticket_no)
        require(by, "requester.reveal", verb="reveal")
        if not _handles(view, by):
            raise Refused("forbidden", verb="reveal")
        if _is_hidden(view, by):
            raise Refused("confidential")
        await self._record(by, reason, view.ticket.ticket_no)
        return await self._reading.get_requester(view.ticket.id)

    async def find(self, phone: str, reason: str, by: Actor) -> Sequence[TicketView]:
        """Return the tickets of a whole number whose requester they may see, newest first; a miss counts, too (XS1).

        Refused `forbidden`, `bad_phone`, `reason_missing`, `too_many`.
        """
        require(by, "requester.reveal", verb="reveal")
        number = normalise_phone(phone, countries=self._countries).e164
        found = await self._reading.find_by_phone(number, by.sight, MAX_FOUND)
        shown = [view for view in found if _handles(view, by) and not _is_hidden(view, by)]
        await self._record(by, reason, None, phone=mask_phone(number), found=len(shown))
        return shown

    async def _record(self, by: Actor, reason: str, about: str | None, **facts: object) -> None:
        if not reason.strip():
            raise Refused("reason_missing", field="reason")
        now = self._clock.now()
        if not await self._audit.record_within(
            now, by.code, "reveal", about, limit=MAX_PER_HOUR, since=now - timedelta(hours=1),
            reason=reason.strip(), **facts,
        ):  # fmt: skip
            self._tell_alarm("bulk_reading", subject=by.code, person=by.code, count=MAX_PER_HOUR)
            raise Refused("too_many")


def _handles(view: TicketView, by: Actor) -> bool:
    """Whether it is in their unit's hands now; always for those who belong to no unit's side."""
    return not by.is_unit_member or any(by.may_see(a.unit) and a.ended_at is None for a in view.assignments)


def _is_hidden(view: TicketView, by: Actor) -> bool:
    return by.is_unit_member and "confidential" in view.ticket.flags
