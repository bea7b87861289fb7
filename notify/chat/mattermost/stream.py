"""Holds the stream of what is written to us: authenticates, keeps each post, catches up on what it missed (FT23, FT31)."""

import asyncio
import contextlib
import json
import time
from collections.abc import Iterable
from datetime import timedelta

import aiohttp

from notify.channel import DeliveryError
from notify.chat.mattermost.api import MattermostApi
from notify.chat.mattermost.events import LEAVING, concerns_us
from notify.chat.mattermost.fields import Fields, Object, read_id, read_number, read_object, read_text
from notify.chat_network import ChatHost
from notify.driver import HostAway
from notify.plain_text import redact

LEASE = timedelta(seconds=30)
RENEW_SECONDS, IDLE_SECONDS, GREETING_SECONDS = 10.0, 5.0, 15.0
#: pause before a lost stream is opened again: it doubles from the first to the last
FIRST_PAUSE, LAST_PAUSE = 1.0, 60.0
#: milliseconds: how far back we look after a start, and before the newest post we heard; a known post has no second effect
CATCH_UP, OVERLAP = 24 * 3_600_000, 60_000


#: a connection, whatever its text is decoded to
Socket = aiohttp.ClientWebSocketResponse[bool]


class StreamLost(Exception):
    """The stream ended, or another process holds it."""


class Stream:
    """The stream of one account; one process at a time holds it."""

    def __init__(
        self, api: MattermostApi, *, first_pause: float = FIRST_PAUSE, idle_seconds: float = IDLE_SECONDS
    ) -> None:
        self._api = api
        self._first_pause, self._idle_seconds = first_pause, idle_seconds
        self._kinds: dict[str, str] = {}  # channel → its type, which changes never from or to a direct one
        self._newest = 0  # when the newest post that we heard was written, ms
        self._is_live = False

    async def hold(self, host: ChatHost) -> None:
        """Hold it until cancelled; opened anew when it is lost."""
        pause, lease = self._first_pause, ""
        try:
            while True:
                try:
                    bot = await self._api.get_me()
                    lease = f"stream:{read_id(bot)}"
                    if not await host.acquire_lease(lease, LEASE):
                        await asyncio.sleep(self._idle_seconds)
                        continue
                    await self._hold_once(host, lease, bot)
                except HostAway:
                    await asyncio.sleep(min(self._idle_seconds, 1.0))
                except Exception as accident:  # network or database: what was not kept is fetched when we catch up
                    host.note("stream_lost", redact(_describe(accident), self._api.token))
                    pause = self._first_pause if self._is_live else pause
                    self._is_live = False
                    await asyncio.sleep(pause)
                    pause = min(pause * 2, LAST_PAUSE)
        finally:
            if lease:
                with contextlib.suppress(Exception):
                    await host.release_lease(lease)

    async def _hold_once(self, host: ChatHost, lease: str, bot: Fields) -> None:
        async with self._api.connect() as socket:
            await _authenticate(socket, self._api.token)
            tasks = {
                asyncio.create_task(self._read(socket, host, bot)),
                asyncio.create_task(_renew(host, lease)),
            }
            try:
                done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)
            for task in done:
                task.result()

    async def _read(self, socket: Socket, host: ChatHost, bot: Fields) -> None:
        await self._catch_up(host, bot)
        self._is_live = True
        expected: int | None = None
        while True:
            told = await _receive(socket)
            if "seq_reply" in told or "event" not in told:
                continue
            seq = read_number(told, "seq")
            if expected is not None and seq != expected:
                host.note("stream_gap", f"{expected} → {seq}")
                await self._catch_up(host, bot)
            expected = seq + 1
            await self._take(told, host, bot)

    async def _take(self, told: Object, host: ChatHost, bot: Fields) -> None:
        """Keep what an event tells, if it is for us."""
        kind, data = read_text(told, "event"), read_object(told, "data")
        if kind in ("posted", "post_edited"):
            post = json.loads(read_id(data, "post"))
            channel = read_id(post, "channel_id")
            if of_channel := read_text(data, "channel_type"):
                self._kinds[channel] = of_channel
            await self._keep(kind, post, host, bot, read_text(data, "sender_name"))
            self._newest = max(self._newest, read_number(post, "create_at"))
        elif kind in LEAVING:
            channel = read_text(data, "channel_id") or read_text(read_object(told, "broadcast"), "channel_id")
            if not channel or read_text(data, "user_id") not in ("", read_id(bot)):
                return  # somebody else was removed
            left = {
                "event": kind,
                "channel_id": channel,
                "channel_type": self._kinds.get(channel, ""),
                "seq": told["seq"],
            }
            await host.keep(json.dumps(left).encode())

    async def _keep(self, kind: str, post: Fields, host: ChatHost, bot: Fields, sender: str = "") -> None:
        update: Fields = {
            "event": kind,
            "channel_type": await self._find_kind(read_id(post, "channel_id")),
            "post": post,
            "root": {},
            "bot": {"id": read_id(bot), "username": read_id(bot, "username")},
            "sender_name": sender.removeprefix("@"),
        }
        if (root := read_text(post, "root_id")) and read_text(post, "user_id") != read_id(bot):
            update["root"] = await self._find_root(root)
        if concerns_us(update):
            await host.keep(json.dumps(update).encode())

    async def _find_kind(self, channel: str) -> str:
        if channel not in self._kinds:
            self._kinds[channel] = read_id(await self._api.request("GET", f"/channels/{channel}"), "type")
        return self._kinds[channel]

    async def _find_root(self, root: str) -> Fields:
        """Return what is replied to; only its id when it was deleted."""
        try:
            return await self._api.request("GET", f"/posts/{root}")
        except DeliveryError as error:
            if error.kind != "dead_address":
                raise
            return {"id": root}

    async def _catch_up(self, host: ChatHost, bot: Fields) -> None:
        """Keep what was written while nobody listened. The stream of a server remembers nothing."""
        since = self._newest - OVERLAP if self._newest else int(time.time() * 1000) - CATCH_UP
        newest = self._newest
        for channel in await self._api.list("/users/me/channels"):
            self._kinds[read_id(channel)] = read_id(channel, "type")
            if read_number(channel, "last_post_at") <= since:
                continue
            page = await self._api.request("GET", f"/channels/{read_id(channel)}/posts?since={since}")
            for post in _list_missed(read_object(page, "posts").values(), since):
                is_new = read_number(post, "create_at") > since
                await self._keep("posted" if is_new else "post_edited", post, host, bot)
                newest = max(newest, read_number(post, "create_at"))
        self._newest = newest  # not before all of them are kept


