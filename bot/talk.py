"""One update of one person: who they are, where, and how they are answered; a press is answered exactly once."""

import asyncio
import contextlib
import time
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import aiohttp
import structlog
from aiogram.exceptions import AiogramError
from aiogram.types import CallbackQuery, ForceReply, Message, ReplyKeyboardMarkup, ReplyKeyboardRemove, Update

from backend.domain.acts import Act, Actor
from backend.domain.button_data import ButtonData, encode
from backend.domain.records import Person
from backend.domain.refusals import Refused
from backend.domain.spoken_time import format_time
from backend.domain.ticket import Source
from backend.ports.chat_state import OpenQuestion
from backend.tickets.service import ActResult
from bot.house import CHANNEL, House
from notify.channel import DeliveryError
from notify.message import Button, Card, Receipt

log = structlog.get_logger("bot")
WORKING_AFTER = 0.7  # seconds until a press is answered "working" (contract §6: within 1 s)
QUESTION_LIVES = timedelta(days=1)
REMEMBERED = 8  # newest questions whose messages may still be replied to
TOAST = 200  # characters (FT26)
PATIENCE = 10.0  # seconds a conversation waits for the rate limiter or a 429
ACCIDENTS = (AiogramError, aiohttp.ClientError, TimeoutError, OSError)

#: rows of buttons: (catalogue key of the label, press)
Rows = Sequence[Sequence[tuple[str, ButtonData]]]


