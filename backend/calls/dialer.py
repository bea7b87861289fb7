"""Place due calls: still needed, allowed now, to a callable number, within the carrier's rate limit (FW14-FW18)."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import structlog

from backend.calls.budget import compute_budget, find_midnight, find_next_midnight
from backend.calls.dependencies import SILENCE_TIMEOUT, UNCONFIRMED_TIMEOUT, CallDependencies, CallPurpose
from backend.calls.dialogue import is_settled
from backend.calls.outcomes import CallOutcomes
from backend.calls.prompts import build_carrier_menu
from backend.domain import retry
from backend.office.cache import OfficeSnapshot
from backend.office.phone_numbers import mask_number, to_callable_number
from backend.ports.calls import AttemptResult, Call
from notify.carrier import AnswerDetection, CallUrls
from notify.channel import DeliveryError

log = structlog.get_logger("calls")
BATCH_SIZE = 64  # calls handled in one run
CONCURRENT_REQUESTS = 16  # requests to the carrier at the same time
RATE_LIMIT_WAIT = 8.0  # seconds one run waits for the rate limit
RING_SECONDS = 30
ENGAGED_DELAY = timedelta(minutes=1)  # delay while that number is being called about something else
FINAL_ATTEMPT = 99  # more attempts than any setting allows


class Dialer:
    """Places calls. Safe in any number of processes: an attempt is stored before the carrier is asked."""

    def __init__(self, tools: CallDependencies, endings: CallOutcomes, purposes: Mapping[str, CallPurpose]) -> None:
        self._t = tools
        self._outcomes = endings
        self._purposes = purposes

    async def run_once(self, now: datetime, snapshot: OfficeSnapshot) -> int:
        """Place the calls that are due; return how many were handled."""
        if snapshot.settings.flag("calls.stopped"):
            return 0
        due = _first_per_phone(await self._t.store.list_due(now, BATCH_SIZE))
        if not due:
            return 0
        left = compute_budget(await self._t.store.measure_usage(find_midnight(now)), snapshot.settings).left
        over = due[left:]
        until = self._t.clock.monotonic() + RATE_LIMIT_WAIT
        semaphore = asyncio.Semaphore(CONCURRENT_REQUESTS)
        handled = await asyncio.gather(*(self._handle(c, now, snapshot, semaphore, until) for c in due[:left]))
        for call in over:
            await self._drop_over_budget(call, now, find_next_midnight(now))
        return sum(handled) + len(over)

    async def _handle(
        self, call: Call, now: datetime, snapshot: OfficeSnapshot, semaphore: asyncio.Semaphore, until: float
    ) -> int:
        async with semaphore:
            if is_settled(call) or _was_opened(call):
                if await self._t.store.cancel(call.id, now):
                    await self._outcomes.settle_message(call, "skipped", error="settled")
                return 1
            number = await self._find_number(call, snapshot)
            if number is None or await self._t.store.is_invalid_number(number):
                await self._drop_uncallable(call, now, "not_callable" if number is None else "dead_number")
                return 1
            when = await self._earliest_call(call, number, now, snapshot)
            if when is None:
                return 1
            if when > now:
                await self._t.store.postpone(call.id, when)
                return 1
            if await self._t.store.is_engaged(call.id, number):
                return int(await self._t.store.postpone(call.id, now + ENGAGED_DELAY))
            tools = self._t.use(self._t.carriers.choose(number, bridge=call.purpose == "bridge"))
            if not await self._acquire_rate_limit(tools, until):
                return 0
            attempt = await self._t.store.begin_attempt(
                call.id, number, mask_number(number, snapshot), now, now + UNCONFIRMED_TIMEOUT
            )
            if attempt is None:
                return int(await self._t.store.postpone(call.id, now + ENGAGED_DELAY))
            await self._place(tools, call, attempt, number, snapshot)
            return 1

    async def _find_number(self, call: Call, snapshot: OfficeSnapshot) -> str | None:
        if call.purpose == "visit":
            return to_callable_number(await self._t.store.get_requester_phone(call.ticket_id or 0), snapshot)
        return to_callable_number(await self._t.people.get_phone(call.person or ""), snapshot)

    async def _earliest_call(self, call: Call, number: str, now: datetime, snapshot: OfficeSnapshot) -> datetime | None:
        """Return when this call may ring: now, later, or None if it was settled otherwise (FW32)."""
        if (purpose := self._purposes.get(call.purpose)) is not None:
            return await purpose.earliest_call(call, number, now, snapshot)
        if call.subject is None:
            return now
        return snapshot.earliest_call(call.person or "", now, call.grade, call.subject.unit)

    async def _acquire_rate_limit(self, tools: CallDependencies, until: float) -> bool:
        """Wait for the rate limit; False if it would take longer than `until`."""
        clock, buckets = tools.clock, tools.carrier.buckets(tools.own_number)
        while wait := await self._t.rate_limiter.try_acquire(buckets):
            if clock.monotonic() + wait > until:
                return False
            await asyncio.sleep(wait)
        return True

    async def _place(
        self, tools: CallDependencies, call: Call, attempt: int, number: str, snapshot: OfficeSnapshot
    ) -> None:
        hooks = tools.hooks_url
        urls = CallUrls(f"{hooks}/voice/{attempt}?s=0", f"{hooks}/status/{attempt}", f"{hooks}/fallback")
        line, menu = tools.carrier, None
        # a bridge must not connect a requester to voicemail; other calls start at once and detection is only a hint
        detection = AnswerDetection.FIRST if call.purpose == "bridge" else AnswerDetection.HINT
        if not line.can.live:
            menu = build_carrier_menu(call, attempt, snapshot, tools)
        try:
            placed = await line.place(
                number, caller=tools.own_number, urls=urls, ring_seconds=RING_SECONDS, menu=menu,
                detect=detection if line.can.detect_machine else AnswerDetection.OFF,
            )  # fmt: skip
        except DeliveryError as error:
            await self._handle_failure(call, attempt, error, line.can.invalid_number)
            return
        await self._t.store.mark_placed(attempt, placed.provider_id, self._t.now() + SILENCE_TIMEOUT)

    async def _handle_failure(
        self, call: Call, attempt: int, error: DeliveryError, invalid_number: frozenset[str]
    ) -> None:
        """Handle a failed placement; an uncertain one is never dialled again (FW14)."""
        after = timedelta(seconds=error.retry_after) if error.retry_after is not None else None
        step = retry.decide_after_placing(error.kind, call.attempts_made + 1, self._t.chance.fraction(), after)
        log.warning("not_placed", dial=attempt, kind=error.kind, code=error.code)
        if isinstance(step, retry.Reconcile):
            await self._t.store.mark_ambiguous(attempt, error.code)
        elif isinstance(step, retry.Retry):
            again = self._t.now() + step.delay
            await self._t.store.settle_attempt(
                AttemptResult(attempt, "carrier_failed", self._t.now(), again, False, error.code)
            )
        else:
            live_call = await self._t.store.find_live_call(attempt)
            if live_call is None or live_call.attempt.outcome is not None:
                return
            if error.code in invalid_number:
                await self._audit_refusal(call, error.code)
                await self._mark_invalid(call, error.code)
                await self._outcomes.judge(live_call, "dead_number", error.code)
            else:  # the last attempt: the next contact, or a person, takes over
                self._t.tell_alarm("carrier_failing", code=error.code)
                live_call = replace(
                    live_call,
                    call=replace(live_call.call, attempt_count=FINAL_ATTEMPT),
                    attempt=replace(live_call.attempt, attempt_no=FINAL_ATTEMPT),
                )
                await self._outcomes.judge(live_call, "carrier_failed", error.code)

    # -- calls that cannot be placed

    async def _drop_uncallable(self, call: Call, now: datetime, why: str) -> None:
        """FW23, FW31: the number is missing, not callable or known as invalid; the next contact is tried."""
        await self._audit_refusal(call, why)
        await self._give_up(call, now, why, "failed")

    async def _drop_over_budget(self, call: Call, now: datetime, tomorrow: datetime) -> None:
        """FW31: today's budget is used up. Notices are delivered another way; visits wait for tomorrow."""
        log.error("budget_used_up", call=call.id)
        self._t.tell_alarm("budget_used_up")
        if call.purpose == "visit":
            await self._t.store.postpone(call.id, tomorrow)
        else:
            await self._give_up(call, now, "budget", "carrier_failed")

    async def _give_up(self, call: Call, now: datetime, why: str, outcome: str) -> None:
        if (purpose := self._purposes.get(call.purpose)) is not None:
            await purpose.conclude_unreachable(call, why)
        elif call.outbox_id is not None:
            await self._t.delivery.report_unreachable(call.outbox_id, why)
        await self._t.store.cancel(call.id, now, outcome)

    async def _mark_invalid(self, call: Call, code: str) -> None:
        """FW23: never call this number again for any purpose; the console lists it."""
        number = await self._t.store.get_number(call.id)
        if number is not None:
            snapshot = await self._t.office.snapshot()
            await self._t.store.add_invalid_number(number, mask_number(number, snapshot), code, self._t.now(), call)

    async def _audit_refusal(self, call: Call, code: str) -> None:
        about = call.subject.ticket_no if call.subject else None
        await self._t.audit.record(
            self._t.now(), "system", "number_refused", about, person=call.person, purpose=call.purpose, code=code
        )


def _first_per_phone(due: Sequence[Call]) -> list[Call]:
    """Keep the first call for each telephone: its outcome decides about the next."""
    first: dict[str | int, Call] = {}
    for call in due:
        first.setdefault(call.phone_index or call.person or call.id, call)
    return list(first.values())


def _was_opened(call: Call) -> bool:
    """Whether a call meant only for unopened tickets is no longer needed, because somebody opened it (A10)."""
    about = call.subject
    return bool(call.facts.get("unless_opened") and about is not None and about.opened_at is not None)
