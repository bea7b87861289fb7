"""Receives chat updates by polling or webhook, keeps them in the inbox, and dispatches them in order."""

import asyncio
import contextlib
import json
import os
import traceback
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import structlog
from aiogram.exceptions import TelegramConflictError
from aiogram.methods import TelegramMethod
from aiogram.types import BotCommand, Update
from pydantic import ValidationError

from backend.ports.availability import Unavailable
from backend.ports.chat import InboxItem, InboxStore
from bot.conversation import NETWORK_ERRORS
from bot.dispatch import UPDATE_TYPES, build_dispatcher
from bot.services import CHANNEL, BotServices
from notify.plain_text import redact

log = structlog.get_logger("bot")
MAX_CONCURRENT = 32  # chats handled concurrently
RUN_SECONDS = 5.0  # after which a run claims nothing more
READ_INTERVAL = 0.2  # between reads of the inbox while slow chats are handled (other processes receive as well)
RENEW_SECONDS = 3.0  # a quarter of the lease of claimed updates
POLL_SECONDS = 10  # how long one getUpdates waits
POLL_LEASE = timedelta(seconds=30)  # longer than one getUpdates and its time limit
IDLE_SECONDS = 5.0  # pause after a conflict or while another process polls (FT30)
STOP_SECONDS = 5.0  # for updates in flight when the process stops
KEEP_DONE = timedelta(days=3)  # handled updates stay in the inbox (required: at least 48 h)
MENU_COMMANDS = ("todo", "ticket", "pin", "help")


class GetRawUpdates(TelegramMethod[list[dict[str, Any]]]):
    """getUpdates with raw results: stored before they are parsed."""

    __returning__ = list[dict[str, Any]]
    __api_method__ = "getUpdates"

    offset: int | None = None
    limit: int = 100
    timeout: int = POLL_SECONDS
    allowed_updates: list[str] = UPDATE_TYPES


