"""Receives chat updates by polling or webhook, keeps them in the inbox, and dispatches them in order."""

import asyncio
import contextlib
import json
import os
import secrets
import traceback
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import structlog
from aiogram.exceptions import TelegramConflictError
from aiogram.methods import TelegramMethod
from aiogram.types import BotCommand, Update
from pydantic import ValidationError

from backend.ports.inbox import InboxItem, InboxStore
from bot.dispatcher import ALLOWED, make_dispatcher
from bot.house import CHANNEL, House
from bot.talk import ACCIDENTS
from notify.plain import detail

log = structlog.get_logger("bot")
AT_ONCE = 32  # chats handled concurrently
ROUND_SECONDS = 5.0  # after which a run claims nothing more
LOOK_SECONDS = 0.2  # between reads of the inbox while slow chats are handled (other processes receive as well)
RENEW_SECONDS = 3.0  # a quarter of the lease of claimed updates
POLL_SECONDS = 10  # how long one getUpdates waits
POLL_LEASE = timedelta(seconds=30)  # longer than one getUpdates and its time limit
IDLE_SECONDS = 5.0  # pause after a conflict or while another process polls (FT30)
LAST_SECONDS = 5.0  # for updates in flight when the process stops
KEPT = timedelta(days=3)  # handled updates stay in the inbox (required: at least 48 h)
COMMANDS = ("todo", "ticket", "pin", "help")


class RawUpdates(TelegramMethod[list[dict[str, Any]]]):
    """getUpdates with raw results: stored before they are parsed."""

    __returning__ = list[dict[str, Any]]
    __api_method__ = "getUpdates"

    offset: int | None = None
    limit: int = 100
    timeout: int = POLL_SECONDS
    allowed_updates: list[str] = ALLOWED


