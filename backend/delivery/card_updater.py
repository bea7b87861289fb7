"""Updates an outdated card: edits it in place, or sends it again when it is gone and still matters (FT14, FT22)."""

from datetime import timedelta

import structlog

from backend.delivery.cards import FULL_TICKET
from backend.delivery.kinds import ACTIVE_STATES, LIVE_CARD_KINDS
from backend.delivery.rate_gate import DeliveryDependencies, RateGate
from backend.domain import retry
from backend.domain.records import Message
from backend.ports.availability import Unavailable
from backend.ports.chat import HeldCard
from backend.ports.tickets import TicketRef
from notify.channel import DeliveryError, EditResult

log = structlog.get_logger("delivery")
MAX_ATTEMPTS = 8


class CardUpdater:
    """Updates one claimed card. An edit may be repeated freely, so no outcome is ambiguous."""

    def __init__(self, deps: DeliveryDependencies, gate: RateGate) -> None:
        self._deps = deps
        self._gate = gate

    async def update(self, card: HeldCard) -> None:
        """Edit the chat message to show the current state; "not modified" counts as done."""
        o, channel = self._deps, self._deps.channels[card.channel]
        try:
            rendered = await o.renderer.render_held(card)
        except Unavailable:
            raise
        except Exception as error:
            log.exception("card_unrenderable", card=card.id, kind=card.kind, error=type(error).__name__)
            await self._retry_later(card, timedelta(seconds=2.0 ** min(card.attempts, 8)))
            return
        if rendered is None or channel.can.edits.by == "none":
            await o.cards.mark_gone(card.id)
            return
        if not channel.can.edits.allows(o.clock.now() - card.sent_at):  # too old there: asking is no use
            await self._replace(card)
            return
        await self._gate.acquire(channel, card.address, False)
        try:
            result = await channel.edit(card.address, card.message_id, rendered.card)
        except DeliveryError as error:
            await self._handle_error(card, error)
            return
        if result is EditResult.GONE:
            await self._replace(card)
            return
        await o.cards.mark_shown(card.id, o.owner, rendered.version)

    async def _handle_error(self, card: HeldCard, error: DeliveryError) -> None:
        log.info("card_not_updated", card=card.id, kind=card.kind, why=str(error))
        after = timedelta(seconds=error.retry_after) if error.retry_after is not None else None
        if error.kind == "throttled" and after is not None:
            self._deps.hold_address(card.channel, card.address, self._deps.clock.monotonic() + after.total_seconds())
            await self._retry_later(card, after, throttled=True)
            return
        kind = "transient" if error.kind in ("ambiguous", "throttled") or error.code == "auth" else error.kind
        step = retry.decide_after_delivery(kind, card.attempts, self._deps.chance.fraction())
        if isinstance(step, retry.Retry):
            await self._retry_later(card, step.delay)
        else:
            await self._deps.cards.mark_gone(card.id)

    async def _retry_later(self, card: HeldCard, span: timedelta, *, throttled: bool = False) -> None:
        if card.attempts >= MAX_ATTEMPTS and not throttled:
            await self._deps.cards.mark_gone(card.id)
            return
        await self._deps.cards.postpone(card.id, self._deps.owner, self._deps.clock.now() + span)

    async def _replace(self, card: HeldCard) -> None:
        await self._deps.cards.mark_gone(card.id)
        await self._send_again(card)

    async def _send_again(self, card: HeldCard) -> None:
        """Send a live card of an open assignment again, unless its person holds a newer one on another network."""
        o = self._deps
        if card.kind not in LIVE_CARD_KINDS or card.kind == FULL_TICKET or card.assignment_id is None:
            return
        snap = await o.moves.load(TicketRef(assignment_id=card.assignment_id))
        target = snap.find_assignment(card.assignment_id) if snap else None
        if snap is None or target is None or target.ended_at is not None or target.state not in ACTIVE_STATES:
            return
        person = (await o.office.snapshot()).by_code.get(card.person)
        if person is None or not person.chats or await self._is_held_elsewhere(card, card.assignment_id):
            return
        channel = card.channel if person.find_chat(card.channel) else person.chats[0].network
        await o.ids.refill(1)
        now = o.clock.now()
        await o.outbox.add([
            Message(o.ids.take(), "card_resent", channel, card.person, card.ticket_id, card.assignment_id,
                   snap.ticket.version, snap.ticket.grade == "urgent", now, now, {"instead_of": card.message_id})
        ])  # fmt: skip

    async def _is_held_elsewhere(self, card: HeldCard, assignment_id: int) -> bool:
        """Whether the same person holds a newer live card of the same assignment on another network."""
        held = await self._deps.cards.list_by_assignment(assignment_id)
        return any(
            h.person == card.person and h.channel != card.channel and h.kind in LIVE_CARD_KINDS
            and (h.sent_at, h.id) > (card.sent_at, card.id)
            for h in held
        )  # fmt: skip
