"""Receives what all networks hear, keeps it in the inbox, and dispatches it in order."""

import asyncio
import os
import traceback
from collections.abc import Callable
from datetime import timedelta

import structlog

from backend.ports.availability import Unavailable
from backend.ports.chat import InboxItem, InboxStore, Kept
from bot.dispatch import Dispatcher
from bot.services import BotServices
from notify.channel import DeliveryError
from notify.chat_events import ChatEvent, Pressed
from notify.chat_network import ChatNetwork, Unreadable
from notify.driver import HookResponse, HostAway
from notify.message import Card
from notify.plain_text import redact

log = structlog.get_logger("bot")
MAX_CONCURRENT = 32  # chats handled concurrently
RUN_SECONDS = 5.0  # after which a run claims nothing more
READ_INTERVAL = 0.2  # between reads of the inbox while slow chats are handled (other processes receive as well)
RENEW_SECONDS = 3.0  # a quarter of the lease of claimed updates
STOP_SECONDS = 5.0  # for updates in flight when the process stops
KEEP_DONE = timedelta(days=3)  # handled updates stay in the inbox (required: at least 48 h)
MENU_COMMANDS = ("todo", "ticket", "pin", "help")


class InboxWorker:
    """The inbox worker of the bot. `on_received` is called when something waits in the inbox (it wakes the worker)."""

    def __init__(self, services: BotServices, inbox: InboxStore, owner: str, on_received: Callable[[], object]) -> None:
        self.services = services
        self.inbox = inbox
        self.owner = owner
        self.on_received = on_received
        self.dead_count = 0  # updates given up since the start
        self._woken = asyncio.Event()
        self._dispatcher = Dispatcher(services)
        self._clock = services.office.clock

    # -- receiving

    async def receive(self, network: str, body: bytes) -> Kept:
        """Store an update; it may be acknowledged when this returns, whether or not it was new (FT1, FT9)."""
        kept = await self.inbox.receive(network, body)
        self._woken.set()
        self.on_received()
        return kept

    async def respond(self, network: str, body: bytes) -> HookResponse:
        """Store a press whose answer is the response to it; return the answer, or "working" when its time has come."""
        receiver, late = self.services.networks[network].receiver, self.services.texts.render("toast.working")
        began = self._clock.monotonic()
        kept = await self.receive(network, body)
        left = max(0.0, receiver.can.answer_by - (self._clock.monotonic() - began))
        text, is_answered = await self.services.answers.wait(kept.id, left, late)
        card = await self._render_pressed(network, body) if is_answered and receiver.can.card_in_answer else None
        return receiver.render(text, card)

    async def _render_pressed(self, network: str, body: bytes) -> Card | None:
        """Return the pressed card as it is now, None for any other message."""
        try:
            event = self.services.networks[network].receiver.read(body.decode())
            if not isinstance(event, Pressed):
                return None
            held = await self.services.card_store.find(network, event.who.chat, event.message)
            rendered = await self.services.cards.render_held(held) if held else None
        except Exception as error:  # the answer is worth more than the card, which is updated anyway
            log.warning("pressed_card_not_shown", kind=type(error).__name__)
            return None
        return rendered.card if rendered else None

    async def prepare(self) -> None:
        """Say on each network which commands there are, and learn who we are, for binding links.

        Called before the first run. Does not fail when a network is unreachable.
        """
        say = self.services.texts.render
        commands = {name: say(f"bot.menu_{name}") for name in MENU_COMMANDS}
        for network in self.services.networks.values():
            try:
                info = await network.receiver.introduce(commands)
            except DeliveryError as error:
                log.warning("bot_not_introduced", network=network.name, error=str(error))
                continue
            if info.trouble:
                log.warning("bot_not_introduced", network=network.name, error=info.trouble)
            self.services.names[network.name] = info.name
            self.services.people.bot_link = self.services.people.bot_link or info.link

    async def listen(self, network: ChatNetwork, hook_url: str) -> None:
        """Hear one network until cancelled, or let it call us at `hook_url` (FT23, FT30, FT31)."""
        await network.receiver.listen(Host(self, network.name, hook_url))

    # -- handling

    async def run_once(self) -> int:
        """Handle what waits in the inbox, chats concurrently, each chat in order; return how many updates.

        A slow chat delays no other: what arrives meanwhile is claimed as well. A run ends after some seconds even
        when there is always more, so that monitoring sees it is alive (FS6).
        """
        running: set[asyncio.Task[None]] = set()
        last: dict[tuple[str, str], asyncio.Task[None]] = {}  # by network and chat
        handled = 0
        monotonic = self._clock.monotonic
        renewed = monotonic()
        enough = renewed + RUN_SECONDS
        try:
            while True:
                self._woken.clear()
                for network in self.services.networks.values():
                    free = MAX_CONCURRENT - len(running) if monotonic() < enough else 0
                    claimed = await self.inbox.claim(network.name, self.owner, free) if free else ()
                    handled += len(claimed)
                    for item in claimed:
                        chat = (network.name, item.conversation)
                        task = asyncio.create_task(self._handle_and_finish(network, item, last.get(chat)))
                        running.add(task)
                        last[chat] = task
                if not running:
                    return handled
                woken = asyncio.create_task(self._woken.wait())
                await asyncio.wait({*running, woken}, timeout=READ_INTERVAL, return_when=asyncio.FIRST_COMPLETED)
                woken.cancel()
                running = {task for task in running if not task.done()}
                last = {chat: task for chat, task in last.items() if task in running}
                if running and monotonic() > renewed + RENEW_SECONDS:
                    renewed = monotonic()
                    await self.inbox.renew(self.owner)
        finally:
            if running:  # the process stops: what was started is finished, the rest is claimed again (FT11)
                await asyncio.wait(running, timeout=STOP_SECONDS)
                for task in running:
                    task.cancel()

    async def _handle_and_finish(
        self, network: ChatNetwork, item: InboxItem, before: asyncio.Task[None] | None
    ) -> None:
        """Handle one update once the one `before` it in its chat is over: a move had marked that as done (FT3, FT10)."""
        if before is not None and item.conversation:
            await asyncio.wait({before})
        if await self._handle(network, item):
            await self.inbox.mark_done([item.id])

    async def delete_done(self) -> int:
        """Delete updates handled days ago (a daily task); return how many."""
        return await self.inbox.delete_done(self._clock.real_now() - KEEP_DONE)

    async def _handle(self, network: ChatNetwork, item: InboxItem) -> bool:
        """Dispatch one update; True when done and no move has stored that. A bad one never stops the run (FT8)."""
        try:
            event: ChatEvent = network.receiver.read(item.body)
        except Unreadable as error:
            await self.inbox.mark_unreadable(item.id, str(error))
            return False
        try:
            marked_done = await self._dispatcher.dispatch(network, event, item.id, item.attempts)
        except Unavailable:  # nobody's fault: no failure of this update
            await self.inbox.put_back(item.id)
            return False
        except Exception as accident:  # the only catch-all of the bot: the inbox keeps the update
            error_text = f"{type(accident).__name__}: {redact(accident)}"
            where = traceback.extract_tb(accident.__traceback__)[-1]  # no whole traceback: it may quote URLs (FT36)
            log.error("update_failed", inbox=item.id, attempt=item.attempts, error=error_text,
                      where=f"{os.path.basename(where.filename)}:{where.lineno}")  # fmt: skip
            if await self.inbox.record_failure(item.id, error_text):
                self.dead_count += 1
                log.error("update_dead", inbox=item.id)
            return False
        return not marked_done


class Host:
    """Our side of one network that polls or holds a stream (`notify.chat_network.ChatHost`)."""

    def __init__(self, worker: InboxWorker, network: str, hook_url: str) -> None:
        self._worker, self._network, self.hook_url = worker, network, hook_url

    async def keep(self, body: bytes) -> None:
        """Store one update."""
        try:
            await self._worker.receive(self._network, body)
        except Unavailable:
            raise HostAway from None

    async def respond(self, body: bytes) -> HookResponse:
        """Store a press and return its answer in time."""
        try:
            return await self._worker.respond(self._network, body)
        except Unavailable:
            raise HostAway from None

    async def acquire_lease(self, name: str, span: timedelta) -> bool:
        """Acquire or renew what one process at a time may do."""
        try:
            return await self._worker.inbox.acquire_lease(name, self._worker.owner, span)
        except Unavailable:
            raise HostAway from None

    async def release_lease(self, name: str) -> None:
        """Let another process do it."""
        await self._worker.inbox.release_lease(name, self._worker.owner)

    def note(self, what: str, error: str = "") -> None:
        """Log that something went amiss."""
        log.warning(what, network=self._network, error=error)