class ChatDoor:
    """The inbox worker of one bot. `on_heard` is called when something waits in the inbox (it wakes the worker)."""

    def __init__(
        self,
        house: House,
        inbox: InboxStore,
        *,
        wall: Callable[[], datetime] = lambda: datetime.now(UTC),
        poll_seconds: int = POLL_SECONDS,
        idle_seconds: float = IDLE_SECONDS,
    ) -> None:
        self.house = house
        self.inbox = inbox
        self.on_heard: Callable[[], None] = lambda: None
        self.alarms = 0  # updates given up since the start
        self._woken = asyncio.Event()
        self._dispatcher = make_dispatcher(house)
        self._wall = wall
        self._poll_seconds = poll_seconds
        self._idle_seconds = idle_seconds
        self._owner = f"{os.getpid()}-{secrets.token_hex(4)}"

    # -- receiving

    async def receive(self, source: str, body: bytes) -> bool:
        """Store a webhook update; answer 200 when this returns, whether or not it was new (FT1, FT9)."""
        fresh = await self.inbox.receive(source, body)
        self._heard()
        return fresh

    def _heard(self) -> None:
        self._woken.set()
        self.on_heard()

    async def prepare(self) -> None:
        """Recover what a killed process left, fetch the bot's name for binding links, and set its commands.

        Called before the first run. Does not fail when the provider is unreachable.
        """
        await self.inbox.release_stale()
        say = self.house.catalogue.render
        names = [BotCommand(command=name, description=say(f"bot.menu_{name}")) for name in COMMANDS]
        try:
            self.house.registry.bot_name = (await self.house.bot.me()).username or ""
            await self.house.bot.set_my_commands(names)
        except ACCIDENTS as accident:
            log.warning("bot_not_introduced", error=detail(accident, self.house.bot.token))

    async def webhook(self, url: str, secret: str) -> None:
        """Set the webhook to `url`; pending updates are never dropped (FT31).

        Retried until accepted: an unreachable messenger must not prevent our start (FT23).
        """
        bot = self.house.bot
        while True:
            try:
                await bot.set_webhook(url, secret_token=secret, allowed_updates=ALLOWED, drop_pending_updates=False)
                return
            except ACCIDENTS as accident:
                log.warning("webhook_not_set", error=detail(accident, bot.token))
                await asyncio.sleep(self._idle_seconds)

    async def poll(self) -> None:
        """Fetch updates until cancelled. One process polls at a time; what is not stored is fetched again."""
        name = f"poll:{self.house.bot.id}"
        hooked = True
        offset: int | None = None
        try:
            while True:
                try:
                    now = self._wall()
                    if not await self.inbox.acquire_lease(name, self._owner, now, now + POLL_LEASE):
                        await asyncio.sleep(self._idle_seconds)
                        continue
                    if hooked:
                        await self.house.bot.delete_webhook(drop_pending_updates=False)
                        hooked = False
                    offset = await self._fetch(offset)
                except TelegramConflictError:
                    log.warning("another_poller")
                    await asyncio.sleep(self._idle_seconds)
                except Exception as accident:  # network or database: what was not stored is fetched again
                    offset = None
                    log.warning("poll_failed", error=detail(accident, self.house.bot.token))
                    await asyncio.sleep(min(self._idle_seconds, 1.0))
        finally:
            with contextlib.suppress(Exception):
                await self.inbox.release_lease(name, self._owner)

    async def _fetch(self, offset: int | None) -> int | None:
        """Make one getUpdates. The next offset confirms this batch, once: ids may fall after a quiet week (FT4)."""
        asked = RawUpdates(offset=offset, timeout=self._poll_seconds)
        updates = await self.house.bot(asked, request_timeout=self._poll_seconds + 15)
        bodies = [json.dumps(u, ensure_ascii=True).encode() for u in updates]
        await asyncio.gather(*(self.inbox.receive(CHANNEL, body) for body in bodies))
        if not updates:
            return None
        self._heard()
        return max(int(u["update_id"]) for u in updates) + 1

    # -- handling

    async def round(self) -> int:
        """Handle what waits in the inbox, chats concurrently, each chat in order; return how many updates.

        A slow chat delays no other: what arrives meanwhile is claimed as well. A run ends after some seconds even
        when there is always more, so that monitoring sees it is alive (FS6).
        """
        running: set[asyncio.Task[None]] = set()
        handled = 0
        loop = asyncio.get_running_loop()
        renewed = loop.time()
        enough = renewed + ROUND_SECONDS
        try:
            while True:
                self._woken.clear()
                free = AT_ONCE - len(running) if loop.time() < enough else 0
                fresh = await self.inbox.claim(CHANNEL, self._owner, free, self._wall()) if free else ()
                handled += len(fresh)
                running |= {asyncio.create_task(self._finish(heard)) for heard in fresh}
                if not running:
                    return handled
                woken = asyncio.create_task(self._woken.wait())
                await asyncio.wait({*running, woken}, timeout=LOOK_SECONDS, return_when=asyncio.FIRST_COMPLETED)
                woken.cancel()
                running = {task for task in running if not task.done()}
                if running and loop.time() > renewed + RENEW_SECONDS:
                    renewed = loop.time()
                    await self.inbox.renew(self._owner, self._wall())
        finally:
            if running:  # the process stops: what was started is finished, the rest is claimed again (FT11)
                await asyncio.wait(running, timeout=LAST_SECONDS)
                for task in running:
                    task.cancel()

    async def _finish(self, heard: InboxItem) -> None:
        if await self._handle(heard):
            await self.inbox.mark_done([heard.id])

    async def sweep(self) -> int:
        """Delete updates handled days ago (a daily task); return how many."""
        return await self.inbox.delete_done(self._wall() - KEPT)

    async def _handle(self, heard: InboxItem) -> bool:
        """Dispatch one update; True when done and no move has stored that. A bad one never stops the run (FT8)."""
        try:
            update = _read(heard.body, self.house)
        except (ValidationError, ValueError) as error:
            await self.inbox.mark_unreadable(heard.id, type(error).__name__)
            return False
        try:
            kept = await self._dispatcher.feed_update(self.house.bot, update, inbox_id=heard.id, attempt=heard.attempts)
        except Exception as accident:  # the only catch-all of the bot: the inbox keeps the update
            words = f"{type(accident).__name__}: {detail(accident, self.house.bot.token)}"
            where = traceback.extract_tb(accident.__traceback__)[-1]  # no whole traceback: it may quote URLs (FT36)
            log.error("update_failed", inbox=heard.id, attempt=heard.attempts, error=words,
                      where=f"{os.path.basename(where.filename)}:{where.lineno}")  # fmt: skip
            if await self.inbox.record_failure(heard.id, words, self._wall()):
                self.alarms += 1
                log.error("update_dead", inbox=heard.id)
            return False
        return kept is not True


def _read(body: str, house: House) -> Update:
    """Parse an update, replacing lone surrogates. Raises ValueError or ValidationError."""
    document = json.loads(body)
    if "\\ud" in body or "\\uD" in body:
        whole = json.dumps(document, ensure_ascii=False).encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        document = json.loads(whole)
    return Update.model_validate(document, context={"bot": house.bot})
