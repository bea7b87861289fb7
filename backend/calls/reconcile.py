"""Reconcile silent call attempts: ask the carrier before anybody is rung again (FW14, G13)."""

from datetime import datetime, timedelta

from backend.calls.dependencies import SILENCE_TIMEOUT, UNCONFIRMED_TIMEOUT, CallDependencies
from backend.calls.dialogue import Dialogue
from backend.calls.outcomes import CallOutcomes, find_outcome
from backend.ports.calls import AttemptReport, AttemptResult, LiveCall
from notify.carrier import CallStatus, FoundCall
from notify.channel import DeliveryError

BATCH_SIZE = 64
CLOCK_TOLERANCE = timedelta(minutes=1)  # tolerated difference between the carrier's clock and ours
MAX_LOST = 6  # attempts of one call that may get lost before it counts as failed


class CallReconciler:
    """Asks the carrier about attempts it has not reported on."""

    def __init__(self, tools: CallDependencies, endings: CallOutcomes, talking: Dialogue) -> None:
        self._t = tools
        self._outcomes = endings
        self._dialogue = talking

    async def run_once(self, now: datetime) -> int:
        """Check every overdue attempt; return how many there were."""
        talks = await self._t.store.list_overdue(now, BATCH_SIZE)
        for talk in talks:
            await self._ask_carrier(talk, now)
        return len(talks)

    async def _ask_carrier(self, talk: LiveCall, now: datetime) -> None:
        if talk.call.purpose == "inbound":  # its end is never reported
            await self._outcomes.judge(talk, find_outcome(talk, CallStatus.COMPLETED))
            return
        number = await self._t.store.get_number(talk.call.id)
        carrier = self._t.carriers.choose(number or "", bridge=talk.call.purpose == "bridge")
        try:
            found = await carrier.find(
                to=number or "", since=self._earliest_start(talk), provider_id=talk.attempt.provider_id or ""
            )
        except DeliveryError:
            await self._t.store.postpone_check(talk.attempt.id, now + UNCONFIRMED_TIMEOUT)
            return
        record = await self._match_record(talk, found, carrier.number)
        if record is None and not carrier.can.search and now < talk.attempt.asked_at + SILENCE_TIMEOUT:
            await self._t.store.postpone_check(
                talk.attempt.id, talk.attempt.asked_at + SILENCE_TIMEOUT
            )  # its report may still come
            return
        if record is None:
            await self._handle_lost(talk, now, may_repeat=carrier.can.search)
            return
        status_update = AttemptReport(
            record.provider_id, record.status.value, record.status.is_terminal, now,
            answered_by=record.answered_by.value, duration=record.duration, cost=record.cost,
        )  # fmt: skip
        await self._dialogue.update_status(talk, status_update, last=True)
        if not record.status.is_terminal:
            await self._t.store.postpone_check(talk.attempt.id, now + SILENCE_TIMEOUT)

    def _earliest_start(self, talk: LiveCall) -> datetime:
        """Earliest time of this attempt on the carrier's clock; a rehearsal's clock may run ahead of it."""
        return talk.attempt.asked_at - self._t.clock.ahead() - CLOCK_TOLERANCE

    async def _match_record(self, talk: LiveCall, found: list[FoundCall], own_number: str) -> FoundCall | None:
        """Find the carrier's record of this attempt: by id, else the first unclaimed one to that number."""
        attempt = talk.attempt
        if attempt.provider_id is not None:
            return next((f for f in found if f.provider_id == attempt.provider_id), None)
        since = self._earliest_start(talk)
        ours = [f for f in found if f.caller in ("", own_number) and (f.started_at is None or f.started_at >= since)]
        claimed = await self._t.store.find_provider_ids([f.provider_id for f in ours])
        return next((f for f in reversed(ours) if f.provider_id not in claimed), None)

    async def _handle_lost(self, talk: LiveCall, now: datetime, *, may_repeat: bool) -> None:
        """The carrier has no record of the call, so it never rang and may be tried again."""
        if talk.attempt.state == "placed" or talk.attempt.attempt_no >= MAX_LOST or not may_repeat:
            await self._outcomes.judge(talk, "carrier_failed", "lost")
        else:
            await self._t.store.settle_attempt(
                AttemptResult(talk.attempt.id, "carrier_failed", now, now, False, "not_found")
            )
