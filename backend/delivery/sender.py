"""Sends one claimed message: re-check, rate limit, send, settle, fall back (FT17-FT25, FM4, FS15)."""

import asyncio
import math
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta

import structlog

from backend.delivery.ask_slots import AskSlots
from backend.delivery.batch_writer import MAX_PAUSE, BatchWriter
from backend.delivery.cards import RenderedCard
from backend.delivery.chat_holds import ChatHolds
from backend.delivery.fallback import Fallback, is_given_up, plan_colleague_notice, plan_fallback
from backend.delivery.fallback_context import FallbackContext
from backend.delivery.in_hand import InHand
from backend.delivery.kinds import MUST_ARRIVE, REMINDER_KINDS, REPLY_KINDS
from backend.delivery.rate_gate import DeliveryDependencies, RateGate
from backend.domain import retry
from backend.domain.records import Message, Person
from backend.ports.availability import Unavailable
from backend.ports.chat import NewCard
from backend.ports.outbox import ClaimedMessage, SendResult
from backend.ports.tickets import TicketRef
from notify.channel import DeliveryError
from notify.message import Receipt

log = structlog.get_logger("delivery")
PUT_BACK = timedelta(seconds=1)  # for a message that the database could not serve
MAX_RENDER_ATTEMPTS = 5  # attempts at a message that cannot be rendered (FM7)
OWN_ERRORS = frozenset({"auth"})  # of our own configuration (a wrong token): retried, not held against the address


