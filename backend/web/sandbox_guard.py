"""Who reaches the rehearsal's pages: its own pages on this machine; once opened to others, whoever is signed in (XS6)."""

from collections.abc import Awaitable, Callable, Collection

from aiohttp import web

from backend.domain.refusals import Refused
from backend.web.identity import authenticate_key, authenticate_session, is_same_origin, read_bearer
from backend.web.request import SERVICES

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
PREFIX = "/sandbox"


class SandboxGuard:
    """`is_open`: opened beyond this machine on purpose; `providers`: paths below /sandbox of the simulated providers,
    which have secrets of their own."""

    def __init__(self, providers: Collection[str], *, is_open: bool) -> None:
        self._providers = tuple(f"{PREFIX}{path}" for path in providers)
        self._is_open = is_open

    def add_to(self, app: web.Application) -> None:
        """Guard the sandbox's routes of this application, whatever adds them."""

        @web.middleware
        async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
            if request.path == PREFIX or request.path.startswith(f"{PREFIX}/"):
                await self._check(request)
            return await handler(request)

        app.middlewares.append(guard)

    async def _check(self, request: web.Request) -> None:
        """Refused `forbidden` for a form of another site, `unauthenticated`."""
        if any(request.path == path or request.path.startswith(f"{path}/") for path in self._providers):
            return
        if request.method not in ("GET", "HEAD") and not is_same_origin(request):
            raise Refused("forbidden")
        if not self._is_open:
            return
        services = request.app[SERVICES]
        if read_bearer(request):
            await authenticate_key(request, services)
        elif await authenticate_session(request, services) is None:
            raise Refused("unauthenticated")
