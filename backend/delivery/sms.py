"""Sends the SMS that replace chat and telephone: one-way, no links, at most 70 characters (S1-S3, S7)."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import structlog

from backend.delivery.gateways import SmsGateways
from backend.delivery.kinds import SMS_CHANNEL, is_relevant
from backend.delivery.view import MessageView
from backend.domain import retry
from backend.domain.acts import Snapshot
from backend.domain.chance import Chance
from backend.domain.records import Message
from backend.domain.texts import Texts
from backend.office.cache import OfficeCache
from backend.office.people import People
from backend.office.phone_numbers import to_callable_number
from backend.ports.outbox import ClaimedMessage, OutboxStore, SendResult
from backend.ports.tickets import MoveStore, TicketRef
from notify.channel import DeliveryError
from notify.rate_limit import RateLimiter

log = structlog.get_logger("sms")
MAX_CHARS = 70  # one SMS in mainland China's networks
BATCH = 20
LEASE = timedelta(minutes=2)


@dataclass
class SmsWorker:
    """The worker that sends SMS. Without a gateway each fails at once with `no_carrier`."""

    outbox: OutboxStore
    moves: MoveStore
    office: OfficeCache
    phones: People
    texts: Texts
    rate_limiter: RateLimiter
    owner: str
    chance: Chance
    signature: str
    hotline: str
    gateways: SmsGateways = field(default_factory=SmsGateways)

    async def run_once(self) -> int:
        """Send what is due; return how many were handled. An SMS whose worker died is not sent again (FW14)."""
        clock = self.office.clock
        now = clock.now()
        for lost in (await self.outbox.rescue((SMS_CHANNEL,), now, may_repeat=False, lease=LEASE)).ending:
            await self._settle(lost, "ambiguous", now, "lease_expired", is_rescue=True)
        handled = 0
        for waiting in await self.outbox.list_waiting((SMS_CHANNEL,), now, BATCH):
            gateway = self.gateways.choose("")
            if gateway is not None and await self.rate_limiter.try_acquire(gateway.buckets()):
                break  # the carrier's rate limit: the next run continues
            for claimed in await self.outbox.claim(
                self.owner, (SMS_CHANNEL,), now, 1, LEASE, (waiting.id,), ask=(waiting.id,)
            ):
                await self._send(claimed, now)
                handled += 1
        return handled

    async def render(self, message: Message) -> str | None:
        """Render the SMS; None when it no longer matters. If too long, the ticket number is cut to four digits."""
        snap = await self.moves.load(TicketRef(ticket_id=message.ticket_id)) if message.ticket_id is not None else None
        if snap is None or not is_relevant(message, snap):
            return None
        facts = await self._facts(message, snap)
        text = self.texts.render(f"sms.{message.kind}", **facts)
        if len(text) > MAX_CHARS:
            text = self.texts.render(f"sms.{message.kind}", **(facts | {"ticket_no": snap.ticket.ticket_no[-4:]}))
        return text[:MAX_CHARS]

    async def _facts(self, message: Message, snap: Snapshot) -> dict[str, Any]:
        snapshot = await self.office.snapshot()
        target = snap.find_assignment(message.assignment_id) if message.assignment_id is not None else snap.lead
        now = self.office.clock.now().astimezone(self.office.clock.zone)
        view = MessageView(snap, target, snapshot, now, self.texts, message_facts=message.facts)
        phones = snapshot.settings.strings("notify.duty_phone")
        what = str(message.facts.get("what", ""))
        return {
            "sign": self.signature, "duty_phone": phones[0] if phones else "", "hotline": self.hotline,
            "what": self.texts.get_word_or_value("sms_what", what),
            **{name: view.facts.get(name, "") for name in ("ticket_no", "grade", "sign_due", "close_due")},
        }  # fmt: skip

    async def _send(self, claimed: ClaimedMessage, now: datetime) -> None:
        message = claimed.message
        text = await self.render(message)
        number = to_callable_number(await self.phones.get_phone(message.person), await self.office.snapshot())
        if text is None:
            await self._settle(claimed, "skipped", now, "moot")
        elif number is None:
            await self._settle(claimed, "failed", now, "not_callable")
        elif (gateway := self.gateways.choose(number)) is None:
            await self._settle(claimed, "failed", now, "no_carrier")
        elif gateway is not self.gateways.choose("") and (  # not the one whose limit was asked before
            wait := await self.rate_limiter.try_acquire(gateway.buckets())
        ):
            await self._settle(claimed, "pending", now, "throttled", now + timedelta(seconds=wait))
        else:
            try:
                receipt = await gateway.send(number, text)
            except DeliveryError as error:
                await self._handle_error(claimed, error, now)
                return
            await self.outbox.settle([
                SendResult(message.id, self.owner, message.attempts, "sent", now, provider_id=receipt.provider_id,
                           cost=receipt.cost),
            ])  # fmt: skip

    async def _handle_error(self, claimed: ClaimedMessage, error: DeliveryError, now: datetime) -> None:
        """Settle a failure: an ambiguous send is never repeated, what certainly was not sent is retried."""
        after = timedelta(seconds=error.retry_after) if error.retry_after is not None else None
        step = retry.decide_after_delivery(error.kind, claimed.message.attempts, self.chance.fraction(), after)
        log.warning("sms_not_sent", message=claimed.message.id, kind=error.kind, code=error.code)
        if error.kind != "ambiguous" and isinstance(step, retry.Retry):
            await self._settle(claimed, "pending", now, error.code, now + step.delay)
        else:
            await self._settle(claimed, "ambiguous" if error.kind == "ambiguous" else "failed", now, error.code)

    async def _settle(
        self,
        claimed: ClaimedMessage,
        state: str,
        now: datetime,
        error: str,
        retry_at: datetime | None = None,
        *,
        is_rescue: bool = False,
    ) -> None:
        message = claimed.message
        result = SendResult(
            message.id,
            claimed.owner,
            message.attempts,
            state,
            now,
            not_before=retry_at,
            error=error,
            is_rescue=is_rescue,
        )
        await self.outbox.settle([result])
