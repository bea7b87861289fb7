"""稍后提醒: a person postpones their list or one reminder by `remind.snooze`, outside quiet hours."""

from datetime import datetime

from backend.domain.records import DIGEST_KIND, Message, Person
from backend.domain.refusals import Refused
from backend.domain.reminders import Purpose
from backend.domain.ticket_enums import Grade, Obligation
from backend.office.cache import OfficeCache
from backend.ports.deadlines import DueStore
from backend.ports.ids import IdSupply
from backend.ports.outbox import OutboxStore
from backend.ports.ticket_queries import QueryStore
from backend.ports.tickets import MoveStore, TicketRef

#: duties whose reminders may be postponed → the kind of the postponed reminder
SNOOZE_KINDS = {Obligation.SIGN: "sign_reminder", Obligation.CLOSE: "close_reminder"}
MAX_PENDING = 50  # newest pending messages of the person considered


class SnoozeService:
    """Queues the postponed message; repeated presses queue it once."""

    def __init__(
        self,
        outbox: OutboxStore,
        queries: QueryStore,
        office: OfficeCache,
        ids: IdSupply,
        moves: MoveStore,
        due: DueStore,
    ) -> None:
        self._outbox, self._queries, self._office, self._ids = outbox, queries, office, ids
        self._moves, self._due = moves, due

    async def snooze_list(self, person: Person) -> datetime:
        """Postpone the list; return when it comes: `remind.snooze` from now, or when the unit may next be disturbed."""
        waiting = await self._queries.list_deliveries(people=[person.code], state="pending", limit=MAX_PENDING)
        for one in waiting.items:
            if one.message.kind == DIGEST_KIND:
                return one.message.not_before
        now, snapshot = self._office.clock.now(), await self._office.snapshot()
        wanted = snapshot.add_limit(snapshot.settings.text("remind.snooze"), now, person.unit)
        at = snapshot.earliest_send(wanted, now, Grade.GENERAL, person.unit)
        await self._ids.refill(1)
        await self._outbox.add([
            Message(self._ids.take(), DIGEST_KIND, str(person.chat), person.code, None, None, 0, False, max(at, wanted), now,
                   {"snoozed": True})
        ])  # fmt: skip
        return max(at, wanted)

    async def snooze_reminder(self, person: Person, assignment_id: int) -> datetime:
        """Postpone reminders by `remind.snooze`, outside quiet hours; return when the next one comes.

        Never later than the last reminder before the deadline. Refused `too_late_to_snooze`, `not_found`.
        """
        snap = await self._moves.load(TicketRef(assignment_id=assignment_id))
        target = snap.find_assignment(assignment_id) if snap else None
        if snap is None or target is None or target.unit != person.unit:
            raise Refused("not_found", assignment=assignment_id)
        now, snapshot = self._office.clock.now(), await self._office.snapshot()
        mine = [d for d in snap.duties if d.assignment_id == assignment_id and d.met_at is None]
        duty = next((d for kind in SNOOZE_KINDS for d in mine if d.kind is kind), None)
        steps = (
            snapshot.list_reminder_steps(duty.kind, duty.grade, duty.start_at, duty.due_at, duty.unit) if duty else ()
        )
        ahead = [r.at for r in steps if r.purpose is Purpose.REMIND and r.at > now]
        if duty is None or not ahead:
            raise Refused("too_late_to_snooze")
        wanted = snapshot.add_limit(snapshot.settings.text("remind.snooze"), now, person.unit)
        at = min(max(wanted, snapshot.earliest_send(wanted, now, duty.grade, person.unit)), ahead[-1])
        if ahead[0] <= at:  # the regular reminder is moved instead of adding one
            await self._due.postpone_check(duty, at)
            return at
        await self._ids.refill(1)
        facts = {"due": duty.due_at.isoformat(), "duty": duty.id, "kind": str(duty.kind), "snoozed": True}
        await self._outbox.add([
            Message(self._ids.take(), SNOOZE_KINDS[duty.kind], str(person.chat), person.code, snap.ticket.id, assignment_id,
                   snap.ticket.version, duty.grade is Grade.URGENT, at, now, facts)
        ])  # fmt: skip
        return at
