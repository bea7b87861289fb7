"""The delivery worker: claims due messages, sends them within the rate limits, settles, falls back, updates cards."""

import asyncio
import math
import random
import time
import weakref
from collections.abc import Awaitable, Callable, Mapping, Sequence

import structlog

from backend.cards import Cards
from backend.domain.records import Message
from backend.domain.texts import Texts
from backend.mail.digests import digest_at
from backend.mail.kinds import MERGED
from backend.mail.line_up import Job, LineUp
from backend.mail.outbound import Outbound
from backend.mail.outfit import Bindings, Gate, IdSupply, Outfit
from backend.mail.redraw import Redraw
from backend.mail.settling import Settling
from backend.office.cache import OfficeCache
from backend.ports.cards import CardStore
from backend.ports.moves import MoveStore
from backend.ports.outbox import ClaimedMessage, OutboxStore, SendResult, WaitingMessage
from notify.channel import Channel
from notify.pace import LocalPacer, Pacer

log = structlog.get_logger("delivery")
BATCH = 200  # messages claimed by one statement where no rate limit applies
MOST_WAITING = 5_000  # messages queued in memory; the rest wait in the table
FEW_WAITING = 500  # below this the table is read for more than urgent messages
LOOK_EVERY = 0.5  # seconds between table reads during a busy run
PATIENCE = 5.0  # seconds a run may take before it must return, to show that it is alive
MOST_ATTEMPTS = 8  # expired leases before a message counts as poison (FM7)