def _list_missed(posts: Iterable[object], since: int) -> list[Fields]:
    """Return the posts that were written or edited since then, oldest first."""
    found = [post for post in posts if isinstance(post, dict) and not post.get("delete_at")]
    changed = [post for post in found if max(read_number(post, "create_at"), read_number(post, "edit_at")) > since]
    return sorted(changed, key=lambda post: read_number(post, "create_at"))


async def _authenticate(socket: Socket, token: str) -> None:
    challenge = {"seq": 1, "action": "authentication_challenge", "data": {"token": token}}
    await socket.send_json(challenge)
    async with asyncio.timeout(GREETING_SECONDS):
        while True:
            told = await _receive(socket)
            if told.get("seq_reply") == 1:
                if told.get("status") != "OK":
                    raise StreamLost("refused")
                return


async def _receive(socket: Socket) -> Object:
    """Return the next object of the stream. Raises StreamLost when it ended."""
    while True:
        frame = await socket.receive()
        if frame.type is aiohttp.WSMsgType.TEXT:
            told = json.loads(frame.data)
            if isinstance(told, dict):
                return told
        elif frame.type is not aiohttp.WSMsgType.BINARY:
            raise StreamLost(f"closed {socket.close_code or ''}".strip())


async def _renew(host: ChatHost, lease: str) -> None:
    """Renew the lease while we have it. Raises StreamLost when another process took it."""
    while True:
        await asyncio.sleep(RENEW_SECONDS)
        if not await host.acquire_lease(lease, LEASE):
            raise StreamLost("another process listens")


def _describe(accident: Exception) -> str:
    return (
        str(accident) if isinstance(accident, DeliveryError | StreamLost) else f"{type(accident).__name__} {accident}"
    )
