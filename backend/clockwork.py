"""Watch deadlines: send reminders, and auto-sign or card what is late."""

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta

import structlog

from backend.domain import deadlines, reminders
from backend.domain.acts import SYSTEM, Act
from backend.domain.records import Assignment, Duty, Message, Person
from backend.domain.refusals import Refused
from backend.domain.ticket import Grade, Obligation, Role, Source
from backend.office.cache import OfficeCache, OfficeSnapshot
from backend.ports.due import DueStore
from backend.ports.moves import TicketRef
from backend.tickets.service import TicketService

log = structlog.get_logger("deadlines")
AT_ONCE = 500  # duties handled in one run
HANDS = 32  # tickets handled concurrently
LATER = timedelta(hours=1)  # delay before a duty that failed is checked again
SETTLE_EVERY = timedelta(hours=1)

#: The verb the clock itself performs when a duty is due, at the planned instant.
AT_DUE = {Obligation.SIGN: "auto_sign", Obligation.CLOSE: "red_card"}
#: Messages that the moves themselves send; reminders skip them.
TOLD_BY_MOVES = frozenset({"M7", "M8"})
IN_MANAGEMENT = frozenset(
    {reminders.Audience.DISPATCHER, reminders.Audience.REVIEWER, reminders.Audience.SUPERVISOR,
     reminders.Audience.REVISIT_AGENT}
)  # fmt: skip