class Courier:
    """One per process, any number of processes. A queued item is only a hint until it is claimed under a lease."""

    def __init__(
        self,
        *,
        messages: OutboxStore,
        cards: CardStore,
        draw: Cards,
        moves: MoveStore,
        office: OfficeCache,
        channels: Mapping[str, Channel],
        bindings: Bindings,
        ids: IdSupply,
        catalogue: Texts,
        owner: str,
        limiter: Pacer | None = None,
        lease_seconds: float = 45.0,
        at_once: int = 16,
        real: Callable[[], float] = time.time,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._line = LineUp(channels, at_once, BATCH)
        self._o = Outfit(
            messages, cards, draw, moves, office, channels, limiter or LocalPacer(), bindings, ids, owner,
            lease_seconds, real, jitter, catalogue.render("chat.again", text=""), self._line.hold,
        )  # fmt: skip
        self._settling = Settling(messages)
        gate = Gate(self._o)
        self._outbound = Outbound(self._o, self._settling, gate, at_once)
        self._redraw = Redraw(self._o, gate)
        self._woken = asyncio.Event()
        self._changed = asyncio.Event()  # a job has finished
        self._tasks: set[asyncio.Task[None]] = set()
        self._chats: weakref.WeakValueDictionary[tuple[str, str], asyncio.Lock] = weakref.WeakValueDictionary()
        self._rescued_at = -math.inf
        self._looked_at = -math.inf
        self._handled = 0
        self._closing = False

    # -- public interface

    def nudge(self, *_: object) -> None:
        """Wake the worker: there may be something new (a listener of `desk.after`)."""
        self._woken.set()

    async def wait(self, seconds: float) -> None:
        """Wait until woken, at most `seconds`."""
        try:
            async with asyncio.timeout(seconds):
                await self._woken.wait()
        except TimeoutError:
            pass

    async def round(self) -> int:
        """Send what is due until nothing is left, or for `PATIENCE` seconds; return how many items were handled.

        Never 0 while something is still queued. Raises what the database raises.
        """
        loop = asyncio.get_running_loop()
        end = loop.time() + PATIENCE
        before = self._handled
        await self._rescue()
        await self._look()
        while not self._closing:
            if self._woken.is_set() or loop.time() - self._looked_at >= LOOK_EVERY:
                await self._look()
            jobs, seconds = self._line.take(self._o.real())
            if jobs:
                await self._take_in_hand(jobs)
                continue
            if not self._tasks and not len(self._line):
                if not await self._look():
                    return self._handled - before
                continue
            if loop.time() >= end:
                return max(1, self._handled - before)
            await self._rest(min(seconds, LOOK_EVERY, max(0.0, end - loop.time())))
        return self._handled - before

    async def unreachable(self, message_id: int, why: str) -> None:
        """Fall back when one way is exhausted (an unanswered call): next way, next contact, manual task (A10, Q42)."""
        found = await self._o.letters.get(message_id)
        if found is None:
            return
        instead = await self._outbound.instead(found.message, why)
        if await self._o.letters.give_up(message_id, why, instead.letters, instead.notes):
            if instead.hasten:
                await self._o.letters.bring_forward(*instead.hasten)
            self.nudge()

    async def close(self, seconds: float = 20.0) -> None:
        """Claim nothing more and let sends in flight finish; queued items stay for other processes (FM2).

        Call it before the run is cancelled: an interrupted claim would have to wait for its lease to expire.
        """
        self._closing = True
        self._woken.set()
        if self._tasks:
            await asyncio.wait(set(self._tasks), timeout=seconds)

    # -- looking

    async def _rescue(self) -> None:
        """Free messages whose lease has expired (FM1); those out of attempts fall back to the next way."""
        now = self._o.real()
        if abs(now - self._rescued_at) < self._o.lease_seconds / 10:
            return
        self._rescued_at = now
        o = self._o
        worn = await o.letters.release_expired(list(o.channels), o.real_now(), o.office.clock.now(), MOST_ATTEMPTS)
        for claimed in worn:
            log.error("message_dead", letter=claimed.message.id, kind=claimed.message.kind)
            instead = await self._outbound.instead(claimed.message, "worn_out")
            await o.letters.add(instead.letters, instead.notes)

    async def _look(self) -> int:
        """Queue what is new: urgent always, the rest when few wait; return how many were new."""
        self._woken.clear()
        o = self._o
        self._looked_at = asyncio.get_running_loop().time()
        few = len(self._line) < FEW_WAITING
        names, now = list(o.channels), o.office.clock.now()
        found = await o.letters.list_waiting(names, now, MOST_WAITING if few else FEW_WAITING, urgent=not few)
        fresh = [w for w in found if not self._line.has(card=False, id=w.id)]
        merged = await self._merge(fresh)
        by_code = (await o.office.snapshot()).by_code
        for w in fresh:
            if w.id not in merged:
                person = by_code.get(w.person)
                address = (person.address if person and person.chat == w.channel else None) or f"?{w.person}"
                self._line.put(Job(False, w.id, w.channel, address, w.urgent))
        count = len(fresh)
        if few:
            for card in await o.cards.list_stale(names, now, o.real_now(), FEW_WAITING):
                if not self._line.has(card=True, id=card.id):
                    self._line.put(Job(True, card.id, card.channel, card.address, False))
                    count += 1
        return count

    async def _merge(self, fresh: Sequence[WaitingMessage]) -> set[int]:
        """Merge many general reminders of one person into one digest at its hour (§6.3, FS17)."""
        o = self._o
        limit = (await o.office.snapshot()).settings.integer("remind.merge_over")
        piles: dict[tuple[str, str], list[int]] = {}
        for w in fresh:
            if w.kind in MERGED and not w.urgent:
                piles.setdefault((w.channel, w.person), []).append(w.id)
        merged: set[int] = set()
        for (channel, person), ids in piles.items():
            if len(ids) <= limit:
                continue
            now = o.office.clock.now()
            taken = await o.letters.claim(o.owner, [channel], now, len(ids), o.lease(), ids)
            merged.update(ids)
            if not taken:
                continue
            when = digest_at(await o.office.snapshot(), [c.message for c in taken], now)
            planned = await o.letters.find_next_send("M5", channel, person)
            digests: tuple[Message, ...] = ()
            if planned is None or planned > when:
                await o.ids.refill(1)
                first = taken[0].message
                digests = (Message(o.ids.take(), "M5", channel, person, None, None, 0, False, when, now,
                                  {"merged": len(taken)}, cause_id=first.id),)  # fmt: skip
            await o.letters.settle([
                SendResult(c.message.id, c.owner, c.message.attempts, "skipped", now, error="merged",
                           messages=digests if c is taken[0] else ())
                for c in taken
            ])  # fmt: skip
            self._handled += len(taken)
            self._woken.set()
        return merged

    # -- sending

    async def _take_in_hand(self, jobs: Sequence[Job]) -> None:
        """Claim these jobs under our lease and start each; skip what another process has claimed."""
        o = self._o
        messages = [j.id for j in jobs if not j.card]
        cards = [j.id for j in jobs if j.card]
        taken: dict[tuple[bool, int], Callable[[], Awaitable[None]]] = {}
        try:
            if messages:
                now = o.office.clock.now()
                for claimed in await o.letters.claim(
                    o.owner, list(o.channels), now, len(messages), o.lease(), messages
                ):
                    taken[False, claimed.message.id] = lambda c=claimed: self._outbound.deliver(c)  # type: ignore[misc]
            if cards:
                for card in await o.cards.claim(o.owner, cards, o.real_now(), o.lease()):
                    taken[True, card.id] = lambda c=card: self._redraw.draw(c)  # type: ignore[misc]
        except BaseException:
            for job in jobs:
                self._line.done(job)
            raise
        for job in jobs:
            work = taken.get(job.key)
            if work is None:
                self._line.done(job)
                continue
            task = asyncio.create_task(self._carry(job, work))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _carry(self, job: Job, work: Callable[[], Awaitable[None]]) -> None:
        """Run one job; jobs of one chat run one after another, in the order they were taken."""
        chat = self._chats.setdefault((job.channel, job.address), asyncio.Lock())
        try:
            async with chat:
                await work()
        except Exception as error:  # one bad message never stops a run; it returns when its lease expires
            log.exception("job_failed", card=job.card, id=job.id, error=type(error).__name__)
        finally:
            self._handled += 1
            self._line.done(job)
            self._changed.set()

    async def _rest(self, seconds: float) -> None:
        """Wait until a job is done or the worker is woken, at most `seconds`."""
        self._changed.clear()
        waits = [asyncio.create_task(self._changed.wait()), asyncio.create_task(self._woken.wait())]
        try:
            await asyncio.wait(waits, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for one in waits:
                one.cancel()


__all__ = ["Bindings", "ClaimedMessage", "Courier"]
