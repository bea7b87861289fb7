"""One update of one person: who they are, where, and how they are answered; a press is answered exactly once."""

import asyncio
import contextlib
from collections.abc import Mapping, Sequence
from typing import Any

import structlog

from backend.domain.acts import Act, Actor, Snapshot
from backend.domain.button_data import ButtonData, encode
from backend.domain.records import Person
from backend.domain.refusals import Refused
from backend.domain.ticket_enums import Source
from backend.tickets.service import ActResult
from bot.open_questions import OpenQuestions
from bot.services import BotServices
from notify.channel import Channel, DeliveryError
from notify.chat_events import ChatMoved, LeftChat, Pressed, Said
from notify.chat_network import ChatNetwork
from notify.message import Button, Card, Receipt

log = structlog.get_logger("bot")
AUDITED_REFUSALS = ("not_found", "forbidden", "unbound")  # worth an audit row (FT13, FT34)
MAX_WAIT = 10.0  # seconds a conversation waits for the rate limiter or a 429

#: rows of buttons: (catalogue key of the label, press)
ButtonRows = Sequence[Sequence[tuple[str, ButtonData]]]


class Conversation(OpenQuestions):
    """The conversation of one event. `chat_id` and `message_id` are "" where the network does not tell them."""

    def __init__(
        self,
        services: BotServices,
        network: ChatNetwork,
        event: Said | Pressed | LeftChat | ChatMoved,
        inbox_id: int | None,
        attempt: int,
    ) -> None:
        super().__init__(services, network, event.who.user)
        self.inbox_id = inbox_id
        self.attempt = attempt
        self.press = event if isinstance(event, Pressed) else None
        self.person: Person | None = None
        self.below: frozenset[str] = frozenset()  # units below the person's, whose tickets they may read (XM2)
        self.chat_id, self.private = event.who.chat, event.who.private
        self.message_id = event.message if isinstance(event, Said | Pressed) else ""
        self.pressed_id = self.message_id if self.press else ""  # the message whose button it was, pressed or typed
        self._answered = self.press is None
        self._unsaid = ""  # the toast of a typed press
        self._has_sent = False
        self._watch: asyncio.Task[None] | None = None
        self.said_in = event.message if isinstance(event, Said) else None  # the message that said it (FT29)
        self.marked_done = False  # a move has marked the update as done

    # -- who

    @property
    def bound_person(self) -> Person:
        """The bound person. Refused `unbound` (M23)."""
        if self.person is None:
            raise Refused("unbound")
        return self.person

    @property
    def actor(self) -> Actor:
        """The bound person as an actor."""
        return Actor.of(self.bound_person, self.below)

    @property
    def private_address(self) -> str:
        """The person's own chat on this network, also when they speak in a group; "" without one."""
        if self.private:
            return self.chat_id
        person = self.bound_person
        return (person.address or "") if person.chat == self.network.name else ""

    # -- acting

    async def act(self, verb: str, *, assignment_id: int | None = None, ticket_no: str | None = None,
                  seen_version: int | None = None, final: bool = True, **arguments: Any) -> ActResult:  # fmt: skip
        """Perform one act; the same transaction marks the update as done if it is the `final` one. Refused as it is."""
        act = Act(verb, self.actor, Source(self.network.name), ticket_no=ticket_no, assignment_id=assignment_id,
                  arguments=arguments, seen_version=seen_version, inbox_id=self.inbox_id if final else None)  # fmt: skip
        result = await self.services.tickets.act(act)
        self.marked_done |= act.inbox_id is not None and result.plan is not None
        return result

    async def check(self, verb: str, snap: Snapshot, assignment_id: int | None, **arguments: Any) -> None:
        """Refuse what `act` would refuse now; nothing is written (XM21)."""
        act = Act(verb, self.actor, Source(self.network.name), assignment_id=assignment_id, arguments=arguments)
        await self.services.tickets.check(act, snap)

    async def audit(self, event: str, **facts: Any) -> None:
        """Write an audit row about this user (FT13)."""
        who = self.person.code if self.person else f"{self.network.name}:{self.user_id}"
        await self.services.audit.record(self.now, who, event, None, **facts)

    async def audit_refusal(self, event: str, refused: Refused, **facts: Any) -> None:
        """Write an audit row if somebody asked for what they may not do, or see; many of them are a finding (XS14)."""
        if refused.code in AUDITED_REFUSALS:
            await self.audit(event, code=refused.code, **facts)

    # -- answering

    def answer_in_time(self) -> None:
        """Answer the press "working" in time when its handler takes long."""

        async def soon() -> None:
            await asyncio.sleep(self.network.receiver.can.answer_by)
            await self.show_toast(self.render("toast.working"))

        if not self._answered:
            self._watch = asyncio.create_task(soon())

    async def show_toast(self, text: str) -> bool:
        """Answer the press, once; False when nobody sees it: already answered, or none. A late one is no error (FT12)."""
        self._unsaid = self._unsaid or text
        if self._answered or self.press is None:
            return False
        self._answered = True
        if self._watch is not None and self._watch is not asyncio.current_task():
            self._watch.cancel()
        can = self.network.receiver.can
        if can.in_response:
            return await self.services.answers.give(self.inbox_id or 0, text) and can.toast
        try:
            await self.network.receiver.answer(self.press.token, text)
        except DeliveryError as error:
            log.info("press_not_answered", error=error.code)
        return can.toast

    async def say_unsaid(self) -> None:
        """Send what a press would have shown as a toast, where nothing else answered the typed one."""
        if self._unsaid and not self._has_sent:
            await self.send_text(self._unsaid)

    async def answer(self, text: str) -> None:
        """Send a text: as a toast while the press is unanswered, else as a message that names its ticket."""
        if not await self.show_toast(text):
            await self.send_text(text)

    async def answer_key(self, key: str, **facts: Any) -> None:
        """Send a text of the catalogue, as `tell` does."""
        await self.answer(self.render(key, **facts))

    async def send_text(self, text: str, buttons: ButtonRows = ()) -> str | None:
        """Send a message in this chat, as a reply where it answers one; return its id, None when it failed."""
        texts = self.services.texts
        rows = tuple(tuple(Button(texts.render(name), encode(p)) for name, p in row) for row in buttons)
        return await self.send_card(Card(self.name_subject(text), rows))

    async def send_card(self, card: Card) -> str | None:
        """Send a card in this chat, as a reply where it answers one; return its id, None when it failed."""
        if not self.chat_id:
            return None
        reply = None if self.private and self.press is None else self.message_id
        sent = await self.send(self.chat_id, card, reply or None)
        if sent and card.buttons and self.private:
            await self.keep_captions(card, sent.provider_id)
        return sent.provider_id if sent else None

    async def send(
        self, address: str, card: Card, reply_to: str | None = None, *, network: ChatNetwork | None = None
    ) -> Receipt | None:
        """Send a card to any chat, of this network unless told, within the rate limits; None when it could not be sent."""
        channel = (network or self.network).channel
        for patient in (True, False):
            if not await self._acquire_rate(channel, address):
                log.warning("chat_text_not_sent", error="no pace left")
                return None
            try:
                receipt = await channel.send(address, card, reply_to=reply_to)
                self._has_sent |= address == self.chat_id
                return receipt
            except DeliveryError as error:
                if error.kind == "throttled" and patient and (error.retry_after or 0) <= MAX_WAIT:
                    await asyncio.sleep(error.retry_after or 1)
                    continue
                await self._handle_unsent(error)
                return None
        return None

    async def send_to(self, person: Person, card: Card) -> Receipt | None:
        """Send a card to somebody else, on the network where they are; None when it could not be sent."""
        network = self.services.networks.get(person.chat or "")
        if network is None or not person.address:
            return None
        return await self.send(person.address, card, network=network)

    async def _acquire_rate(self, channel: Channel, address: str) -> bool:
        """Wait for the rate limiter; False when that would take longer than `MAX_WAIT` seconds."""
        buckets = channel.buckets(address)
        waited = 0.0
        while (seconds := await self.services.rate_limiter.try_acquire(buckets)) > 0:
            waited += seconds
            if waited > MAX_WAIT:
                return False
            await asyncio.sleep(seconds)
        return True

    async def _handle_unsent(self, error: DeliveryError) -> None:
        log.warning("chat_text_not_sent", error=str(error))
        if error.kind == "dead_address" and self.private and self.person and not error.new_address:
            await self.unbind_dead_chat(error.code)

    async def unbind_dead_chat(self, reason: str) -> None:
        """Unbind the person whose chat is dead (FT20), and ask their colleagues to have them bind again."""
        person = self.bound_person
        if not await self.services.people.drop_binding(person.code, self.network.name, reason):
            return
        units = (await self.services.office.snapshot()).config.units
        unit = units[person.unit].name if person.unit in units else person.unit
        text = self.render("message.chat_lost", unit=unit, name=person.name)
        for colleague in await self.services.people.list_colleagues(person):
            await self.send_to(colleague, Card(text))

    async def refuse(self, refused: Refused) -> None:
        """Send a refusal as text."""
        await self.answer(await self.format_refusal(refused))

    # -- asking

    async def ask(
        self, key: str, question: str, subject: int, *, ticket_no: str = "", facts: Mapping[str, Any] | None = None
    ) -> None:
        """Ask a question to be answered by a reply, or in private by plain text.

        `facts` are those of the question besides the ticket's number.
        """
        asked = Card(self.render(key, ticket_no=ticket_no, **(facts or {})), expects="reply")
        sent = await self.send(self.chat_id, asked) if self.chat_id else None
        await self.save_question(question, subject, sent.provider_id if sent else None)
        await self.show_toast(self.render("toast.asked"))

    # -- the message that was pressed

    async def remove_buttons(self) -> None:
        """Remove the buttons of the pressed message; their captions press nothing any more."""
        if not (self.pressed_id and self.chat_id):
            return
        if self.private:
            await self.drop_captions(self.pressed_id)
        with contextlib.suppress(DeliveryError):
            await self.network.channel.remove_buttons(self.chat_id, self.pressed_id)

    async def update_card(self) -> None:
        """Update the pressed message: render a card again, remove the buttons of anything else (FT14)."""
        if not (self.pressed_id and self.chat_id):
            return
        held = await self.services.card_store.find(self.network.name, self.chat_id, self.pressed_id)
        rendered = await self.services.cards.render_held(held) if held else None
        if held is None or rendered is None:
            await self.remove_buttons()
            return
        channel = self.network.channel
        if not channel.can.edits.allows(self.now - held.sent_at):
            return
        try:
            await channel.edit(self.chat_id, self.pressed_id, rendered.card)
        except DeliveryError as error:
            log.info("chat_card_not_updated", error=str(error))
