"""Automatic supervision (T17) and re-checks of what could not be solved (A25)."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta

import structlog

from backend.domain.acts import SYSTEM, Act
from backend.domain.refusals import Refused
from backend.domain.texts import Texts
from backend.domain.ticket_enums import Source
from backend.office.cache import OfficeCache, OfficeSnapshot
from backend.ports.deadlines import SupervisionStore, WaitingAssignment
from backend.tickets.service import TicketService

log = structlog.get_logger("supervision")
INTERVAL = timedelta(minutes=10)  # office time between runs
BATCH_SIZE = 200


class AutoSupervision:
    """Safe in any number of processes: a supervision and a re-check are moves."""

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
        done = await self._recheck(now)
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

    async def _recheck(self, now: datetime) -> int:
        """A25, T21b: on the day named at an explained close its unit gets the task to look again, once."""
        done = 0
        for one in await self._store.list_rechecks(now.date(), BATCH_SIZE):
            try:
                await self._tickets.act(Act("recheck", SYSTEM, Source.CLOCK, assignment_id=one.assignment_id))
            except Refused as refused:
                log.info("not_rechecked", assignment=one.assignment_id, code=refused.code)
                continue
            done += 1
        return done
