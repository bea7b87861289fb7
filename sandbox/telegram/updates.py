"""Queues updates for the bot: long polling for one poller, or a webhook with each chat's updates in order."""

# ruff: noqa: ASYNC109 - a timeout parameter in seconds is part of the interface

import asyncio
import json
from collections import defaultdict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import aiohttp

from sandbox.broadcast import Broadcast
from sandbox.in_flight import InFlight
from sandbox.telegram.errors import BotApiError

SECRET_HEADER = "X-Telegram-Bot-Api-Secret-Token"
NOT_BY_DEFAULT = {"chat_member", "message_reaction", "message_reaction_count"}
HOOK_TIMEOUT = aiohttp.ClientTimeout(total=60)
FIRST_PAUSE, LONGEST_PAUSE = 0.1, 5.0

Post = Callable[[str, dict[str, str], bytes, aiohttp.ClientTimeout], Awaitable[tuple[int, str, bytes]]]


@dataclass
class Update:
    """One update; `lane` is the chat whose updates stay in order."""

    id: int
    kind: str
    body: dict[str, object]
    lane: int

    def to_json(self) -> dict[str, object]:
        """Build the Update object."""
        return {"update_id": self.id, self.kind: self.body}


@dataclass
class Webhook:
    """Webhook settings, and how the last delivery failed."""

    url: str = ""
    secret: str = ""
    max_connections: int = 40
    last_error: str = ""
    last_error_at: datetime | None = None


@dataclass
class UpdateQueue:
    """Pending updates of the simulator's bot.

    `copies` repeats each webhook delivery (FT1); `next_id` may be lowered (FT4).
    """

    now: Callable[[], datetime]
    broadcast: Broadcast
    in_flight: InFlight
    post: Post
    pending: list[Update] = field(default_factory=list)
    webhook: Webhook = field(default_factory=Webhook)
    allowed: list[str] = field(default_factory=list)
    next_id: int = 500_000_001
    copies: int = 1
    on_reply: Callable[[dict[str, object]], Awaitable[None]] | None = None
    _lanes: dict[int, list[Update]] = field(default_factory=lambda: defaultdict(list))
    _poll: int = 0
    _is_polled: bool = False

    def is_wanted(self, kind: str) -> bool:
        """Whether the bot asked for updates of this kind."""
        return kind in self.allowed if self.allowed else kind not in NOT_BY_DEFAULT

    def add(self, kind: str, body: dict[str, Any], lane: int) -> None:
        """Queue an update for delivery."""
        if not self.is_wanted(kind):
            return
        update = Update(self.next_id, kind, body, lane)
        self.next_id += 1
        self.pending.append(update)
        if self.webhook.url:
            self._enqueue(update)
        self.broadcast.notify()

    def redeliver(self, update: dict[str, Any], lane: int = 0) -> None:
        """Deliver an Update document unchanged, with any id (FT1, FT3, FT4, FT13)."""
        kind = next(name for name in update if name != "update_id")
        self.pending.append(Update(int(update["update_id"]), kind, update[kind], lane))
        if self.webhook.url:
            self._enqueue(self.pending[-1])
        self.broadcast.notify()

    def describe_pending(self) -> str | None:
        """Describe what settle() waits for: pending updates that a webhook or poller will take."""
        taken = self.webhook.url or self._is_polled
        return f"{len(self.pending)} updates" if self.pending and taken else None

    async def poll(self, offset: int, limit: int, timeout: float) -> list[dict[str, object]]:
        """getUpdates: confirm updates below `offset`, wait up to `timeout` real seconds; 409 for an older poller."""
        if self.webhook.url:
            words = "can't use getUpdates method while webhook is active; use deleteWebhook to delete the webhook first"
            raise BotApiError(409, f"Conflict: {words}")
        self._poll += 1
        mine = self._poll
        self._is_polled = True
        if offset < 0:
            del self.pending[:offset]
        elif offset:
            self.pending[:] = [update for update in self.pending if update.id >= offset]
        self.broadcast.notify()
        try:
            await self.broadcast.wait(lambda: True if self.pending or self._poll != mine else None, timeout)
        except TimeoutError:
            return []
        if self._poll != mine:
            words = "terminated by other getUpdates request; make sure that only one bot instance is running"
            raise BotApiError(409, f"Conflict: {words}")
        return [update.to_json() for update in self.pending[:limit]]

    def stop_polls(self) -> None:
        """End waiting polls (the simulator closes)."""
        self._poll += 1
        self.broadcast.notify()

    def set_webhook(self, webhook: Webhook, *, drop_pending: bool) -> None:
        """Set (or with an empty URL remove) the webhook; `drop` discards pending updates."""
        if drop_pending:
            self.pending.clear()
        self._lanes.clear()
        self.webhook = webhook
        if webhook.url:
            self._is_polled = False
            for update in self.pending:
                self._enqueue(update)
        self.broadcast.notify()

    def _enqueue(self, update: Update) -> None:
        lane = self._lanes[update.lane]
        lane.append(update)
        if len(lane) == 1:
            self.in_flight.spawn(self._deliver_lane(lane, self.webhook))

    async def _deliver_lane(self, lane: list[Update], webhook: Webhook) -> None:
        """Post a chat's updates in order; each is repeated until a 2xx answer or a change of the webhook."""
        pause = FIRST_PAUSE
        while lane and self.webhook is webhook:
            update = lane[0]
            if all([await self._deliver(update, webhook) for _ in range(self.copies)]):
                lane.pop(0)
                if update in self.pending:
                    self.pending.remove(update)
                pause = FIRST_PAUSE
                self.broadcast.notify()
            else:
                await asyncio.sleep(pause)
                pause = min(pause * 2, LONGEST_PAUSE)

    async def _deliver(self, update: Update, webhook: Webhook) -> bool:
        headers = {"Content-Type": "application/json"}
        if webhook.secret:
            headers[SECRET_HEADER] = webhook.secret
        body = json.dumps(update.to_json(), ensure_ascii=False).encode()
        try:
            status, mime, answer = await self.post(webhook.url, headers, body, HOOK_TIMEOUT)
        except (aiohttp.ClientError, TimeoutError, OSError) as accident:
            self._record_error(webhook, f"Connection failed: {type(accident).__name__}")
            return False
        if not 200 <= status < 300:
            self._record_error(webhook, f"Wrong response from the webhook: {status}")
            return False
        if answer and "json" in mime and self.on_reply is not None:
            document = json.loads(answer)
            if isinstance(document, dict) and "method" in document:
                await self.on_reply(document)
        return True

    def _record_error(self, webhook: Webhook, words: str) -> None:
        webhook.last_error, webhook.last_error_at = words, self.now()