class MessageSender:
    """Sends one claimed message and settles it."""

    def __init__(
        self, deps: DeliveryDependencies, writer: BatchWriter, gate: RateGate, slots: AskSlots, in_hand: InHand
    ) -> None:
        self._deps = deps
        self._writer = writer
        self._slots = slots
        self._in_hand = in_hand
        self._gate = gate
        self._requested: set[int] = set()  # messages in hand whose provider was really asked
        self._holds = ChatHolds(deps.clock)

    async def deliver(self, claimed: ClaimedMessage) -> None:
        """Send the message or record why not; it is always settled here or left to its lease."""
        try:
            await self._deliver(claimed)
        except Unavailable:
            await self._put_back(claimed)
        finally:
            self._slots.leave(claimed.message.channel, claimed.message.id)
            self._requested.discard(claimed.message.id)

    async def _deliver(self, claimed: ClaimedMessage) -> None:
        message = claimed.message
        found = await self._find_recipient(claimed)
        if found is None:
            return
        person, address = found
        is_asked = claimed.is_asked
        if not is_asked and not message.urgent:
            is_asked = await self._slots.wait(claimed) and not claimed.uncertain_sends
            if not is_asked and not await self._in_hand.is_kept((False, message.id)):
                log.warning("message_lease_lost", message=message.id)
                return
        try:
            rendered = await self._deps.renderer.render(message)
        except Unavailable:
            raise
        except Exception as error:
            await self._handle_unrenderable(claimed, error)
            return
        if rendered is None:
            await self._settle(claimed, "skipped", error="moot")
            return
        outcome = await self._send(claimed, address, rendered, is_asked=is_asked)
        if outcome is None:
            log.warning("message_lease_lost", message=message.id)
        elif isinstance(outcome, DeliveryError):
            await self._insist(lambda: self._handle_error(claimed, person, address, outcome))
        else:
            await self._settle_sent(claimed, address, rendered, outcome)

    async def _find_recipient(self, claimed: ClaimedMessage) -> tuple[Person, str] | None:
        """Return whom to send to, and where; None when the message was settled without asking anybody."""
        message, o = claimed.message, self._deps
        snapshot = await o.office.snapshot()
        place = snapshot.find_chat(message.person, message.channel)
        if place is None:
            await self.fail(claimed, "unbound")
            return None
        person = snapshot.by_code[message.person]
        quiet_until = snapshot.after_quiet_hours(person.code, o.clock.now())
        if not message.urgent and message.kind not in REPLY_KINDS and quiet_until > o.clock.now():
            await self._settle(claimed, "pending", error="quiet", not_before=quiet_until, waits_for="quiet")
            return None
        chat = message.channel, place.address
        if (left := self._holds.measure_block(chat)) is not None:
            await self._handle_blocked(claimed, left)
            return None
        if until := self._holds.find_hold(chat):
            await self._settle(claimed, "pending", error="held", not_before=until, waits_for="throttle")
            return None
        return person, place.address

    async def _send(
        self, claimed: ClaimedMessage, address: str, rendered: RenderedCard, *, is_asked: bool
    ) -> Receipt | DeliveryError | None:
        """Return the provider's answer; None if the message is no longer ours: a zombie sends nothing (XR5, FS15)."""
        o, message = self._deps, claimed.message
        channel = o.channels[message.channel]
        began = o.clock.monotonic()
        await self._gate.acquire(channel, address, message.urgent)
        waited = o.clock.monotonic() - began
        if not await self._in_hand.is_kept((False, message.id)):
            return None
        if not is_asked and not await self._writer.put(o.build_ask(claimed)):
            return None
        self._requested.add(message.id)
        self._slots.note_request(message.channel, message.id, waited)
        try:
            return await channel.send(address, rendered.card, again=o.copy_prefix if claimed.uncertain_sends else "")
        except DeliveryError as error:
            return error

    async def _put_back(self, claimed: ClaimedMessage) -> None:
        """Let it wait again, once the database serves: no death, no try, no doubt (XR6)."""
        await self._retry_later(claimed, PUT_BACK, "database")

    async def _insist(self, work: Callable[[], Awaitable[None]]) -> None:
        """Do what follows from an answer, once the database serves: what the provider said is not forgotten (G5)."""
        while True:
            try:
                return await work()
            except Unavailable:
                await self._writer.pause(MAX_PAUSE)

    async def fail(
        self, claimed: ClaimedMessage, reason: str, state: str = "failed", also: Fallback | None = None
    ) -> None:
        """Settle a message that will not arrive, together with its replacements."""
        instead = await self.plan_fallback(claimed.message, reason, in_doubt=bool(claimed.uncertain_sends))
        await self._settle(claimed, state, error=reason, instead=instead, also=also or Fallback())

    async def end_lost(self, claimed: ClaimedMessage) -> None:
        """End what a dead process left and nobody may send again, with what stands in for it (XR5, FM7)."""
        state, reason = ("ambiguous", "lease_expired") if claimed.is_asked else ("dead", "worn_out")
        log.error(f"message_{state}", message=claimed.message.id, kind=claimed.message.kind)
        instead = await self.plan_fallback(claimed.message, reason)
        await self._settle(claimed, state, error=reason, instead=instead, is_rescue=True)

    async def plan_fallback(self, message: Message, reason: str, *, in_doubt: bool = False) -> Fallback:
        """Decide what to write when a message cannot arrive; `in_doubt`: it may have, at an earlier try."""
        return plan_fallback(await self._build_context(message, reason, in_doubt=in_doubt))

    async def _build_context(self, message: Message, reason: str, *, in_doubt: bool = False) -> FallbackContext:
        o = self._deps
        await o.ids.refill(64)
        snap, family = None, []
        if message.ticket_id is not None:
            snap = await o.moves.load(TicketRef(ticket_id=message.ticket_id))
            family = await o.outbox.list_by_assignment(message.ticket_id, message.assignment_id)
        rules = await o.office.snapshot()
        return FallbackContext(message, reason, family, snap, rules, o.clock.now(), o.ids.take, in_doubt)

    async def _settle_sent(
        self, claimed: ClaimedMessage, address: str, rendered: RenderedCard, receipt: Receipt
    ) -> None:
        message = claimed.message
        at = self._deps.clock.now()
        card = None
        if message.ticket_id is not None:
            card = NewCard(
                message.channel, address, receipt.provider_id, message.person, message.ticket_id,
                message.assignment_id, message.kind, rendered.version, at, rendered.facts, message.kind in REMINDER_KINDS,
            )  # fmt: skip
        result = SendResult(
            message.id, claimed.owner, message.attempts, "sent", at, provider_id=receipt.provider_id, address=address,
            cost=receipt.cost, card=card,
        )  # fmt: skip
        kept = await self._put(claimed, result)
        log.info("message_sent", message=message.id, kind=message.kind, attempt=message.attempts, kept=kept)

    async def _handle_error(self, claimed: ClaimedMessage, person: Person, address: str, error: DeliveryError) -> None:
        message, o = claimed.message, self._deps
        log.info("message_not_sent", message=message.id, kind=message.kind, attempt=message.attempts, why=str(error))
        if error.new_address and error.new_address != address:
            await o.cards.replace_address(message.channel, address, error.new_address)
            o.office.invalidate()
            await self._retry_later(claimed, timedelta(), "moved")
            return
        if error.kind == "ambiguous" and claimed.uncertain_sends:
            await self.fail(claimed, f"ambiguous {error.code}", "ambiguous")  # one marked copy, never more (FT24)
            return
        kind = "transient" if error.code in OWN_ERRORS else error.kind
        if error.code in OWN_ERRORS:
            o.tell_alarm("bot_refused")
        after = timedelta(seconds=error.retry_after) if error.retry_after is not None else None
        tries = claimed.asks + (not claimed.is_asked)  # a claim is none: only asks count (XR7)
        step = retry.decide_after_delivery(kind, tries, o.chance.fraction(), after)
        if isinstance(step, retry.Retry):
            if kind == "throttled":
                until = await self._hold_chat(message, person, address, step.delay)
                why = f"{error.kind} {error.code}"
                await self._settle(claimed, "pending", error=why, not_before=until, waits_for="throttle")
                return
            await self._retry_later(claimed, step.delay, f"{error.kind} {error.code}", doubt=step.marked)
            return
        if kind == "throttled" and after is not None:
            self._holds.block((message.channel, address), after)
            await self._handle_blocked(claimed, after)
            return
        also = Fallback()
        if isinstance(step, retry.NextContact) and step.address_dead:
            await o.bindings.drop_binding(person.code, message.channel, error.code)
            o.office.invalidate()
            also = plan_colleague_notice(await self._build_context(message, error.code), person)
        await self.fail(claimed, f"{error.kind} {error.code}", also=also)

    async def _handle_blocked(self, claimed: ClaimedMessage, left: timedelta) -> None:
        """The chat is blocked for long: what must arrive falls back, the rest waits (FT18)."""
        left = max(left, timedelta(seconds=1))
        if claimed.message.kind in MUST_ARRIVE:
            await self.fail(claimed, f"throttled {math.ceil(left.total_seconds())}")
        else:
            await self._retry_later(claimed, left, "throttled")

    async def _hold_chat(self, message: Message, person: Person, address: str, span: timedelta) -> datetime:
        """Hold one chat: all its messages until the same instant, so that they keep their order."""
        o = self._deps
        until, end = self._holds.hold((message.channel, address), span)
        o.hold_address(message.channel, address, end)
        everybody = (await o.office.snapshot()).by_code.values()
        here = [p.code for p in everybody for c in p.chats if (c.network, c.address) == (message.channel, address)]
        await o.outbox.postpone(message.channel, here or [person.code], until, ())
        return until

    async def _handle_unrenderable(self, claimed: ClaimedMessage, error: Exception) -> None:
        message = claimed.message
        log.exception("message_unrenderable", message=message.id, kind=message.kind, error=type(error).__name__)
        if message.attempts >= MAX_RENDER_ATTEMPTS:
            await self.fail(claimed, f"undrawable {type(error).__name__}", "dead")
        else:
            await self._retry_later(claimed, timedelta(seconds=2.0**message.attempts), "undrawable")

    async def _retry_later(self, claimed: ClaimedMessage, span: timedelta, error: str, *, doubt: bool = False) -> None:
        await self._settle(claimed, "pending", error=error, not_before=self._deps.clock.now() + span, doubt=doubt)

    async def _settle(
        self,
        claimed: ClaimedMessage,
        state: str,
        *,
        error: str,
        not_before: datetime | None = None,
        waits_for: str = "retry",
        doubt: bool = False,
        instead: Fallback | None = None,
        also: Fallback | None = None,
        is_rescue: bool = False,
    ) -> bool:
        parts: Sequence[Fallback] = [f for f in (instead, also) if f is not None]
        message = claimed.message
        if is_given_up(state, *parts):  # the administrators' business (operations §8)
            self._deps.tell_alarm("message_dead", person=message.person, message=message.kind)
        return await self._put(
            claimed,
            SendResult(
                message.id,
                claimed.owner,
                message.attempts,
                state,
                self._deps.clock.now(),
                not_before=not_before,
                waits_for=waits_for,
                error=error,
                is_uncertain=doubt,
                messages=tuple(x for f in parts for x in f.messages),
                notes=tuple(n for f in parts for n in f.notes),
                call_to_hasten=next((f.call_to_hasten for f in parts if f.call_to_hasten), None),
                was_asked=is_rescue or message.id in self._requested,
                is_rescue=is_rescue,
            ),
        )

    async def _put(self, claimed: ClaimedMessage, result: SendResult) -> bool:
        """Settle; the slot is given on at once, so that the next one's ask is written with this."""
        settled = self._writer.put(result)
        self._slots.leave(claimed.message.channel, claimed.message.id)
        return await asyncio.shield(settled)
