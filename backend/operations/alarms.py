"""Alarms: what must reach administrators even when the database is the patient (operations table, XR8)."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Protocol, TypeVar

import structlog

from backend.domain.causes import describe_cause
from backend.domain.spoken_time import format_time
from backend.domain.texts import Texts, find_placeholders
from backend.office.clock import Clock
from backend.operations.alarm_calls import AlarmCalls
from backend.operations.alarm_table import ALARMS, TOLD_AGAIN
from backend.operations.contacts import AlarmContacts, Contact
from backend.ports.availability import Unavailable
from backend.ports.operations import AlarmBook, SentAlarm, ToldAlarm
from notify.channel import Channel, DeliveryError
from notify.message import Card

T = TypeVar("T")
log = structlog.get_logger("alarms")
BOOK_SECONDS = 2.0  # longest wait for the database: an alarm goes out without it
TRIES = 3  # of one chat message
MAX_WAIT_SECONDS = 30.0  # between two of them
Post = Callable[[Mapping[str, Any]], Awaitable[None]]


class Alarms(Protocol):
    """One message a cause; told again after ten minutes at the earliest, edited when healed."""

    async def tell(self, cause: str, **facts: Any) -> None:
        """Tell administrators by whatever way still works; never raises. `cause` is a code of `alarm.*` texts.

        A fact `subject` tells alarms of one cause apart: each is told, and healed, by itself.
        """
        ...

    async def heal(self, cause: str, subject: str = "") -> None:
        """The cause has gone: edit what was told."""
        ...

    async def refresh(self) -> None:
        """Read anew whom to tell and what was told; raises what the database raises."""
        ...


class AlarmTeller:
    """`Alarms` by chat, by telephone and at a URL; what was told is known to all processes while the database answers.

    It sends by itself and not through the outbox: no gate, hold, read-only mode, rate limit or quiet hour holds it.
    """

    def __init__(
        self, book: AlarmBook, contacts: AlarmContacts, channels: Mapping[str, Channel], calls: AlarmCalls | None,
        post: Post | None, texts: Texts, clock: Clock, book_seconds: float = BOOK_SECONDS,
    ) -> None:  # fmt: skip
        self._book = book
        self._contacts = contacts
        self._channels = channels
        self._calls = calls
        self._post = post
        self._texts = texts
        self._clock = clock
        self._book_seconds = book_seconds
        self._told: dict[tuple[str, str], ToldAlarm] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._unsaved: set[tuple[str, str]] = set()  # told while the database was away
        self._locks: dict[tuple[str, str], asyncio.Lock] = {}

    async def tell(self, cause: str, **facts: Any) -> None:
        rule = ALARMS[cause]
        await self.tell_standing(cause, timedelta(), facts, by_call=rule.call is not None)

    def tell_soon(self, cause: str, **facts: Any) -> None:
        """As `tell`, beside what the caller does (`TellAlarm`)."""
        task = asyncio.create_task(self.tell(cause, **facts), name="alarm")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def tell_standing(self, cause: str, standing: timedelta, facts: Mapping[str, Any], *, by_call: bool) -> None:
        """Tell a cause that began `standing` ago, also by telephone if `by_call`; never raises."""
        key = cause, str(facts.get("subject", ""))
        async with self._locks.setdefault(key, asyncio.Lock()):
            try:
                await self._tell(key, standing, facts, by_call)
            except Exception:  # whoever found the cause has other work to do
                log.exception("alarm_failed", cause=cause)

    async def heal(self, cause: str, subject: str = "") -> None:
        key, now = (cause, subject), self._clock.real_now()
        async with self._locks.setdefault(key, asyncio.Lock()):
            here = self._told.pop(key, None)
            told = await self._heal_in_book(key, now)
            if told is None and key in self._unsaved:
                told = here
            self._unsaved.discard(key)
            if told is not None:
                log.info("alarm_over", cause=cause, subject=subject)
                await asyncio.gather(self._edit(replace(told, healed_at=now)), self._post_state(told, "healed"))

    async def _heal_in_book(self, key: tuple[str, str], now: datetime) -> ToldAlarm | None:
        try:
            return await self._ask_book(self._book.heal(*key, now))
        except Exception as error:  # it is edited when the database is back
            if not isinstance(error, Unavailable):
                log.warning("alarm_book_away", kind=type(error).__name__)
            return None

    def list_standing(self) -> Sequence[tuple[str, str]]:
        """List the causes told and not healed, with their subjects, as far as this process knows."""
        return [key for key, told in self._told.items() if told.healed_at is None]

    async def refresh(self) -> None:
        await self._contacts.refresh()
        self._told |= {told.key: told for told in await self._book.list_told() if told.key not in self._unsaved}

    # -- telling

    async def _tell(self, key: tuple[str, str], standing: timedelta, facts: Mapping[str, Any], by_call: bool) -> None:
        rule, now = ALARMS[key[0]], self._clock.real_now()
        here, before = self._told.get(key), now - (rule.repeat or TOLD_AGAIN)
        again = rule.moment or rule.repeat is not None
        if here is not None and here.healed_at is None and (here.told_at > before or (here.has_reached and not again)):
            if by_call and here.called_at is None and here.has_reached:
                await self._ring(here)
            return
        alarm = ToldAlarm(*key, now - standing, now, facts)
        told = await self._claim(alarm, here, before, again)
        if told is not None:
            self._told[key] = told
            if here is not None and here.healed_at is not None:
                await self._edit(told)  # it is back: the message that is there says so
            return
        say = log.error if rule.call is not None else log.warning
        say("alarm", cause=alarm.cause, subject=alarm.subject, since=alarm.since.isoformat())
        people = self._contacts.list_contacts(auditors=rule.auditors)
        sent, rung, _ = await asyncio.gather(
            self._send_all(alarm, people), self._call_all(alarm, people, by_call), self._post_state(alarm, "told")
        )
        if not (sent or rung):
            log.error("alarm_reached_nobody", cause=alarm.cause)
        await self._save(replace(alarm, messages=tuple(sent), called_at=now if rung else None))

    async def _claim(self, alarm: ToldAlarm, here: ToldAlarm | None, before: datetime, again: bool) -> ToldAlarm | None:
        """Return what another process, or this one a moment ago, has told of the same; None: it is ours to tell."""
        try:
            return await self._ask_book(self._book.claim(alarm, before, again=again))
        except Exception as error:  # the database is the patient: better told twice than not at all
            if not isinstance(error, Unavailable):
                log.warning("alarm_book_away", kind=type(error).__name__)
            if here is None or here.told_at <= before:
                return None
            return replace(here, healed_at=None, since=alarm.since, facts=alarm.facts)

    async def _ring(self, told: ToldAlarm) -> None:
        """Ring about what stands and was so far told by chat only."""
        await self._save(replace(told, called_at=self._clock.real_now()))
        await self._call_all(told, self._contacts.list_contacts(auditors=ALARMS[told.cause].auditors), True)

    async def _save(self, alarm: ToldAlarm) -> None:
        self._told[alarm.key] = alarm
        try:
            await self._ask_book(self._book.save(alarm))
        except Exception as error:
            self._unsaved.add(alarm.key)
            if not isinstance(error, Unavailable):
                log.warning("alarm_book_away", kind=type(error).__name__)

    async def _ask_book(self, answer: Awaitable[T]) -> T:
        async with asyncio.timeout(self._book_seconds):
            return await answer

    # -- by chat

    async def _send_all(self, alarm: ToldAlarm, people: Sequence[Contact]) -> list[SentAlarm]:
        card = Card(self._render(alarm))
        sent = await asyncio.gather(*(self._send(person, card) for person in people))
        return [one for one in sent if one is not None]

    async def _send(self, person: Contact, card: Card) -> SentAlarm | None:
        """Send to the first of a person's chats that takes it: better told twice than not at all."""
        for chat in person.chats:
            channel = self._channels.get(chat.network)
            if channel is not None and (sent := await self._send_to(channel, chat.address, person, card)) is not None:
                return sent
        return None

    async def _send_to(self, channel: Channel, address: str, person: Contact, card: Card) -> SentAlarm | None:
        for left in range(TRIES - 1, -1, -1):
            try:
                receipt = await channel.send(address, card)
                return SentAlarm(channel.name, receipt.chat_id or address, receipt.provider_id)
            except DeliveryError as error:
                log.warning("alarm_not_sent", person=person.code, kind=error.kind, code=error.code)
                if not left or error.kind not in ("transient", "throttled"):
                    return None
                await asyncio.sleep(min(error.retry_after or 1.0, MAX_WAIT_SECONDS))
        return None

    async def _edit(self, alarm: ToldAlarm) -> None:
        card = Card(self._render(alarm))

        async def edit(one: SentAlarm) -> None:
            if (channel := self._channels.get(one.channel)) is not None:
                try:
                    if channel.can.edits.allows(self._clock.real_now() - alarm.told_at):
                        await channel.edit(one.address, one.message_id, card)
                    else:  # said anew, where what was said cannot be changed
                        await channel.send(one.address, card)
                except DeliveryError as error:
                    log.warning("alarm_not_edited", kind=error.kind, code=error.code)

        await asyncio.gather(*(edit(one) for one in alarm.messages))

    def _render(self, alarm: ToldAlarm) -> str:
        key = "alarm.told" if alarm.healed_at is None else "alarm.over"
        times = {"since": self._format(alarm.since), "until": self._format(alarm.healed_at or alarm.told_at)}
        sentence = f"alarm.what.{alarm.cause}"
        unknown = dict.fromkeys(find_placeholders(self._texts.get_template(sentence)), "")
        facts = dict(alarm.facts)
        if "person" in facts:
            facts["person"] = self._contacts.name_person(facts["person"])
        if "why" in facts:
            facts["why"] = describe_cause(self._texts, str(facts["why"]))
        what = self._texts.render(sentence, **(unknown | facts | times))
        return self._texts.render(key, title=self._texts.render(f"alarm.title.{alarm.cause}"), what=what, **times)

    def _format(self, at: datetime) -> str:
        language = self._texts.language.split("_")[0]
        return format_time(at, self._clock.real_now(), language, self._clock.zone)

    # -- by telephone, at a URL

    async def _call_all(self, alarm: ToldAlarm, people: Sequence[Contact], by_call: bool) -> int:
        if not by_call or self._calls is None:
            return 0
        return await self._calls.ring(alarm.cause, [person.phone for person in people if person.phone])

    async def _post_state(self, alarm: ToldAlarm, state: str) -> None:
        if self._post is None:
            return
        document = {
            "cause": alarm.cause, "subject": alarm.subject, "state": state, "since": alarm.since.isoformat(),
            "text": self._render(alarm), "facts": dict(alarm.facts),
        }  # fmt: skip
        try:
            await self._post(document)
        except DeliveryError as error:
            log.warning("alarm_not_posted", kind=error.kind, code=error.code)