class Clockwork:
    """Handles due duties. Safe in any number of processes: every effect is behind a compare-and-set."""

    def __init__(self, due: DueStore, desk: TicketService, office: OfficeCache) -> None:
        self._due = due
        self._desk = desk
        self._office = office
        self._settled: datetime | None = None

    async def round(self) -> int:
        """Handle what is due now; return how many duties were checked."""
        now = self._office.clock.now()
        duties = await self._due.list_due(now, AT_ONCE)
        snapshot = await self._office.snapshot()
        by_ticket: dict[int, list[Duty]] = {}
        for duty in duties:
            by_ticket.setdefault(duty.ticket_id, []).append(duty)
        hands = asyncio.Semaphore(HANDS)

        async def one_ticket(its: list[Duty]) -> None:
            async with hands:
                for duty in its:
                    await self._one(duty, now, snapshot)

        await asyncio.gather(*(one_ticket(its) for its in by_ticket.values()))
        return len(duties) + await self._settlement(now)

    async def _one(self, duty: Duty, now: datetime, snapshot: OfficeSnapshot) -> None:
        """Handle one duty; a failure never stops the others (FM7)."""
        try:
            await self._look(duty, now, snapshot)
        except Refused as refused:
            log.info("duty_postponed", duty=duty.id, kind=str(duty.kind), code=refused.code)
            await self._due.record_check(duty, duty.step, self._postponed(duty, refused, now))
        except Exception:  # boundary of one duty: log it and check again later
            log.exception("duty_failed", duty=duty.id, kind=str(duty.kind))
            await self._due.record_check(duty, duty.step, now + LATER)

    @staticmethod
    def _postponed(duty: Duty, refused: Refused, now: datetime) -> datetime | None:
        """Return when to check a refused duty again.

        A visit left to 12351: when its time is up (Q45); a card withheld by a pending extension: never, its decision
        does; the rest: an hour later.
        """
        if refused.code == "visited_elsewhere":
            return datetime.fromisoformat(refused.facts["until"])
        return None if refused.code in ("withheld", "already_there", "not_now", "not_found") else now + LATER

    async def _look(self, duty: Duty, now: datetime, snapshot: OfficeSnapshot) -> None:
        if duty.kind is Obligation.REVISIT and await self._begin_visit(duty, now):
            return
        rungs = snapshot.list_reminder_steps(duty.kind, duty.grade, duty.start_at, duty.due_at, duty.unit)
        passed = [i for i, r in enumerate(rungs) if r.at <= now]
        climbed = passed[-1] + 1 if passed else 0
        fresh = [r for i, r in enumerate(rungs) if duty.step <= i < climbed]
        at = _planned(duty, snapshot)
        if now >= at and duty.outcome is None and duty.kind in AT_DUE:
            await self._act(AT_DUE[duty.kind], duty, at)
            return
        ahead = [r.at for r in rungs[climbed:]]
        if now < at:
            ahead.append(at)
        messages = await self._letters(duty, fresh, now, snapshot)
        await self._due.record_check(duty, climbed, min(ahead, default=None), messages)

    async def _letters(
        self, duty: Duty, fresh: Sequence[reminders.ReminderStep], now: datetime, snapshot: OfficeSnapshot
    ) -> list[Message]:
        """Build messages for the latest reminder step only: no repeats after an outage (FS17)."""
        if not fresh:
            return []
        snap = await self._desk.moves.load(TicketRef(ticket_id=duty.ticket_id))
        if snap is None:
            return []
        rung = [r for r in fresh if r.stage == fresh[-1].stage and r.message not in TOLD_BY_MOVES]
        rung = [r for r in rung if r.condition is not reminders.Condition.SIGNED or _silent(duty, snap.assignments)]
        if any(r.message == "M4" for r in rung) and await self._yellow(duty, rung[-1].at):
            rung = [r for r in rung if r.message != "M4"]
        await self._desk.ensure_ids()
        messages = []
        for step in rung:
            for person in self._audience(step, duty, snap.ticket.management, snapshot, now):
                rings = step.channel is reminders.ReminderChannel.PHONE
                unit = snapshot.config.units.get(person.unit)
                bot = unit is None or unit.pilot  # A38
                channel = "phone" if rings else person.chat if bot else None
                if channel is None or (rings and not person.has_phone):
                    continue
                allowed = now
                if step.window is not reminders.Window.ANY:  # the institution is staffed round the clock (Q25)
                    allowed = snapshot.earliest_send(step.at, now, duty.grade, duty.unit, ring=rings)
                messages.append(
                    Message(
                        id=self._desk.new_id(),
                        kind=step.message,
                        channel=channel,
                        person=person.code,
                        ticket_id=duty.ticket_id,
                        assignment_id=duty.assignment_id,
                        version=snap.ticket.version,
                        urgent=duty.grade is Grade.URGENT,
                        not_before=allowed,
                        created_at=now,
                        facts={"due": duty.due_at.isoformat(), "duty": duty.id, "kind": str(duty.kind)},
                    )  # fmt: skip
                )
        return messages

    @staticmethod
    def _audience(
        step: reminders.ReminderStep, duty: Duty, management: str | None, snapshot: OfficeSnapshot, now: datetime
    ) -> Sequence[Person]:
        """Return whom a step reaches now; the person on duty first, where the unit keeps a roster (Q25)."""
        if step.audience in IN_MANAGEMENT:
            return snapshot.with_stand_ins(snapshot.people(management or "", Role(step.audience.value)), now)
        unit, urgent = duty.unit or "", duty.grade is Grade.URGENT
        if step.channel is reminders.ReminderChannel.PHONE:
            order = snapshot.contacts(unit, now, urgent=urgent)
            rank = 1 if step.audience is reminders.Audience.DEPUTY else 0
            return [p for p in order if p.has_phone and p.role is not Role.LEADER][rank : rank + 1]
        handlers = snapshot.with_stand_ins(snapshot.people(unit, Role.HANDLER), now)
        if step.audience is reminders.Audience.DEPUTY:
            return handlers[1:2]
        if step.audience is not reminders.Audience.HANDLER:
            people = snapshot.people(unit, Role(step.audience.value))
            return snapshot.recipients(people, now, urgent=urgent)
        told = snapshot.recipients(handlers, now, urgent=urgent)
        if told != handlers:
            return told
        return [p for p in handlers if p.chat][:1] if step.duty_only else handlers

    async def _yellow(self, duty: Duty, at: datetime) -> bool:
        """Show the yellow card, a move of its own; False if it was shown before.

        If another process has just shown it, that process's move has sent the message (FS5).
        """
        try:
            await self._act("yellow_card", duty, at)
        except Refused:
            snap = await self._desk.moves.load(TicketRef(assignment_id=duty.assignment_id))
            return snap is not None and any(
                a.id == duty.assignment_id and a.yellow_card_at == at for a in snap.assignments
            )
        return True

    async def _begin_visit(self, duty: Duty, now: datetime) -> bool:
        """T23: begin the visit of a closed ticket; False if it has begun already."""
        snap = await self._desk.moves.load(TicketRef(ticket_id=duty.ticket_id))
        if snap is None or snap.ticket.state != "closed":
            return False
        await self._desk.act(Act("start_visit", SYSTEM, Source.CLOCK, ticket_no=snap.ticket.no))
        return True

    async def _act(self, verb: str, duty: Duty, at: datetime) -> None:
        await self._desk.act(Act(verb, SYSTEM, Source.CLOCK, assignment_id=duty.assignment_id, at=at))

    async def _settlement(self, now: datetime) -> int:
        """T30: once an hour, archive tickets of months whose settlement day has passed (Q15)."""
        if self._settled is not None and timedelta() <= now - self._settled < SETTLE_EVERY:
            return 0
        self._settled = now
        snapshot = await self._office.snapshot()
        first = now.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
        day = snapshot.add_limit(snapshot.settings.text("settlement_day"), first - timedelta(seconds=1), None)
        if now < day:
            first = (first - timedelta(days=1)).replace(day=1)
        for ticket_id in await self._due.list_to_archive(first, AT_ONCE):
            snap = await self._desk.moves.load(TicketRef(ticket_id=ticket_id))
            if snap is None:
                continue
            try:
                await self._desk.act(Act("archive", SYSTEM, Source.CLOCK, ticket_no=snap.ticket.no))
            except Refused as refused:
                log.info("not_archived", ticket=snap.ticket.no, code=refused.code)
        return 0


def _silent(duty: Duty, assignments: Sequence[Assignment]) -> bool:
    """Whether a person signed in time and nothing came since; after an auto-sign M7 has just said so."""
    target = next((a for a in assignments if a.id == duty.assignment_id), None)
    return target is not None and target.signed_at is not None and target.signed_at < duty.due_at


def _planned(duty: Duty, snapshot: OfficeSnapshot) -> datetime:
    """Return when the clock acts: at the due time, except for a red card that `card.red_at` delays (Q33)."""
    if duty.kind is not Obligation.CLOSE:
        return duty.due_at
    return deadlines.compute_red_card_at(duty.due_at, snapshot.settings, snapshot.calendar, duty.unit)
