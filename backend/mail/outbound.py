"""Sends one claimed message: re-check, rate limit, send, settle, fall back (FT17-FT25, FM4, FS15)."""

import asyncio
import contextlib
from collections.abc import Sequence
from datetime import datetime, timedelta

import structlog

from backend.cards import Drawn
from backend.domain import retry
from backend.domain.records import Message, Person
from backend.mail.fallback import Case, Fallback, fall_back, tell_unit
from backend.mail.kinds import ANSWERS, MUST_ARRIVE, REMINDERS
from backend.mail.outfit import Gate, Outfit
from backend.mail.settling import Settling
from backend.ports.cards import NewCard
from backend.ports.moves import TicketRef
from backend.ports.outbox import ClaimedMessage, SendResult
from notify.channel import DeliveryError
from notify.message import Receipt

log = structlog.get_logger("delivery")
DRAWINGS = 5  # attempts at a message that cannot be rendered (FM7)
#: seconds of lease that must be left when a message is sent: the provider's time limit (15 s) and a margin
SENDING = 20.0
#: error codes of our own configuration (a wrong token): retried, not held against the address
OURS = frozenset({"auth"})


class Outbound:
    """Sends one claimed message and settles it."""

    def __init__(self, outfit: Outfit, settling: Settling, gate: Gate, at_once: int) -> None:
        self._o = outfit
        self._settling = settling
        self._places = asyncio.Semaphore(at_once)  # normal messages between rendering and the provider's answer
        self._gate = gate
        self._closed: dict[tuple[str, str], float] = {}  # addresses blocked for long by a 429 (FT18), real seconds
        self._held: dict[tuple[str, str], datetime] = {}  # addresses held briefly (FT17), office time

    async def deliver(self, claimed: ClaimedMessage) -> None:
        """Send the message or record why not; it is always settled here or left to its lease."""
        message, o = claimed.message, self._o
        person = (await o.office.snapshot()).by_code.get(message.person)
        if person is None or person.chat != message.channel or person.address is None:
            await self.fail(claimed, "unbound")
            return
        wanted = (await o.office.snapshot()).after_quiet_hours(person.code, o.office.clock.now())
        if not message.urgent and message.kind not in ANSWERS and wanted > o.office.clock.now():
            await self._settle(claimed, "pending", error="quiet", not_before=wanted)  # the person's own /quiet
            return
        if self._closed.get((message.channel, person.address), 0.0) > o.real():
            await self._shut(claimed, person.address)
            return
        if (until := self._held.get((message.channel, person.address))) and until > o.office.clock.now():
            await self._settle(claimed, "pending", error="held", not_before=until)
            return
        outcome: Receipt | DeliveryError | Exception | None = None
        drawn: Drawn | None = None
        async with contextlib.nullcontext() if message.urgent else self._places:
            try:
                drawn = await o.draw.draw(message)
            except Exception as error:
                outcome = error
            if drawn is not None:
                outcome = await self._send(claimed, person.address, drawn)
                if outcome is None:
                    log.warning("message_lease_lost", letter=message.id)
                    return
        if isinstance(outcome, DeliveryError):
            await self._failed(claimed, person, person.address, outcome)
        elif isinstance(outcome, Exception):
            await self._undrawable(claimed, outcome)
        elif drawn is None or outcome is None:
            await self._settle(claimed, "skipped", error="moot")
        else:
            await self._sent(claimed, person.address, drawn, outcome)

    async def _send(self, claimed: ClaimedMessage, address: str, drawn: Drawn) -> Receipt | DeliveryError | None:
        """Return the provider's answer; None if our lease expired while waiting for the rate limiter."""
        channel = self._o.channels[claimed.message.channel]
        await self._gate.leave(channel, address, claimed.message.urgent)
        if not await self._still_ours(claimed):
            return None
        try:
            return await channel.send(address, drawn.card, again=self._o.again if claimed.uncertain_sends else "")
        except DeliveryError as error:
            return error

    async def fail(
        self, claimed: ClaimedMessage, why: str, state: str = "failed", also: Fallback | None = None
    ) -> None:
        """Settle a message that will not arrive, together with its replacements."""
        instead = await self.instead(claimed.message, why)
        await self._settle(claimed, state, error=why, instead=instead, also=also or Fallback())
        if instead.hasten:
            await self._o.letters.bring_forward(*instead.hasten)

    async def instead(self, message: Message, why: str) -> Fallback:
        """Decide what to write when a message cannot arrive."""
        return fall_back(await self._case(message, why))

    async def _case(self, message: Message, why: str) -> Case:
        o = self._o
        await o.ids.refill(64)
        snap, family = None, []
        if message.ticket_id is not None:
            snap = await o.moves.load(TicketRef(ticket_id=message.ticket_id))
            family = await o.letters.list_by_assignment(message.ticket_id, message.assignment_id)
        return Case(message, why, family, snap, await o.office.snapshot(), o.office.clock.now(), o.ids.take)

    async def _still_ours(self, claimed: ClaimedMessage) -> bool:
        """Renew the lease when it runs short; False when it has expired (FS15, FM15)."""
        left = claimed.lease_until.timestamp() - self._o.real()
        if left >= min(SENDING, self._o.lease_seconds / 2):
            return True
        return await self._o.letters.renew(claimed, self._o.lease())

    async def _sent(self, claimed: ClaimedMessage, address: str, drawn: Drawn, receipt: Receipt) -> None:
        message = claimed.message
        at = self._o.office.clock.now()
        card = None
        if message.ticket_id is not None:
            card = NewCard(
                message.channel, address, receipt.provider_id, message.person, message.ticket_id,
                message.assignment_id, message.kind, drawn.version, at, drawn.facts, message.kind in REMINDERS,
            )  # fmt: skip
        kept = await self._settling.settle(
            SendResult(
                message.id,
                claimed.owner,
                message.attempts,
                "sent",
                at,
                provider_id=receipt.provider_id,
                address=address,
                cost=receipt.cost,
                card=card,
            )  # fmt: skip
        )
        log.info("message_sent", letter=message.id, kind=message.kind, attempt=message.attempts, kept=kept)

    async def _failed(self, claimed: ClaimedMessage, person: Person, address: str, error: DeliveryError) -> None:
        message, o = claimed.message, self._o
        log.info("message_not_sent", letter=message.id, kind=message.kind, attempt=message.attempts, why=str(error))
        if error.new_address and error.new_address != address:
            await o.cards.replace_address(message.channel, address, error.new_address)
            o.office.invalidate()
            await self._later(claimed, timedelta(), "moved")
            return
        if error.kind == "ambiguous" and claimed.uncertain_sends:
            await self.fail(claimed, f"ambiguous {error.code}", "ambiguous")  # one marked copy, never more (FT24)
            return
        kind = "transient" if error.code in OURS else error.kind
        after = timedelta(seconds=error.retry_after) if error.retry_after is not None else None
        step = retry.decide_after_delivery(kind, message.attempts, o.jitter(), after)
        if isinstance(step, retry.Retry):
            if kind == "throttled":
                until = await self._hold(message, person, address, step.delay)
                await self._settle(claimed, "pending", error=f"{error.kind} {error.code}", not_before=until)
                return
            await self._later(claimed, step.delay, f"{error.kind} {error.code}", doubt=step.marked)
            return
        if kind == "throttled" and after is not None:
            self._closed[message.channel, address] = o.real() + after.total_seconds()
            await self._shut(claimed, address)
            return
        also = Fallback()
        if isinstance(step, retry.NextContact) and step.address_dead:
            await o.bindings.drop_binding(person.code, message.channel, error.code)
            o.office.invalidate()
            also = tell_unit(await self._case(message, error.code), person)
        await self.fail(claimed, f"{error.kind} {error.code}", also=also)

    async def _shut(self, claimed: ClaimedMessage, address: str) -> None:
        """The chat is blocked for long: what must arrive falls back, the rest waits (FT18)."""
        message = claimed.message
        left = timedelta(seconds=max(1.0, self._closed[message.channel, address] - self._o.real()))
        if message.kind in MUST_ARRIVE:
            await self.fail(claimed, f"throttled {int(left.total_seconds())}")
        else:
            await self._later(claimed, left, "throttled")

    async def _hold(self, message: Message, person: Person, address: str, span: timedelta) -> datetime:
        """Hold one chat: all its messages until the same instant, so that they keep their order."""
        o = self._o
        until = self._held[message.channel, address] = o.office.clock.now() + span
        o.hold(message.channel, address, o.real() + span.total_seconds())
        everybody = (await o.office.snapshot()).by_code.values()
        here = [p.code for p in everybody if p.chat == message.channel and p.address == address]
        await o.letters.postpone(message.channel, here or [person.code], until, ())
        return until

    async def _undrawable(self, claimed: ClaimedMessage, error: Exception) -> None:
        message = claimed.message
        log.exception("message_unrenderable", letter=message.id, kind=message.kind, error=type(error).__name__)
        if message.attempts >= DRAWINGS:
            await self.fail(claimed, f"undrawable {type(error).__name__}", "dead")
        else:
            await self._later(claimed, timedelta(seconds=2.0**message.attempts), "undrawable")

    async def _later(self, claimed: ClaimedMessage, span: timedelta, error: str, *, doubt: bool = False) -> None:
        await self._settle(claimed, "pending", error=error, not_before=self._o.office.clock.now() + span, doubt=doubt)

    async def _settle(
        self,
        claimed: ClaimedMessage,
        state: str,
        *,
        error: str,
        not_before: datetime | None = None,
        doubt: bool = False,
        instead: Fallback | None = None,
        also: Fallback | None = None,
    ) -> bool:
        parts: Sequence[Fallback] = [f for f in (instead, also) if f is not None]
        message = claimed.message
        return await self._settling.settle(
            SendResult(
                message.id,
                claimed.owner,
                message.attempts,
                state,
                self._o.office.clock.now(),
                not_before=not_before,
                error=error,
                is_uncertain=doubt,
                messages=tuple(x for f in parts for x in f.letters),
                notes=tuple(n for f in parts for n in f.notes),
            )  # fmt: skip
        )
