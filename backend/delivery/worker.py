"""The delivery worker: claims due messages, sends them within the rate limits, settles, falls back, updates cards."""

import asyncio
import contextlib
import math
import weakref
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime, timedelta

import structlog

from backend.delivery.ask_slots import AskSlots
from backend.delivery.batch_writer import BatchWriter
from backend.delivery.card_updater import CardUpdater
from backend.delivery.cards import CardRenderer
from backend.delivery.in_hand import InHand
from backend.delivery.kinds import MERGEABLE_KINDS, UNANSWERED
from backend.delivery.queue import Job, SendQueue
from backend.delivery.rate_gate import DeliveryDependencies, RateGate
from backend.delivery.sender import MessageSender
from backend.domain import reminders
from backend.domain.chance import Chance
from backend.domain.records import Message
from backend.domain.texts import Texts
from backend.domain.ticket_enums import Grade
from backend.office.cache import OfficeCache, OfficeSnapshot
from backend.office.people import People
from backend.ports.availability import Unavailable
from backend.ports.chat import CardStore
from backend.ports.ids import IdSupply
from backend.ports.operations import TellAlarm, tell_nobody
from backend.ports.outbox import SUSPECT_DEATHS, OutboxStore, SendResult, WaitingMessage
from backend.ports.tickets import MoveStore
from notify.channel import Channel
from notify.rate_limit import LocalRateLimiter, RateLimiter

log = structlog.get_logger("delivery")
WAITING = 1  # messages claimed beyond the slots: their asks ride with the results before them
BATCH = 200  # messages claimed by one statement where no rate limit applies
MAX_QUEUED = 5_000  # messages queued in memory; the rest wait in the table
REFILL_BELOW = 500  # below this the table is read for more than urgent messages
READ_INTERVAL = 0.5  # seconds between table reads during a busy run
RUN_SECONDS = 5.0  # seconds a run may take before it must return, to show that it is alive


