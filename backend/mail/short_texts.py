"""Sends the SMS that replace chat and telephone: one-way, no links, at most 70 characters (S1-S3, S7)."""

import random
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

import structlog

from backend.calls.tools import callable_number
from backend.domain import retry
from backend.domain.acts import Snapshot
from backend.domain.records import Message
from backend.domain.texts import Texts
from backend.mail.by_text import CHANNEL
from backend.mail.kinds import matters
from backend.mail.view import View
from backend.office.cache import OfficeCache
from backend.ports.moves import MoveStore, TicketRef
from backend.ports.outbox import ClaimedMessage, OutboxStore, SendResult
from notify.channel import DeliveryError
from notify.pace import Pacer
from notify.text import Texter

log = structlog.get_logger("sms")
MOST_CHARS = 70  # one SMS in mainland China's networks
AT_ONCE = 20
LEASE = timedelta(minutes=2)


class Phones(Protocol):
    """A person's telephone number (backend/office/people.py)."""

    async def get_phone(self, person: str) -> str | None: ...


@dataclass
class ShortTexts:
    """The worker that sends SMS. Without a carrier (`texter` None) each fails at once with `no_carrier`."""

    letters: OutboxStore
    moves: MoveStore
    office: OfficeCache
    phones: Phones
    catalogue: Texts
    pacer: Pacer
    owner: str
    sign: str
    hotline: str
    texter: Texter | None = None

    async def round(self) -> int:
        """Send what is due; return how many were handled. An SMS whose worker died is not sent again (FW14)."""
        now = self.office.clock.now()
        await self.letters.release_expired((CHANNEL,), datetime.now(UTC), now, 1)
        handled = 0
        for waiting in await self.letters.list_waiting((CHANNEL,), now, AT_ONCE):
            if self.texter is not None and await self.pacer.take(self.texter.buckets(), time.time()):
                break  # the carrier's rate limit: the next run continues
            lease = datetime.now(UTC) + LEASE
            for claimed in await self.letters.claim(self.owner, (CHANNEL,), now, 1, lease, (waiting.id,)):
                await self._send(claimed, now)
                handled += 1
        return handled

    async def words(self, message: Message) -> str | None:
        """Render the SMS; None when it no longer matters. If too long, the ticket number is cut to four digits."""
        snap = await self.moves.load(TicketRef(ticket_id=message.ticket_id)) if message.ticket_id is not None else None
        if snap is None or not matters(message, snap):
            return None
        facts = await self._facts(message, snap)
        whole = self.catalogue.render(f"sms.{message.kind}", **facts)
        if len(whole) > MOST_CHARS:
            whole = self.catalogue.render(f"sms.{message.kind}", **(facts | {"ticket_no": snap.ticket.no[-4:]}))
        return whole[:MOST_CHARS]

    async def _facts(self, message: Message, snap: Snapshot) -> dict[str, Any]:
        snapshot = await self.office.snapshot()
        target = snap.find_assignment(message.assignment_id) if message.assignment_id is not None else snap.lead
        now = self.office.clock.now().astimezone(self.office.clock.zone)
        view = View(snap, target, snapshot, now, self.catalogue, given=message.facts)
        phones = snapshot.settings.strings("notify.duty_phone")
        what = str(message.facts.get("what", ""))
        return {
            "sign": self.sign, "duty_phone": phones[0] if phones else "", "hotline": self.hotline,
            "what": self.catalogue.get_word_or_value("sms_what", what),
            **{name: view.facts.get(name, "") for name in ("ticket_no", "grade", "sign_due", "close_due")},
        }  # fmt: skip

    async def _send(self, claimed: ClaimedMessage, now: datetime) -> None:
        message = claimed.message
        words = await self.words(message)
        number = callable_number(await self.phones.get_phone(message.person), await self.office.snapshot())
        if words is None:
            await self._over(claimed, "skipped", now, "moot")
        elif number is None:
            await self._over(claimed, "failed", now, "not_callable")
        elif self.texter is None:
            await self._over(claimed, "failed", now, "no_carrier")
        else:
            try:
                receipt = await self.texter.send(number, words)
            except DeliveryError as error:
                await self._failed(claimed, error, now)
                return
            await self.letters.settle([
                SendResult(message.id, self.owner, message.attempts, "sent", now, provider_id=receipt.provider_id,
                           cost=receipt.cost),
            ])  # fmt: skip

    async def _failed(self, claimed: ClaimedMessage, error: DeliveryError, now: datetime) -> None:
        """Settle a failure: an ambiguous send is never repeated, what certainly was not sent is retried."""
        after = timedelta(seconds=error.retry_after) if error.retry_after is not None else None
        step = retry.decide_after_delivery(error.kind, claimed.message.attempts, random.random(), after)
        log.warning("sms_not_sent", letter=claimed.message.id, kind=error.kind, code=error.code)
        if error.kind != "ambiguous" and isinstance(step, retry.Retry):
            await self._over(claimed, "pending", now, error.code, now + step.delay)
        else:
            await self._over(claimed, "ambiguous" if error.kind == "ambiguous" else "failed", now, error.code)

    async def _over(
        self, claimed: ClaimedMessage, state: str, now: datetime, why: str, again: datetime | None = None
    ) -> None:  # fmt: skip
        message = claimed.message
        await self.letters.settle([
            SendResult(message.id, self.owner, message.attempts, state, now, not_before=again, error=why),
        ])  # fmt: skip
