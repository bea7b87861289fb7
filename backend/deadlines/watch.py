"""Watch deadlines: send reminders, and auto-sign or card what is late."""

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta

import structlog

from backend.domain import deadlines, reminders
from backend.domain.acts import SYSTEM, Act
from backend.domain.records import Assignment, Duty, Message, Person
from backend.domain.refusals import Refused
from backend.domain.ticket_enums import Grade, Obligation, Role, Source
from backend.office.cache import OfficeCache, OfficeSnapshot
from backend.ports.availability import Unavailable
from backend.ports.deadlines import DueStore
from backend.ports.tickets import TicketRef
from backend.tickets.service import TicketService

log = structlog.get_logger("deadlines")
BATCH_SIZE = 500  # duties handled in one run
CONCURRENT_TICKETS = 32  # tickets handled concurrently
RETRY_DELAY = timedelta(hours=1)  # delay before a duty that failed is checked again
ARCHIVE_INTERVAL = timedelta(hours=1)

#: The verb the clock itself performs when a duty is due, at the planned instant.
VERBS_AT_DUE = {Obligation.SIGN: "auto_sign", Obligation.CLOSE: "red_card"}
#: Messages that the moves themselves send; reminders skip them.
SENT_BY_MOVES = frozenset({"auto_signed", "red_card"})
MANAGEMENT_AUDIENCES = frozenset(
    {reminders.Audience.DISPATCHER, reminders.Audience.REVIEWER, reminders.Audience.SUPERVISOR,
     reminders.Audience.REVISIT_AGENT}
)  # fmt: skip


