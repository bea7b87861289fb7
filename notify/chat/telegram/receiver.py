"""Hears Telegram: verifies its webhook, polls, answers presses, deletes what people wrote, says who we are."""

import asyncio
import contextlib
import hmac
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any, TypeVar
from urllib.parse import urlsplit

from aiogram import Bot
from aiogram.methods import TelegramMethod
from aiogram.types import BotCommand

from notify.attempt import track_request
from notify.channel import DeliveryError
from notify.chat.telegram.channel import fit_toast
from notify.chat.telegram.errors import to_delivery_error
from notify.chat.telegram.updates import UPDATE_TYPES, identify, read_update
from notify.chat_events import ChatEvent
from notify.chat_network import BotInfo, ChatHost, ReceiverCapabilities, Verified
from notify.driver import HookRefused, HookRequest, HookResponse, HostAway
from notify.message import Card
from notify.plain_text import redact

SECRET_HEADER = "X-Telegram-Bot-Api-Secret-Token"
ANSWER_BY = 0.7  # seconds until a press is answered "working" (contract §6: within 1 s)
POLL_SECONDS = 10  # how long one getUpdates waits
POLL_MARGIN = 15  # seconds more until it is given up
POLL_LEASE = timedelta(seconds=30)  # longer than one getUpdates and its time limit
IDLE_SECONDS = 5.0  # pause after a conflict or while another process polls (FT30)
T = TypeVar("T")


class GetRawUpdates(TelegramMethod[list[dict[str, Any]]]):
    """getUpdates with raw results: stored before they are read."""

    __returning__ = list[dict[str, Any]]
    __api_method__ = "getUpdates"

    offset: int | None = None
    limit: int = 100
    timeout: int = POLL_SECONDS
    allowed_updates: list[str] = UPDATE_TYPES


class TelegramReceiver:
    """A `Receiver` over one bot. `secret` "": no webhook is open."""

    can = ReceiverCapabilities(ANSWER_BY, contact=True, commands=True, deletes_theirs=True)

    def __init__(
        self,
        bot: Bot,
        *,
        is_hooked: bool = False,
        secret: str = "",
        poll_seconds: int = POLL_SECONDS,
        idle_seconds: float = IDLE_SECONDS,
    ) -> None:
        self._bot = bot
        self._is_hooked, self._secret = is_hooked, secret
        self._poll_seconds, self._idle_seconds = poll_seconds, idle_seconds

    # -- pure

    @property
    def hooks(self) -> Sequence[tuple[str, str]]:
        return (("POST", ""),) if self._secret else ()

    def open(self, request: HookRequest) -> Verified | HookResponse:
        """Verify the secret, in constant time, whatever bytes were sent (FT5); a query nobody signed (XR10)."""
        given = request.list_headers(SECRET_HEADER)
        is_same = len(given) == 1 and hmac.compare_digest(
            given[0].encode("utf-8", "surrogateescape"), self._secret.encode()
        )
        if not is_same or urlsplit(request.target).query:
            raise HookRefused(401)
        return Verified(request.body)

    def identify(self, body: bytes) -> tuple[str, str]:
        return identify(body)

    def read(self, body: str) -> ChatEvent:
        return read_update(body, self._bot.id)

    def render(self, toast: str, card: Card | None) -> HookResponse:
        return HookResponse(200)

    # -- calls

    async def answer(self, token: str, toast: str) -> None:
        await self._request(lambda: self._bot.answer_callback_query(token, text=fit_toast(toast) or None))

    async def delete(self, address: str, message: str) -> None:
        await self._request(lambda: self._bot.delete_message(int(address), int(message)))

    async def introduce(self, commands: Mapping[str, str]) -> BotInfo:
        name = (await self._request(self._bot.me)).username or ""
        info = BotInfo(name, f"https://t.me/{name}?start={{code}}" if name else "")
        menu = [BotCommand(command=command, description=said) for command, said in commands.items()]
        try:
            await self._request(lambda: self._bot.set_my_commands(menu))
        except DeliveryError as error:
            return BotInfo(info.name, info.link, str(error))
        return info

    async def find(self, phones: Sequence[str]) -> Mapping[str, str]:
        return {}

    async def _request(self, request: Callable[[], Awaitable[T]]) -> T:
        with track_request() as sent:
            try:
                return await request()
            except Exception as error:
                raise to_delivery_error(error, connected=sent.connected, token=self._bot.token) from None

    # -- listening

    async def listen(self, host: ChatHost) -> None:
        await (self._set_webhook(host) if self._is_hooked else self._poll(host))

    async def _set_webhook(self, host: ChatHost) -> None:
        """Set the webhook; retried until accepted: an unreachable messenger must not prevent our start (FT23)."""
        while True:
            try:
                await self._bot.set_webhook(
                    host.hook_url,
                    secret_token=self._secret,
                    allowed_updates=UPDATE_TYPES,
                    drop_pending_updates=False,
                )
                return
            except Exception as accident:
                host.note("webhook_not_set", redact(accident, self._bot.token))
                await asyncio.sleep(self._idle_seconds)

    async def _poll(self, host: ChatHost) -> None:
        """Fetch updates until cancelled. One process polls at a time; what is not stored is fetched again."""
        name = f"poll:{self._bot.id}"
        hooked = True
        offset: int | None = None
        try:
            while True:
                try:
                    if not await host.acquire_lease(name, POLL_LEASE):
                        await asyncio.sleep(self._idle_seconds)
                        continue
                    if hooked:
                        await self._bot.delete_webhook(drop_pending_updates=False)
                        hooked = False
                    offset = await self._fetch(host, offset)
                except HostAway:
                    offset = None
                    await asyncio.sleep(min(self._idle_seconds, 1.0))
                except Exception as accident:  # network or database: what was not stored is fetched again
                    error = to_delivery_error(accident, connected=True, token=self._bot.token)
                    is_other = error.code == "409"
                    offset = offset if is_other else None
                    host.note("another_poller" if is_other else "poll_failed", str(error))
                    await asyncio.sleep(self._idle_seconds if is_other else min(self._idle_seconds, 1.0))
        finally:
            with contextlib.suppress(Exception):
                await host.release_lease(name)

    async def _fetch(self, host: ChatHost, offset: int | None) -> int | None:
        """Make one getUpdates. The next offset confirms this batch, once: ids may fall after a quiet week (FT4)."""
        asked = GetRawUpdates(offset=offset, timeout=self._poll_seconds)
        updates = await self._bot(asked, request_timeout=self._poll_seconds + POLL_MARGIN)
        await asyncio.gather(*(host.keep(json.dumps(update, ensure_ascii=True).encode()) for update in updates))
        return max(int(update["update_id"]) for update in updates) + 1 if updates else None
