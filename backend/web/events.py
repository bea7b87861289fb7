"""Streams moves as server-sent events, to each listener only those of tickets they may see (FR21)."""

import asyncio
import json
from typing import Any

from aiohttp import web
from aiohttp_sse import sse_response

from backend.domain.acts import Actor, Plan
from backend.domain.refusals import Refused
from backend.services import Services
from backend.tickets.service import build_log_fields
from backend.web.identity import authenticate_key, authenticate_session, is_same_origin, read_bearer
from backend.web.request import SERVICES

MAX_QUEUED = 500  # moves a slow listener may fall behind before being dropped
MAX_LISTENERS = 500  # listeners at once
CHECK_SECONDS = 20.0  # seconds between checks whether the client is still connected
RECHECK_SECONDS = 5.0  # seconds for which a listener's permission is trusted
FeedItem = tuple[int, dict[str, Any]]


class Feed:
    """Passes each committed move to the listeners of this process."""

    def __init__(self, services: Services) -> None:
        self._listeners: set[asyncio.Queue[FeedItem | None]] = set()
        self._zone = services.clock.zone
        services.tickets.listeners.add(self.publish)

    def publish(self, plan: Plan, ticket_no: str) -> None:
        """Queue a move for every listener; one too far behind is dropped and reconnects."""
        line = plan.entry
        body = dict(build_log_fields(ticket_no, line.assignment_id, line.verb, line.from_state, line.to_state,
                                 line.version, line.by, str(line.source), line.at.astimezone(self._zone)))  # fmt: skip
        for queue in tuple(self._listeners):
            if queue.qsize() >= MAX_QUEUED:
                self._listeners.discard(queue)
                queue.put_nowait(None)
            else:
                queue.put_nowait((plan.ticket_id, body))

    def subscribe(self) -> "asyncio.Queue[FeedItem | None]":
        """Add a listener and return its queue; None in it ends the stream. Refused `too_many`."""
        if len(self._listeners) >= MAX_LISTENERS:
            raise Refused("too_many")
        queue: asyncio.Queue[FeedItem | None] = asyncio.Queue()
        self._listeners.add(queue)
        return queue

    def unsubscribe(self, queue: "asyncio.Queue[FeedItem | None]") -> None:
        """Remove a listener."""
        self._listeners.discard(queue)

    def close(self) -> None:
        """End all streams: the server is stopping."""
        for queue in tuple(self._listeners):
            queue.put_nowait(None)
        self._listeners.clear()


FEED = web.AppKey("feed", Feed)


async def _authenticate(request: web.Request) -> Actor:
    services = request.app[SERVICES]
    if not is_same_origin(request):
        raise Refused("forbidden")
    if read_bearer(request):
        return await authenticate_key(request, services)
    found = await authenticate_session(request, services)
    if found is None:
        raise Refused("unauthenticated")
    return found[0]


async def stream_events(request: web.Request) -> web.StreamResponse:
    """GET /events."""
    services, feed = request.app[SERVICES], request.app[FEED]
    actor = await _authenticate(request)
    monotonic = services.clock.monotonic
    if request.transport is None:  # they left while we asked who they are
        return web.Response(status=400)
    queue = feed.subscribe()
    stream: web.StreamResponse | None = None
    try:
        async with sse_response(request) as stream:
            await stream.send("{}", event="hello")
            checked = monotonic()
            while stream.is_connected():
                try:
                    item = await asyncio.wait_for(queue.get(), CHECK_SECONDS)
                except TimeoutError:
                    continue
                if item is None:
                    break
                if monotonic() - checked > RECHECK_SECONDS:
                    checked = monotonic()
                    if not await _may_still_listen(request, actor):
                        break
                ticket_id, body = item
                if await services.queries.is_seen(ticket_id, actor.sight):
                    await stream.send(json.dumps(body, ensure_ascii=False), event="moved")
            return stream
    except (ConnectionError, TimeoutError):  # the listener has gone or takes nothing, which is no error
        return stream or web.Response(status=400)
    finally:
        feed.unsubscribe(queue)


async def _may_still_listen(request: web.Request, actor: Actor) -> bool:
    """Whether the listener still has the same role and is signed in (FR18)."""
    try:
        return await _authenticate(request) == actor
    except Refused:
        return False


def add_routes(app: web.Application) -> None:
    """Add the routes, and end the streams on shutdown, which they would otherwise block."""
    app[FEED] = Feed(app[SERVICES])
    app.router.add_get("/api/v1/events", stream_events)
    app.router.add_get("/events", stream_events)

    async def close(app: web.Application) -> None:
        app[FEED].close()

    app.on_shutdown.append(close)