class DeadlineWatch:
    """Handles due duties. Safe in any number of processes: every effect is behind a compare-and-set."""

    def __init__(self, due: DueStore, tickets: TicketService, office: OfficeCache) -> None:
        self._due = due
        self._tickets = tickets
        self._office = office
        self._archived_at: datetime | None = None

    async def run_once(self) -> int:
        """Handle what is due now; return how many duties were checked."""
        now = self._office.clock.now()
        duties = await self._due.list_due(now, BATCH_SIZE)
        snapshot = await self._office.snapshot()
        by_ticket: dict[int, list[Duty]] = {}
        for duty in duties:
            by_ticket.setdefault(duty.ticket_id, []).append(duty)
        semaphore = asyncio.Semaphore(CONCURRENT_TICKETS)

        async def one_ticket(its: list[Duty]) -> None:
            async with semaphore:
                for duty in its:
                    await self._handle(duty, now, snapshot)

        await asyncio.gather(*(one_ticket(its) for its in by_ticket.values()))
        return len(duties) + await self._archive_settled(now)

    async def _handle(self, duty: Duty, now: datetime, snapshot: OfficeSnapshot) -> None:
        """Handle one duty; a failure never stops the others (FM7)."""
        try:
            await self._check(duty, now, snapshot)
        except Refused as refused:
            log.info("duty_postponed", duty=duty.id, kind=str(duty.kind), code=refused.code)
            await self._due.record_check(duty, duty.reminder_step, self._next_check(duty, refused, now))
        except Unavailable:
            raise
        except Exception:  # boundary of one duty: log it and check again later
            log.exception("duty_failed", duty=duty.id, kind=str(duty.kind))
            await self._due.record_check(duty, duty.reminder_step, now + RETRY_DELAY)

    @staticmethod
    def _next_check(duty: Duty, refused: Refused, now: datetime) -> datetime | None:
        """Return when to check a refused duty again.

        A visit left to 12351: when its time is up (Q45); a card withheld by a pending extension: never, its decision
        does; the rest: an hour later.
        """
        if refused.code == "visited_elsewhere":
            return datetime.fromisoformat(refused.facts["until"])
        return None if refused.code in ("withheld", "already_there", "not_now", "not_found") else now + RETRY_DELAY

    async def _check(self, duty: Duty, now: datetime, snapshot: OfficeSnapshot) -> None:
        if duty.kind is Obligation.REVISIT and await self._begin_visit(duty, now):
            return
        steps = snapshot.list_reminder_steps(duty.kind, duty.grade, duty.start_at, duty.due_at, duty.unit)
        passed = [i for i, r in enumerate(steps) if r.at <= now]
        reached_step = passed[-1] + 1 if passed else 0
        fresh = [r for i, r in enumerate(steps) if duty.reminder_step <= i < reached_step]
        at = _planned_at(duty, snapshot)
        if now >= at and duty.outcome is None and duty.kind in VERBS_AT_DUE:
            await self._act(VERBS_AT_DUE[duty.kind], duty, at)
            return
        next_checks = [r.at for r in steps[reached_step:]]
        if now < at:
            next_checks.append(at)
        messages = await self._build_messages(duty, fresh, now, snapshot)
        await self._due.record_check(duty, reached_step, min(next_checks, default=None), messages)

    async def _build_messages(
        self, duty: Duty, fresh: Sequence[reminders.ReminderStep], now: datetime, snapshot: OfficeSnapshot
    ) -> list[Message]:
        """Build messages for the latest reminder step only: no repeats after an outage (FS17)."""
        if not fresh:
            return []
        snap = await self._tickets.moves.load(TicketRef(ticket_id=duty.ticket_id))
        if snap is None:
            return []
        steps = [r for r in fresh if r.stage == fresh[-1].stage and r.message not in SENT_BY_MOVES]
        steps = [
            r for r in steps if r.condition is not reminders.Condition.SIGNED or _signed_in_time(duty, snap.assignments)
        ]
        if any(r.message == "close_reminder" for r in steps) and await self._show_yellow_card(duty, steps[-1].at):
            steps = [r for r in steps if r.message != "close_reminder"]
        await self._tickets.ensure_ids()
        messages = []
        for step in steps:
            for person in self._find_recipients(step, duty, snap.ticket.management, snapshot, now):
                is_call = step.channel is reminders.ReminderChannel.PHONE
                unit = snapshot.config.units.get(person.unit)
                bot = unit is None or unit.chat_enabled  # A38
                channel = "phone" if is_call else person.chat if bot else None
                if channel is None or (is_call and not person.has_phone):
                    continue
                not_before = now
                if step.window is not reminders.Window.ANY:  # the institution is staffed round the clock (Q25)
                    not_before = snapshot.earliest_send(step.at, now, duty.grade, duty.unit, ring=is_call)
                messages.append(
                    Message(
                        id=self._tickets.new_id(),
                        kind=step.message,
                        channel=channel,
                        person=person.code,
                        ticket_id=duty.ticket_id,
                        assignment_id=duty.assignment_id,
                        ticket_version=snap.ticket.version,
                        urgent=duty.grade is Grade.URGENT,
                        not_before=not_before,
                        created_at=now,
                        facts={"due": duty.due_at.isoformat(), "duty": duty.id, "kind": str(duty.kind)},
                    )
                )
        return messages

    @staticmethod
    def _find_recipients(
        step: reminders.ReminderStep, duty: Duty, management: str | None, snapshot: OfficeSnapshot, now: datetime
    ) -> Sequence[Person]:
        """Return whom a step reaches now; the person on duty first, where the unit keeps a roster (Q25)."""
        if step.audience in MANAGEMENT_AUDIENCES:
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
        recipients = snapshot.recipients(handlers, now, urgent=urgent)
        if recipients != handlers:
            return recipients
        return [p for p in handlers if p.chat][:1] if step.duty_only else handlers

    async def _show_yellow_card(self, duty: Duty, at: datetime) -> bool:
        """Show the yellow card, a move of its own; False if it was shown before.

        If another process has just shown it, that process's move has sent the message (FS5).
        """
        try:
            await self._act("yellow_card", duty, at)
        except Refused:
            snap = await self._tickets.moves.load(TicketRef(assignment_id=duty.assignment_id))
            return snap is not None and any(
                a.id == duty.assignment_id and a.yellow_card_at == at for a in snap.assignments
            )
        return True

    async def _begin_visit(self, duty: Duty, now: datetime) -> bool:
        """T23: begin the visit of a closed ticket; False if it has begun already."""
        snap = await self._tickets.moves.load(TicketRef(ticket_id=duty.ticket_id))
        if snap is None or snap.ticket.state != "closed":
            return False
        await self._tickets.act(Act("start_visit", SYSTEM, Source.CLOCK, ticket_no=snap.ticket.ticket_no))
        return True

    async def _act(self, verb: str, duty: Duty, at: datetime) -> None:
        await self._tickets.act(Act(verb, SYSTEM, Source.CLOCK, assignment_id=duty.assignment_id, at=at))

    async def _archive_settled(self, now: datetime) -> int:
        """T30: once an hour, archive tickets of months whose settlement day has passed (Q15)."""
        if self._archived_at is not None and timedelta() <= now - self._archived_at < ARCHIVE_INTERVAL:
            return 0
        self._archived_at = now
        snapshot = await self._office.snapshot()
        first = now.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
        day = snapshot.add_limit(snapshot.settings.text("settlement_day"), first - timedelta(seconds=1), None)
        if now < day:
            first = (first - timedelta(days=1)).replace(day=1)
        for ticket_id in await self._due.list_to_archive(first, BATCH_SIZE):
            snap = await self._tickets.moves.load(TicketRef(ticket_id=ticket_id))
            if snap is None:
                continue
            try:
                await self._tickets.act(Act("archive", SYSTEM, Source.CLOCK, ticket_no=snap.ticket.ticket_no))
            except Refused as refused:
                log.info("not_archived", ticket=snap.ticket.ticket_no, code=refused.code)
        return 0


def _signed_in_time(duty: Duty, assignments: Sequence[Assignment]) -> bool:
    """Whether a person signed in time and nothing came since; after an auto-sign M7 has just said so."""
    target = next((a for a in assignments if a.id == duty.assignment_id), None)
    return target is not None and target.signed_at is not None and target.signed_at < duty.due_at


def _planned_at(duty: Duty, snapshot: OfficeSnapshot) -> datetime:
    """Return when the clock acts: at the due time, except for a red card that `card.red_at` delays (Q33)."""
    if duty.kind is not Obligation.CLOSE:
        return duty.due_at
    return deadlines.compute_red_card_at(duty.due_at, snapshot.settings, snapshot.calendar, duty.unit)
