"""Reconcile silent call attempts: ask the carrier before anybody is rung again (FW14, G13)."""

from datetime import datetime, timedelta

from backend.calls.endings import Endings, outcome_of
from backend.calls.talking import Talking
from backend.calls.tools import DOUBT, WATCH, Tools
from backend.ports.calls import AttemptReport, AttemptResult, LiveCall
from notify.channel import DeliveryError
from notify.line import CallStatus, Found

AT_ONCE = 64
CLOCKS = timedelta(minutes=1)  # tolerated difference between the carrier's clock and ours
MOST_LOST = 6  # attempts of one call that may get lost before it counts as failed


class Doubts:
    """Asks the carrier about attempts it has not reported on."""

    def __init__(self, tools: Tools, endings: Endings, talking: Talking) -> None:
        self._t = tools
        self._endings = endings
        self._talking = talking

    async def round(self, now: datetime) -> int:
        """Check every overdue attempt; return how many there were."""
        talks = await self._t.store.list_overdue(now, AT_ONCE)
        for talk in talks:
            await self._ask(talk, now)
        return len(talks)

    async def _ask(self, talk: LiveCall, now: datetime) -> None:
        if talk.call.purpose == "inbound":  # its end is never reported
            await self._endings.judge(talk, outcome_of(talk, CallStatus.COMPLETED))
            return
        number = await self._t.store.get_number(talk.call.id)
        try:
            found = await self._t.line.find(
                to=number or "", since=self._since(talk), provider_id=talk.attempt.provider_id or ""
            )
        except DeliveryError:
            await self._t.store.postpone_check(talk.attempt.id, now + DOUBT)
            return
        mine = await self._mine(talk, found)
        if mine is None and not self._t.line.can.search and now < talk.attempt.asked_at + WATCH:
            await self._t.store.postpone_check(
                talk.attempt.id, talk.attempt.asked_at + WATCH
            )  # its report may still come
            return
        if mine is None:
            await self._lost(talk, now)
            return
        news = AttemptReport(
            mine.provider_id, mine.status.value, mine.status.terminal, now,
            answered_by=mine.answered_by.value, duration=mine.duration, cost=mine.cost,
        )  # fmt: skip
        await self._talking.hear(talk, news, last=True)
        if not mine.status.terminal:
            await self._t.store.postpone_check(talk.attempt.id, now + WATCH)

    def _since(self, talk: LiveCall) -> datetime:
        """Earliest time of this attempt on the carrier's clock; a rehearsal's clock may run ahead of it."""
        return talk.attempt.asked_at - self._t.office.clock.ahead() - CLOCKS

    async def _mine(self, talk: LiveCall, found: list[Found]) -> Found | None:
        """Find the carrier's record of this attempt: by id, else the first unclaimed one to that number."""
        attempt = talk.attempt
        if attempt.provider_id is not None:
            return next((f for f in found if f.provider_id == attempt.provider_id), None)
        since = self._since(talk)
        ours = [
            f for f in found if f.caller in ("", self._t.caller) and (f.started_at is None or f.started_at >= since)
        ]
        taken = await self._t.store.find_provider_ids([f.provider_id for f in ours])
        return next((f for f in reversed(ours) if f.provider_id not in taken), None)

    async def _lost(self, talk: LiveCall, now: datetime) -> None:
        """The carrier has no record of the call, so it never rang and may be tried again."""
        if talk.attempt.state == "placed" or talk.attempt.number >= MOST_LOST or not self._t.line.can.search:
            await self._endings.judge(talk, "carrier_failed", "lost")
        else:
            await self._t.store.settle_attempt(
                AttemptResult(talk.attempt.id, "carrier_failed", now, now, False, "not_found")
            )
