"""Who reaches the rehearsal's pages: this machine, under a known name; once opened to others, whoever is signed in (XS6)."""

from collections.abc import Awaitable, Callable, Collection
from urllib.parse import urlsplit

from aiohttp import web

from backend.domain.refusals import Refused
from backend.web.identity import authenticate_key, authenticate_session, is_same_origin, read_bearer
from backend.web.request import SERVICES

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
LOOPBACK_HOSTS = frozenset(("127.0.0.1", "localhost", "::1"))
PREFIX = "/sandbox"


class SandboxGuard:
    """`hosts` are names it may be reached under besides loopback; `is_open`: opened beyond this machine on purpose;
    `providers`: paths below /sandbox of the simulated providers, which have secrets of their own."""

    def __init__(self, hosts: Collection[str], providers: Collection[str], *, is_open: bool) -> None:
        self._hosts = LOOPBACK_HOSTS | {host.lower() for host in hosts}
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
        """Refused `wrong_host`, `unauthenticated`, or `forbidden` for a form of another site."""
        if not self._is_known_host(request.host):
            raise Refused("wrong_host")
        to_provider = any(request.path == path or request.path.startswith(f"{path}/") for path in self._providers)
        if not self._is_open or to_provider:
            return
        services = request.app[SERVICES]
        if read_bearer(request):
            await authenticate_key(request, services)
        elif await authenticate_session(request, services) is None:
            raise Refused("unauthenticated")
        elif request.method not in ("GET", "HEAD") and not is_same_origin(request, services.public_url):
            raise Refused("forbidden")

    def _is_known_host(self, host: str) -> bool:
        try:
            return "@" not in host and (urlsplit(f"//{host}").hostname or "").lower() in self._hosts
        except ValueError:
            return False
