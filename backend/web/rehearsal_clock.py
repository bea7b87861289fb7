"""The clock of a rehearsal: what time it is there, and moving it on."""

from typing import Protocol

from aiohttp import web

from backend.domain.refusals import Refused
from backend.web.body import read_json
from backend.web.identity import is_same_origin
from backend.web.request import SERVICES
from backend.web.schemas import AdvanceBody, validate_body


class MovableClock(Protocol):
    """A clock that can be moved; implemented in backend/rehearsal/clock.py."""

    async def advance(self, span: str, /, *, until_ring: bool = False) -> object:
        """Move by a span such as `2h30m`, or to where a telephone rings before; return when what became due is done.

        Refused `bad_span`.
        """
        ...


class RehearsalClock:
    """The routes of `/sandbox/clock`; only a rehearsal has them."""

    def __init__(self, clock: MovableClock) -> None:
        self._clock = clock

    async def show(self, request: web.Request) -> web.Response:
        """GET /sandbox/clock: the rehearsal's current time."""
        return _tell_time(request)

    async def advance(self, request: web.Request) -> web.Response:
        """POST /sandbox/clock: move time on; answers when the work that became due is done.

        Refused `forbidden` from another site.
        """
        if not is_same_origin(request):
            raise Refused("forbidden")
        body = validate_body(AdvanceBody, await read_json(request))
        await self._clock.advance(body.advance, until_ring=body.until_ring)
        return _tell_time(request)

    def add_routes(self, app: web.Application) -> None:
        """Add these routes."""
        app.router.add_get("/sandbox/clock", self.show)
        app.router.add_post("/sandbox/clock", self.advance)


def _tell_time(request: web.Request) -> web.Response:
    clock = request.app[SERVICES].clock
    return web.json_response({"now": clock.now().astimezone(clock.zone).isoformat()})
