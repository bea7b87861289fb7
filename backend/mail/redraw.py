"""Updates an outdated card: edits it in place, or sends it again when it is gone and still matters (FT14, FT22)."""

from datetime import timedelta

import structlog

from backend.cards import WHOLE
from backend.domain import retry
from backend.domain.records import Message
from backend.mail.kinds import LIVING_KINDS, UNDER_WAY
from backend.mail.outfit import Gate, Outfit
from backend.ports.cards import HeldCard
from backend.ports.moves import TicketRef
from notify.channel import DeliveryError, EditResult

log = structlog.get_logger("delivery")
TRIES = 8


class Redraw:
    """Updates one claimed card. An edit may be repeated freely, so no outcome is ambiguous."""

    def __init__(self, outfit: Outfit, gate: Gate) -> None:
        self._o = outfit
        self._gate = gate

    async def draw(self, card: HeldCard) -> None:
        """Edit the chat message to show the current state; "not modified" counts as done."""
        o, channel = self._o, self._o.channels[card.channel]
        try:
            drawn = await o.draw.held(card)
        except Exception as error:
            log.exception("card_unrenderable", card=card.id, kind=card.kind, error=type(error).__name__)
            await self._later(card, timedelta(seconds=2.0 ** min(card.attempts, 8)))
            return
        if drawn is None or not channel.can.edit:
            await o.cards.mark_gone(card.id)
            return
        await self._gate.leave(channel, card.address, False)
        try:
            result = await channel.edit(card.address, card.message_id, drawn.card)
        except DeliveryError as error:
            await self._failed(card, error)
            return
        if result is EditResult.GONE:
            await o.cards.mark_gone(card.id)
            await self._anew(card)
            return
        await o.cards.mark_shown(card.id, o.owner, drawn.version)

    async def _failed(self, card: HeldCard, error: DeliveryError) -> None:
        log.info("card_not_updated", card=card.id, kind=card.kind, why=str(error))
        after = timedelta(seconds=error.retry_after) if error.retry_after is not None else None
        if error.kind == "throttled" and after is not None:
            self._o.hold(card.channel, card.address, self._o.real() + after.total_seconds())
            await self._later(card, after, throttled=True)
            return
        kind = "transient" if error.kind in ("ambiguous", "throttled") or error.code == "auth" else error.kind
        step = retry.decide_after_delivery(kind, card.attempts, self._o.jitter())
        if isinstance(step, retry.Retry):
            await self._later(card, step.delay)
        else:
            await self._o.cards.mark_gone(card.id)

    async def _later(self, card: HeldCard, span: timedelta, *, throttled: bool = False) -> None:
        if card.attempts >= TRIES and not throttled:
            await self._o.cards.mark_gone(card.id)
            return
        await self._o.cards.postpone(card.id, self._o.owner, self._o.office.clock.now() + span)

    async def _anew(self, card: HeldCard) -> None:
        """Send a live card of an open assignment again."""
        o = self._o
        if card.kind not in LIVING_KINDS or card.kind == WHOLE or card.assignment_id is None:
            return
        snap = await o.moves.load(TicketRef(assignment_id=card.assignment_id))
        target = snap.find_assignment(card.assignment_id) if snap else None
        if snap is None or target is None or target.ended_at is not None or target.state not in UNDER_WAY:
            return
        await o.ids.refill(1)
        now = o.office.clock.now()
        await o.letters.add([
            Message(o.ids.take(), "C1", card.channel, card.person, card.ticket_id, card.assignment_id,
                   snap.ticket.version, snap.ticket.grade == "urgent", now, now, {"instead_of": card.message_id})
        ])  # fmt: skip
