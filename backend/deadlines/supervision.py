"""Automatic supervision (T17) and re-check reminders (A25)."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta

import structlog

from backend.domain.acts import SYSTEM, Act
from backend.domain.records import Message
from backend.domain.refusals import Refused
from backend.domain.texts import Texts
from backend.domain.ticket import Grade, Role, Source
from backend.office.cache import OfficeCache, OfficeSnapshot
from backend.ports.moves import TicketRef
from backend.ports.supervision import SupervisionStore, WaitingAssignment
from backend.tickets.service import TicketService

log = structlog.get_logger("supervision")
INTERVAL = timedelta(minutes=10)  # office time between runs
BATCH_SIZE = 200


class AutoSupervision:
    """Safe in any number of processes: a supervision is a move, a re-check reminder is sent once."""

    def __init__(self, store: SupervisionStore, tickets: TicketService, office: OfficeCache, texts: Texts) -> None:
        self._store = store
        self._tickets = tickets
        self._office = office
        self._texts = texts
        self._last_run: datetime | None = None
        #: suffix of the setting that says how long a matter may wait → what waits
        self._queries: dict[str, Callable[[datetime, int], Awaitable[Sequence[WaitingAssignment]]]] = {
            "red_after": store.list_red,
            "unsatisfied_after": store.list_unsatisfied,
            "exposed_after": store.list_exposed,
        }

    async def run_once(self) -> int:
        """Run if ten minutes have passed; return how many tickets were acted on."""
        now = self._office.clock.now()
        if self._last_run is not None and timedelta() <= now - self._last_run < INTERVAL:
            return 0
        self._last_run = now
        snapshot = await self._office.snapshot()
        done = await self._remind_rechecks(now, snapshot)
        for what, find_waiting in self._queries.items():
            if snapshot.settings.limit_or_none(f"supervise.auto.{what}") is None:
                continue
            for one in await find_waiting(now, BATCH_SIZE):
                done += await self._supervise(what, one, now, snapshot)
        return done

    async def _supervise(self, what: str, one: WaitingAssignment, now: datetime, snapshot: OfficeSnapshot) -> int:
        """T17: supervise with a due date, by the system."""
        try:
            if now < snapshot.add_limit(snapshot.settings.text(f"supervise.auto.{what}"), one.since, one.unit):
                return 0
            arguments = {"reason": self._texts.render(f"clock.{what}")}
            await self._tickets.act(
                Act("supervise", SYSTEM, Source.CLOCK, assignment_id=one.assignment_id, arguments=arguments)
            )
        except Refused as refused:
            log.info("not_supervised", assignment=one.assignment_id, code=refused.code)
            return 0
        return 1

    async def _remind_rechecks(self, now: datetime, snapshot: OfficeSnapshot) -> int:
        """A25: on the day named at an explained close, remind its handlers and liaison, once, in office hours."""
        reminded = 0
        for one in await self._store.list_rechecks(now.date(), BATCH_SIZE):
            snap = await self._tickets.moves.load(TicketRef(assignment_id=one.assignment_id))
            if snap is None:
                continue
            people = snapshot.with_stand_ins(snapshot.people(one.unit, Role.HANDLER, Role.LIAISON), now)
            explanation = next(
                (r.facts.get("explanation") for r in reversed(snap.requests) if r.kind == "explained_close"), ""
            )
            await self._tickets.ensure_ids()
            at = snapshot.earliest_send(now, now, Grade.GENERAL, one.unit)
            messages = [
                Message(self._tickets.new_id(), "M34", p.chat, p.code, snap.ticket.id, one.assignment_id,
                       snap.ticket.version, False, at, now, {"explanation": explanation or ""})
                for p in people if p.chat
            ]  # fmt: skip
            reminded += await self._store.enqueue_once(one, messages)
        return reminded