class Talk:
    """The conversation of one update."""

    def __init__(self, house: House, update: Update, inbox_id: int | None, attempt: int) -> None:
        self.house = house
        self.say_key = house.catalogue.render
        self.inbox_id = inbox_id
        self.attempt = attempt
        self.press: CallbackQuery | None = update.callback_query
        self.message: Message | None = update.message or update.edited_message
        self.person: Person | None = None
        member = update.my_chat_member
        holder = self.press or self.message or member
        user = holder.from_user if holder else None
        self.user_id = str(user.id) if user else ""
        self.chat_id: int | None = None
        self.message_id: int | None = None
        self.private = False
        held = self.press.message if self.press else self.message
        chat = held.chat if held else member.chat if member else None
        if chat is not None:
            self.chat_id, self.private = chat.id, chat.type == "private"
        if held is not None:
            self.message_id = held.message_id
        self._answered = self.press is None
        self._watch: asyncio.Task[None] | None = None
        self.kept = False  # a move has marked the update as done

    # -- who

    @property
    def who(self) -> Person:
        """The bound person. Refused `unbound` (M23)."""
        if self.person is None:
            raise Refused("unbound")
        return self.person

    @property
    def actor(self) -> Actor:
        """The bound person as an actor."""
        return Actor(self.who.code, self.who.role, self.who.unit)

    @property
    def now(self) -> datetime:
        """The office's current time."""
        return self.house.office.clock.now()

    # -- acting

    async def act(self, verb: str, *, assignment_id: int | None = None, ticket_no: str | None = None,
                  card: int | None = None, **words: Any) -> ActResult:  # fmt: skip
        """Perform one act; the same transaction marks the update as done. Refused as the act is."""
        act = Act(verb, self.actor, Source.TELEGRAM, ticket_no=ticket_no, assignment_id=assignment_id,
                  arguments=words, seen_version=card, inbox_id=self.inbox_id)  # fmt: skip
        moved = await self.house.desk.act(act)
        self.kept |= self.inbox_id is not None and moved.plan is not None
        return moved

    async def note(self, what: str, **facts: Any) -> None:
        """Write an audit row about this user (FT13)."""
        who = self.person.code if self.person else f"{CHANNEL}:{self.user_id}"
        await self.house.audit.record(self.now, who, what, None, **facts)

    # -- answering

    def watch(self) -> None:
        """Answer the press "working" in time when its handler takes long."""

        async def soon() -> None:
            await asyncio.sleep(WORKING_AFTER)
            await self.toast(self.say_key("toast.working"))

        if not self._answered:
            self._watch = asyncio.create_task(soon())

    async def toast(self, text: str) -> bool:
        """Answer the press, once; False when already answered or there is none. A late answer is no error (FT12)."""
        if self._answered or self.press is None:
            return False
        self._answered = True
        if self._watch is not None and self._watch is not asyncio.current_task():
            self._watch.cancel()
        try:
            await self.house.bot.answer_callback_query(self.press.id, text=text[:TOAST] or None)
        except ACCIDENTS as accident:
            log.info("press_not_answered", error=type(accident).__name__)
        return True

    async def tell(self, text: str) -> None:
        """Send a text: as a toast while the press is unanswered, else as a message."""
        if not await self.toast(text):
            await self.say(text)

    async def told(self, key: str, **facts: Any) -> None:
        """Send a text of the catalogue, as `tell` does."""
        await self.tell(self.say_key(key, **facts))

    async def say(self, text: str, buttons: Rows = ()) -> str | None:
        """Send a message in this chat, as a reply where it answers one; return its id, None when it failed."""
        if self.chat_id is None:
            return None
        label = self.house.catalogue
        keys = tuple(tuple(Button(label.render(name), encode(p)) for name, p in row) for row in buttons)
        reply = None if self.private and self.press is None else self.message_id
        sent = await self.send(str(self.chat_id), Card(text, keys), None if reply is None else str(reply))
        return sent.provider_id if sent else None

    async def send(self, address: str, card: Card, reply_to: str | None = None) -> Receipt | None:
        """Send a card to any chat within the rate limits; None when it could not be sent."""
        for patient in (True, False):
            if not await self._paced(address):
                log.warning("chat_text_not_sent", error="no pace left")
                return None
            try:
                return await self.house.channel.send(address, card, reply_to=reply_to)
            except DeliveryError as error:
                if error.kind == "throttled" and patient and (error.retry_after or 0) <= PATIENCE:
                    await asyncio.sleep(error.retry_after or 1)
                    continue
                await self._unsaid(error)
                return None
        return None

    async def _paced(self, address: str) -> bool:
        """Wait for the rate limiter; False when that would take longer than `PATIENCE`."""
        buckets = self.house.channel.buckets(address)
        waited = 0.0
        while (seconds := await self.house.pace.take(buckets, time.time())) > 0:
            waited += seconds
            if waited > PATIENCE:
                return False
            await asyncio.sleep(seconds)
        return True

    async def _unsaid(self, error: DeliveryError) -> None:
        log.warning("chat_text_not_sent", error=str(error))
        if error.kind == "dead_address" and self.private and self.person and not error.new_address:
            await self.lost(error.code)

    async def lost(self, reason: str) -> None:
        """Unbind the person whose chat is dead (FT20), and ask their colleagues to have them bind again."""
        person = self.who
        if not await self.house.registry.drop_binding(person.code, CHANNEL, reason):
            return
        units = (await self.house.office.snapshot()).config.units
        unit = units[person.unit].name if person.unit in units else person.unit
        text = self.say_key("chat.address_dead", unit=unit, name=person.name)
        for colleague in await self.house.registry.list_colleagues(person):
            await self.send(str(colleague.address), Card(text))

    async def say_with(self, text: str, markup: ForceReply | ReplyKeyboardMarkup | ReplyKeyboardRemove) -> str | None:
        """Send a short text with a markup other than buttons; return its id, None when it failed."""
        if self.chat_id is None:
            return None
        if not await self._paced(str(self.chat_id)):
            return None
        try:
            sent = await self.house.bot.send_message(self.chat_id, text, reply_markup=markup)
        except ACCIDENTS as accident:
            log.warning("chat_text_not_sent", error=type(accident).__name__)
            return None
        return str(sent.message_id)

    async def refuse(self, refused: Refused) -> None:
        """Send a refusal as text."""
        await self.tell(await self.words_of(refused))

    async def words_of(self, refused: Refused) -> str:
        """Return the text of a refusal, with names for codes and formatted times."""
        if refused.code == "unbound":
            return self.say_key("chat.M23")
        facts = dict(refused.facts)
        if isinstance(facts.get("by"), str):
            facts["by"] = await self.name_of(facts["by"])
        for name in ("at", "due", "latest", "until"):
            if isinstance(facts.get(name), str):
                with contextlib.suppress(ValueError):
                    facts[name] = self.when(datetime.fromisoformat(facts[name]))
        return self.house.catalogue.render_refusal(refused.code, facts)

    async def name_of(self, code: str) -> str:
        """Return the name behind a person's code; the clock is called the system."""
        person = (await self.house.office.snapshot()).by_code.get(code)
        if person is not None:
            return person.name
        return self.house.catalogue.get_word("source", "clock") if code == "system" else code

    def when(self, at: datetime) -> str:
        """Format an instant as cards do."""
        language = "zh" if self.house.catalogue.language.startswith("zh") else "en"
        return format_time(at, self.now, language, self.house.office.clock.zone)

    # -- asking

    async def ask(
        self, key: str, what: str, subject: int, *, no: str = "", said: Mapping[str, Any] | None = None
    ) -> None:
        """Ask a question to be answered by a reply, or in private by plain text.

        `said` are facts of the question besides the ticket's number.
        """
        sent = await self.say_with(self.say_key(key, ticket_no=no, **(said or {})), ForceReply(selective=True))
        await self.expect(what, subject, sent)
        await self.toast(self.say_key("toast.asked"))

    async def expect(self, what: str, subject: int, message_id: str | None, **facts: Any) -> None:
        """Store the open question."""
        now = self.now
        before = await self.house.drafts.find_question(CHANNEL, self.user_id, now)
        asked = dict(before.facts.get("messages", {})) if before else {}
        if message_id is not None:
            asked[message_id] = [what, subject]
        asked = dict(list(asked.items())[-REMEMBERED:])
        body = {**facts, "subject": subject, "messages": asked}
        await self.house.drafts.save_question(
            CHANNEL, self.user_id, OpenQuestion(what, body), now, now + QUESTION_LIVES
        )

    async def remember(self, message_id: str | None, subject: int) -> None:
        """Store that replies to this message are about that assignment; the open question stays open."""
        if message_id is None:
            return
        now = self.now
        before = await self.house.drafts.find_question(CHANNEL, self.user_id, now) or OpenQuestion("")
        asked = {**before.facts.get("messages", {}), message_id: ["", subject]}
        body = {**before.facts, "messages": dict(list(asked.items())[-REMEMBERED:])}
        await self.house.drafts.save_question(
            CHANNEL, self.user_id, OpenQuestion(before.what, body), now, now + QUESTION_LIVES
        )

    async def leave(self, asked: OpenQuestion) -> None:
        """Close the question for plain text; a reply to its message still answers it."""
        kept, now = OpenQuestion("", {"messages": asked.facts.get("messages", {})}), self.now
        await self.house.drafts.save_question(CHANNEL, self.user_id, kept, now, now + QUESTION_LIVES)

    async def settled(self) -> None:
        """Clear the open question, which was answered."""
        await self.house.drafts.delete_question(CHANNEL, self.user_id)

    # -- the message that was pressed

    async def strip(self) -> None:
        """Remove the buttons of the pressed message."""
        if self.press is None or self.chat_id is None or self.message_id is None:
            return
        with contextlib.suppress(*ACCIDENTS):
            await self.house.bot.edit_message_reply_markup(chat_id=self.chat_id, message_id=self.message_id)

    async def redraw(self) -> None:
        """Update the pressed message: render a card again, remove the buttons of anything else (FT14)."""
        if self.press is None or self.chat_id is None or self.message_id is None:
            return
        address, message = str(self.chat_id), str(self.message_id)
        held = await self.house.book.find(CHANNEL, address, message)
        drawn = await self.house.cards.render_held(held) if held else None
        if drawn is None:
            await self.strip()
            return
        try:
            await self.house.channel.edit(address, message, drawn.card)
        except DeliveryError as error:
            log.info("chat_card_not_updated", error=str(error))