class DeliveryWorker:
    """One per process, any number of processes. A queued item is only a hint until it is claimed under a lease."""

    def __init__(
        self,
        *,
        outbox: OutboxStore,
        cards: CardStore,
        renderer: CardRenderer,
        moves: MoveStore,
        office: OfficeCache,
        channels: Mapping[str, Channel],
        bindings: People,
        ids: IdSupply,
        texts: Texts,
        owner: str,
        chance: Chance,
        rate_limiter: RateLimiter | None = None,
        lease_seconds: float = 45.0,
        tell_alarm: TellAlarm = tell_nobody,
        at_once: int = 16,
    ) -> None:
        self._queue = SendQueue(channels, at_once, BATCH, lambda name: self._slots.count(name) + WAITING)
        self._deps = DeliveryDependencies(
            outbox, cards, renderer, moves, office, channels, rate_limiter or LocalRateLimiter(office.clock.monotonic), bindings, ids, owner,
            lease_seconds, chance, texts.render("message.again", text=""), self._queue.hold, tell_alarm,
        )  # fmt: skip
        self._writer = BatchWriter(outbox)
        gate = RateGate(self._deps)
        self._in_hand = InHand(self._deps)
        self._slots = AskSlots(self._writer, self._deps.build_ask, channels, at_once, office.clock.monotonic)
        self._sender = MessageSender(self._deps, self._writer, gate, self._slots, self._in_hand)
        self._card_updater = CardUpdater(self._deps, gate)
        self._woken = asyncio.Event()
        self._changed = asyncio.Event()  # a job has finished
        self._tasks: set[asyncio.Task[None]] = set()
        self._chat_locks: weakref.WeakValueDictionary[tuple[str, str], asyncio.Lock] = weakref.WeakValueDictionary()
        self._rescued_at = self._read_at = -math.inf
        self._handled = 0
        self._closing = False

    # -- public interface

    def wake(self, *_: object) -> None:
        """Wake the worker: there may be something new (a listener of `desk.after`)."""
        self._woken.set()

    def resume(self) -> None:
        """The database serves again: whoever lives settles and keeps what is in hand before anything is rescued (XR6)."""
        self._rescued_at = self._deps.clock.monotonic()
        for waiting in (self._in_hand, self._writer, self):
            waiting.wake()

    async def wait(self, seconds: float) -> None:
        """Wait until woken, at most `seconds`."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._woken.wait()

    async def run_once(self) -> int:
        """Send what is due until nothing is left, or for `RUN_SECONDS` seconds; return how many items were handled.

        Never 0 while something is still queued. Raises what the database raises.
        """
        monotonic = self._deps.clock.monotonic
        end, before = monotonic() + RUN_SECONDS, self._handled
        await self._free_expired()
        await self._read_due()
        while not self._closing:
            if self._woken.is_set() or monotonic() - self._read_at >= READ_INTERVAL:
                await self._read_due()
            jobs, seconds = self._queue.take(monotonic())
            if jobs:
                await self._claim_and_start(jobs)
                if not self._tasks:  # others have them, or we may not (XR2)
                    break
            elif not self._tasks and not len(self._queue):
                if not await self._read_due():
                    break
            elif monotonic() >= end:
                return max(1, self._handled - before)
            else:
                await self._wait_for_change(min(seconds, READ_INTERVAL, max(0.0, end - monotonic())))
        return self._handled - before or int(not self._closing and len(self._queue) > 0)

    async def report_unreachable(self, outbox_id: int, why: str) -> None:
        """Fall back when one way is exhausted (an unanswered call): next way, next contact, manual task (A10, Q42)."""
        if (found := await self._deps.outbox.get(outbox_id)) is None:
            return
        instead = await self._sender.plan_fallback(found.message, why)
        if await self._deps.outbox.give_up(outbox_id, why, instead.messages, instead.notes, instead.call_to_hasten):
            if instead.is_last and why not in UNANSWERED:
                self._deps.tell_alarm("message_dead", person=found.message.person, message=found.message.kind)
            self.wake()

    async def close(self, seconds: float = 20.0) -> None:
        """Claim nothing more and let sends in flight finish; queued items stay for other processes (FM2).

        Call it before the run is cancelled: an interrupted claim would have to wait for its lease to expire.
        """
        self._closing = True
        self._woken.set()
        if self._tasks:
            await asyncio.wait(set(self._tasks), timeout=seconds)
        await self._in_hand.close()

    # -- looking

    async def _free_expired(self) -> None:
        """Take back messages whose lease has expired (FM1); those that may not be sent again go the next way (XR5)."""
        now = self._deps.clock.monotonic()
        if now - self._rescued_at < self._deps.lease_seconds / 10:
            return
        self._rescued_at = now
        o = self._deps
        found = await o.outbox.rescue(list(o.channels), o.clock.now(), lease=timedelta(seconds=o.lease_seconds))
        self._slots.workers = found.owners + (not self._tasks)
        for claimed in found.ending:
            await self._sender.end_lost(claimed)

    async def _read_due(self) -> int:
        """Queue what is new: urgent always, the rest when few wait; return how many were new."""
        self._woken.clear()
        self._read_at = (o := self._deps).clock.monotonic()
        few = len(self._queue) < REFILL_BELOW
        names, now = list(o.channels), o.clock.now()
        found = await o.outbox.list_waiting(names, now, MAX_QUEUED if few else REFILL_BELOW, urgent=not few)
        fresh = [w for w in found if not self._queue.has(is_card=False, id=w.id)]
        merged = await self._merge_reminders(fresh)
        snapshot = await o.office.snapshot()
        for w in fresh:
            if w.id not in merged:
                place = snapshot.find_chat(w.person, w.channel)
                address = place.address if place else f"?{w.person}"
                self._queue.put(Job(False, w.id, w.channel, address, w.urgent, w.deaths >= SUSPECT_DEATHS))
        count = len(fresh)
        if few:
            for card in await o.cards.list_stale(names, now, REFILL_BELOW):
                if not self._queue.has(is_card=True, id=card.id):
                    self._queue.put(Job(True, card.id, card.channel, card.address, False))
                    count += 1
        return count

    async def _merge_reminders(self, new_messages: Sequence[WaitingMessage]) -> set[int]:
        """Merge many general reminders of one person into one digest at its hour (§6.3, FS17)."""
        o = self._deps
        settings = (await o.office.snapshot()).settings
        groups: dict[tuple[str, str], list[int]] = {}
        for w in new_messages:
            if w.kind in MERGEABLE_KINDS and not w.urgent and w.deaths < SUSPECT_DEATHS:
                groups.setdefault((w.channel, w.person), []).append(w.id)
        merged: set[int] = set()
        for (channel, person), ids in groups.items():
            if not reminders.should_merge(len(ids), Grade.GENERAL, settings):
                continue
            now = o.clock.now()
            claimed = await o.outbox.claim(o.owner, [channel], now, len(ids), o.lease, ids)
            merged.update(ids)
            if not claimed:
                continue
            when = find_digest_time(await o.office.snapshot(), [c.message for c in claimed], now)
            planned = await o.outbox.find_next_send("daily_digest", channel, person)
            digests: tuple[Message, ...] = ()
            if planned is None or planned > when:
                await o.ids.refill(1)
                first = claimed[0].message
                digests = (Message(o.ids.take(), "daily_digest", channel, person, None, None, 0, False, when, now,
                                  {"merged": len(claimed)}, fallback_of=first.id),)  # fmt: skip
            await o.outbox.settle([
                SendResult(c.message.id, c.owner, c.message.attempts, "skipped", now, error="merged",
                           messages=digests if c is claimed[0] else ())
                for c in claimed
            ])  # fmt: skip
            self._handled += len(claimed)
            self._woken.set()
        return merged

    # -- sending

    async def _claim_and_start(self, jobs: Sequence[Job]) -> None:
        """Claim these jobs under our lease and start each; skip what another process has claimed."""
        o = self._deps
        messages = [j.id for j in jobs if not j.is_card]
        cards = [j.id for j in jobs if j.is_card]
        asked = self._slots.choose(jobs, self._chat_locks.keys())
        taken_at = o.clock.monotonic()
        work_of: dict[tuple[bool, int], Callable[[], Awaitable[None]]] = {}
        try:
            if messages:
                for claimed in await o.outbox.claim(
                    o.owner, list(o.channels), o.clock.now(), len(messages), o.lease, messages,
                    ask=set(asked), alone=jobs[0].alone,
                ):  # fmt: skip
                    work_of[False, claimed.message.id] = lambda c=claimed: self._sender.deliver(c)  # type: ignore[misc]
                    if claimed.is_asked:
                        asked.discard(claimed.message.id)
            if cards:
                for card in await o.cards.claim(o.owner, cards, o.lease):
                    work_of[True, card.id] = lambda c=card: self._card_updater.update(c)  # type: ignore[misc]
        except BaseException:
            for job in jobs:
                self._queue.finish(job)
            raise
        finally:
            for job in jobs:
                if job.id in asked:  # another process has it, or a copy is in doubt: it is asked for by itself
                    self._slots.leave(job.channel, job.id)
        self._in_hand.add(work_of.keys(), taken_at)
        for job in jobs:
            work = work_of.get(job.key)
            if work is None:
                self._queue.finish(job)
                continue
            chat = self._chat_locks.setdefault((job.channel, job.address), asyncio.Lock())
            task = asyncio.create_task(self._run_job(job, chat, work))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _run_job(self, job: Job, chat: asyncio.Lock, work: Callable[[], Awaitable[None]]) -> None:
        """Run one job; jobs of one chat run one after another, in the order they were taken."""
        try:
            async with chat:
                await work()
        except Exception as error:  # one bad message never stops a run; it returns when its lease expires
            if not isinstance(error, Unavailable):
                log.exception("job_failed", card=job.is_card, id=job.id, error=type(error).__name__)
        finally:
            self._handled += 1
            self._in_hand.remove(job.key)
            self._queue.finish(job)
            self._changed.set()

    async def _wait_for_change(self, seconds: float) -> None:
        """Wait until a job is done or the worker is woken, at most `seconds`."""
        self._changed.clear()
        waits = [asyncio.create_task(self._changed.wait()), asyncio.create_task(self._woken.wait())]
        try:
            await asyncio.wait(waits, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for one in waits:
                one.cancel()


def find_digest_time(snapshot: OfficeSnapshot, messages: Sequence[Message], now: datetime) -> datetime:
    """Return the recipient's next digest hour, outside their own quiet hours.

    Now, when one of the deadlines in these messages would pass before.
    """
    person = snapshot.by_code.get(messages[0].person)
    unit = person.unit if person else None
    when = reminders.find_next_digest(now, snapshot.settings, snapshot.calendar, unit)
    if person is not None:
        when = snapshot.after_quiet_hours(person.code, when)
    dues = [datetime.fromisoformat(d) for x in messages if isinstance(d := x.facts.get("due"), str)]
    return now if any(due <= when for due in dues) else when