class InboxWorker:
    """The inbox worker of one bot. `on_received` is called when something waits in the inbox (it wakes the worker)."""

    def __init__(
        self,
        services: BotServices,
        inbox: InboxStore,
        owner: str,
        on_received: Callable[[], object],
        *,
        poll_seconds: int = POLL_SECONDS,
        idle_seconds: float = IDLE_SECONDS,
    ) -> None:
        self.services = services
        self.inbox = inbox
        self.on_received = on_received
        self.dead_count = 0  # updates given up since the start
        self._woken = asyncio.Event()
        self._dispatcher = build_dispatcher(services)
        self._clock = services.office.clock
        self._poll_seconds = poll_seconds
        self._idle_seconds = idle_seconds
        self._owner = owner

    # -- receiving

    async def receive(self, source: str, body: bytes) -> bool:
        """Store a webhook update; answer 200 when this returns, whether or not it was new (FT1, FT9)."""
        fresh = await self.inbox.receive(source, body)
        self._notify_received()
        return fresh

    def _notify_received(self) -> None:
        self._woken.set()
        self.on_received()

    async def prepare(self) -> None:
        """Fetch the bot's name for binding links, and set its commands.

        Called before the first run. Does not fail when the provider is unreachable.
        """
        say = self.services.texts.render
        names = [BotCommand(command=name, description=say(f"bot.menu_{name}")) for name in MENU_COMMANDS]
        try:
            self.services.people.bot_name = (await self.services.bot.me()).username or ""
            await self.services.bot.set_my_commands(names)
        except NETWORK_ERRORS as accident:
            log.warning("bot_not_introduced", error=redact(accident, self.services.bot.token))

    async def set_webhook(self, url: str, secret: str) -> None:
        """Set the webhook to `url`; pending updates are never dropped (FT31).

        Retried until accepted: an unreachable messenger must not prevent our start (FT23).
        """
        bot = self.services.bot
        while True:
            try:
                await bot.set_webhook(
                    url, secret_token=secret, allowed_updates=UPDATE_TYPES, drop_pending_updates=False
                )
                return
            except NETWORK_ERRORS as accident:
                log.warning("webhook_not_set", error=redact(accident, bot.token))
                await asyncio.sleep(self._idle_seconds)

    async def poll(self) -> None:
        """Fetch updates until cancelled. One process polls at a time; what is not stored is fetched again."""
        name = f"poll:{self.services.bot.id}"
        hooked = True
        offset: int | None = None
        try:
            while True:
                try:
                    if not await self.inbox.acquire_lease(name, self._owner, POLL_LEASE):
                        await asyncio.sleep(self._idle_seconds)
                        continue
                    if hooked:
                        await self.services.bot.delete_webhook(drop_pending_updates=False)
                        hooked = False
                    offset = await self._fetch(offset)
                except TelegramConflictError:
                    log.warning("another_poller")
                    await asyncio.sleep(self._idle_seconds)
                except Unavailable:
                    offset = None
                    await asyncio.sleep(min(self._idle_seconds, 1.0))
                except Exception as accident:  # network or database: what was not stored is fetched again
                    offset = None
                    log.warning("poll_failed", error=redact(accident, self.services.bot.token))
                    await asyncio.sleep(min(self._idle_seconds, 1.0))
        finally:
            with contextlib.suppress(Exception):
                await self.inbox.release_lease(name, self._owner)

    async def _fetch(self, offset: int | None) -> int | None:
        """Make one getUpdates. The next offset confirms this batch, once: ids may fall after a quiet week (FT4)."""
        asked = GetRawUpdates(offset=offset, timeout=self._poll_seconds)
        updates = await self.services.bot(asked, request_timeout=self._poll_seconds + 15)
        bodies = [json.dumps(u, ensure_ascii=True).encode() for u in updates]
        await asyncio.gather(*(self.inbox.receive(CHANNEL, body) for body in bodies))
        if not updates:
            return None
        self._notify_received()
        return max(int(u["update_id"]) for u in updates) + 1

    # -- handling

    async def run_once(self) -> int:
        """Handle what waits in the inbox, chats concurrently, each chat in order; return how many updates.

        A slow chat delays no other: what arrives meanwhile is claimed as well. A run ends after some seconds even
        when there is always more, so that monitoring sees it is alive (FS6).
        """
        running: set[asyncio.Task[None]] = set()
        handled = 0
        monotonic = self._clock.monotonic
        renewed = monotonic()
        enough = renewed + RUN_SECONDS
        try:
            while True:
                self._woken.clear()
                free = MAX_CONCURRENT - len(running) if monotonic() < enough else 0
                claimed = await self.inbox.claim(CHANNEL, self._owner, free) if free else ()
                handled += len(claimed)
                running |= {asyncio.create_task(self._handle_and_finish(heard)) for heard in claimed}
                if not running:
                    return handled
                woken = asyncio.create_task(self._woken.wait())
                await asyncio.wait({*running, woken}, timeout=READ_INTERVAL, return_when=asyncio.FIRST_COMPLETED)
                woken.cancel()
                running = {task for task in running if not task.done()}
                if running and monotonic() > renewed + RENEW_SECONDS:
                    renewed = monotonic()
                    await self.inbox.renew(self._owner)
        finally:
            if running:  # the process stops: what was started is finished, the rest is claimed again (FT11)
                await asyncio.wait(running, timeout=STOP_SECONDS)
                for task in running:
                    task.cancel()

    async def _handle_and_finish(self, item: InboxItem) -> None:
        if await self._handle(item):
            await self.inbox.mark_done([item.id])

    async def delete_done(self) -> int:
        """Delete updates handled days ago (a daily task); return how many."""
        return await self.inbox.delete_done(self._clock.real_now() - KEEP_DONE)

    async def _handle(self, item: InboxItem) -> bool:
        """Dispatch one update; True when done and no move has stored that. A bad one never stops the run (FT8)."""
        try:
            update = _parse_update(item.body, self.services)
        except (ValidationError, ValueError) as error:
            await self.inbox.mark_unreadable(item.id, type(error).__name__)
            return False
        try:
            marked_done = await self._dispatcher.feed_update(
                self.services.bot, update, inbox_id=item.id, attempt=item.attempts
            )
        except Unavailable:  # nobody's fault: no failure of this update
            await self.inbox.put_back(item.id)
            return False
        except Exception as accident:  # the only catch-all of the bot: the inbox keeps the update
            error_text = f"{type(accident).__name__}: {redact(accident, self.services.bot.token)}"
            where = traceback.extract_tb(accident.__traceback__)[-1]  # no whole traceback: it may quote URLs (FT36)
            log.error("update_failed", inbox=item.id, attempt=item.attempts, error=error_text,
                      where=f"{os.path.basename(where.filename)}:{where.lineno}")  # fmt: skip
            if await self.inbox.record_failure(item.id, error_text):
                self.dead_count += 1
                log.error("update_dead", inbox=item.id)
            return False
        return marked_done is not True


def _parse_update(body: str, services: BotServices) -> Update:
    """Parse an update, replacing lone surrogates. Raises ValueError or ValidationError."""
    document = json.loads(body)
    if "\\ud" in body or "\\uD" in body:
        cleaned = json.dumps(document, ensure_ascii=False).encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        document = json.loads(cleaned)
    return Update.model_validate(document, context={"bot": services.bot})
