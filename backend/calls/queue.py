"""Turn messages to be delivered by telephone into calls, due when their unit may be called."""

from datetime import datetime

from backend.calls.dependencies import CallDependencies
from backend.calls.outcomes import CallOutcomes
from backend.domain import reminders
from backend.domain.acts import Actor, Snapshot
from backend.domain.move_table import WITH_UNIT
from backend.domain.permissions import require
from backend.domain.records import Assignment, Person
from backend.domain.refusals import Refused
from backend.domain.ticket_enums import Role, State
from backend.office.cache import OfficeSnapshot
from backend.ports.calls import NewCall, PhoneMessage
from backend.ports.tickets import TicketRef

BATCH_SIZE = 200  # messages taken in one run
#: Message kinds spoken by script P2; all others by P1.
SUPERVISE_KINDS = frozenset({"call_supervised", "red_card", "supervised", "rework_ordered"})
#: Message kinds with a script of their own; their calls are notices like P1 (Q28, XM19).
OWN_SCRIPTS = {"call_regraded": "upgrade", "regraded_urgent": "upgrade", "call_danger": "danger"}
CONTACT_ROLES = (Role.HANDLER, Role.LIAISON, Role.LEADER)


class CallQueue:
    """Turns messages and manual requests into calls."""

    def __init__(self, tools: CallDependencies, endings: CallOutcomes) -> None:
        self._t = tools
        self._outcomes = endings

    async def queue_messages(self, now: datetime, snapshot: OfficeSnapshot) -> int:
        """Open calls for the messages that are due; return how many."""
        opened = 0
        for message in await self._t.store.list_due_messages(now, BATCH_SIZE):
            opened += await self._t.store.enqueue(self._build_call(message, now, snapshot)) is not None
        return opened

    @staticmethod
    def _build_call(message: PhoneMessage, now: datetime, snapshot: OfficeSnapshot) -> NewCall:
        script = "supervise" if message.kind in SUPERVISE_KINDS else "notice"
        spoken_script = OWN_SCRIPTS.get(message.kind, script)
        at = reminders.find_next_allowed(
            now, message.grade, snapshot.settings, snapshot.calendar, message.unit, for_call=True
        )
        facts = {k: message.facts[k] for k in ("due", "unless_opened") if k in message.facts}
        return NewCall(
            script, spoken_script, at, now, outbox_id=message.id, ticket_id=message.ticket_id,
            assignment_id=message.assignment_id, person=message.person, urgent=message.urgent,
            facts={**facts, "attempt": message.attempts + 1},
        )  # fmt: skip

    async def call_unit(self, ticket_no: str, by: Actor) -> str:
        """Ring the unit's first contact about a ticket now, at any hour (`/call`); return the person's code.

        Refused as `find_contact`.
        """
        snap, lead, person = await self.find_contact(ticket_no, by)
        now, script = self._t.now(), "notice" if lead.state is State.DISPATCHED else "supervise"
        await self._t.store.enqueue(NewCall(
            script, script, now, now, ticket_id=snap.ticket.id, assignment_id=lead.id, person=person.code,
            urgent=True, facts={"by": by.code},
        ))  # fmt: skip
        await self._t.audit.record(now, by.code, "rang", snap.ticket.ticket_no, person=person.code)
        self._t.wake()
        return person.code

    async def find_contact(self, ticket_no: str, by: Actor) -> tuple[Snapshot, Assignment, Person]:
        """Return the ticket, its lead assignment and whom `call_unit` would ring; nobody is rung.

        Refused `forbidden`, `not_found`, `not_now` (nothing to say by telephone), `no_handler`.
        """
        require(by, "unit.call", verb="call")
        snap = await self._t.tickets.moves.load(TicketRef(ticket_no=ticket_no))
        if snap is None:
            raise Refused("not_found", ticket=ticket_no)
        now, lead = self._t.now(), snap.lead
        late = lead is not None and (now > lead.close_due_at or "supervised" in snap.ticket.flags)
        waits = lead is not None and lead.state is State.DISPATCHED
        if lead is None or lead.ended_at is not None or not (waits or (late and lead.state in WITH_UNIT)):
            raise Refused("not_now", state=snap.ticket.state)
        snapshot = await self._t.office.snapshot()
        person = next((p for p in snapshot.people(lead.unit, *CONTACT_ROLES) if p.has_phone), None)
        if person is None:
            raise Refused("no_handler", unit=lead.unit)
        return snap, lead, person
