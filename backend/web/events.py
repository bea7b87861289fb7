"""Streams moves as server-sent events, to each listener only those of tickets they may see (FR21)."""

import asyncio
import json
from typing import Any

from aiohttp import web
from aiohttp_sse import sse_response

from backend.domain.acts import Actor, Plan
from backend.domain.refusals import Refused
from backend.rooms import Rooms
from backend.tickets.service import build_log_fields
from backend.web.asked import ROOMS
from backend.web.identity import bearer, by_key, same_origin, session_of

WAITING = 500  # moves a slow listener may fall behind before being dropped
MOST = 500  # listeners at once
LISTEN = 20.0  # seconds between checks whether the client is still connected
RECHECK = 5.0  # seconds for which a listener's permission is trusted
Told = tuple[int, dict[str, Any]]


class Feed:
    """Passes each committed move to the listeners of this process."""

    def __init__(self, rooms: Rooms) -> None:
        self._listeners: set[asyncio.Queue[Told | None]] = set()
        rooms.desk.listeners.append(self.moved)

    def moved(self, plan: Plan, ticket_no: str) -> None:
        """Queue a move for every listener; one too far behind is dropped and reconnects."""
        line = plan.entry
        body = dict(build_log_fields(ticket_no, line.assignment_id, line.verb, line.from_state, line.to_state,
                                 line.version, line.by, str(line.source), line.at))  # fmt: skip
        for queue in tuple(self._listeners):
            if queue.qsize() >= WAITING:
                self._listeners.discard(queue)
                queue.put_nowait(None)
            else:
                queue.put_nowait((plan.ticket_id, body))

    def listen(self) -> "asyncio.Queue[Told | None]":
        """Add a listener and return its queue; None in it ends the stream. Refused `too_many`."""
        if len(self._listeners) >= MOST:
            raise Refused("too_many")
        queue: asyncio.Queue[Told | None] = asyncio.Queue()
        self._listeners.add(queue)
        return queue

    def leave(self, queue: "asyncio.Queue[Told | None]") -> None:
        """Remove a listener."""
        self._listeners.discard(queue)

    def close(self) -> None:
        """End all streams: the server is stopping."""
        for queue in tuple(self._listeners):
            queue.put_nowait(None)
        self._listeners.clear()


FEED = web.AppKey("feed", Feed)


async def _who(request: web.Request) -> Actor:
    rooms = request.app[ROOMS]
    if not same_origin(request, rooms.public_url):
        raise Refused("forbidden")
    if bearer(request):
        return await by_key(request, rooms)
    found = await session_of(request, rooms)
    if found is None:
        raise Refused("unauthenticated")
    return found[0]


async def events(request: web.Request) -> web.StreamResponse:
    """GET /events."""
    rooms, feed = request.app[ROOMS], request.app[FEED]
    actor = await _who(request)
    loop = asyncio.get_running_loop()
    queue = feed.listen()
    stream: web.StreamResponse | None = None
    try:
        async with sse_response(request) as stream:
            await stream.send("{}", event="hello")
            checked = loop.time()
            while stream.is_connected():
                try:
                    told = await asyncio.wait_for(queue.get(), LISTEN)
                except TimeoutError:
                    continue
                if told is None:
                    break
                if loop.time() - checked > RECHECK:
                    checked = loop.time()
                    if not await _still_welcome(request, actor):
                        break
                ticket_id, body = told
                if not actor.is_unit_member or actor.unit in await rooms.reading.find_units(ticket_id):
                    await stream.send(json.dumps(body, ensure_ascii=False), event="moved")
            return stream
    except ConnectionError:  # the listener has gone, which is no error
        return stream or web.Response(status=400)
    finally:
        feed.leave(queue)


async def _still_welcome(request: web.Request, actor: Actor) -> bool:
    """Whether the listener still has the same role and is signed in (FR18)."""
    try:
        return await _who(request) == actor
    except Refused:
        return False


def add_routes(app: web.Application) -> None:
    """Add the routes, and end the streams on shutdown, which they would otherwise block."""
    app[FEED] = Feed(app[ROOMS])
    app.router.add_get("/api/v1/events", events)
    app.router.add_get("/events", events)

    async def close(app: web.Application) -> None:
        app[FEED].close()

    app.on_shutdown.append(close)
