"""Serves the page of the simulated handsets: its files, its JSON and its event stream."""

import asyncio
import json
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from aiohttp import web
from aiohttp_sse import sse_response

from sandbox.handling import Refused, chat_routes, person_at, phone_routes
from sandbox.view import chat_view, people_view, phone_view, ringing_view

if TYPE_CHECKING:
    from sandbox.town import Town

PAGE = files("sandbox").joinpath("page")
MIME = {"css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
PULSE_SECONDS = 20.0
BREATH_SECONDS = 0.05  # bursts of changes are sent as one event


class Desk:
    """Serves the simulator's handsets to a browser."""

    def __init__(self, town: "Town") -> None:
        self.town = town
        self._closing = False

    def app(self) -> web.Application:
        """Build the routes of the page."""
        app = web.Application(middlewares=[_guard])
        app.router.add_get("", self.page)
        app.router.add_get("/", self.page)
        app.router.add_get("/page/{name:[a-z]+\\.(?:js|css|svg)}", self.asset)
        app.router.add_get("/people.json", self.people)
        app.router.add_get("/api/view", self.view)
        app.router.add_get("/api/events", self.events)
        app.router.add_get("/api/file/{id}", self.file)
        app.router.add_post("/api/people/{phone}/bind", self.bind)
        chat_routes(app, self.town)
        phone_routes(app, self.town)
        return app

    def close(self) -> None:
        """End all event streams."""
        self._closing = True
        self.town.bell.ring()

    async def page(self, request: web.Request) -> web.Response:
        """Serve the page; an attribute tells it where it is mounted."""
        base = request.path.rstrip("/")
        text = PAGE.joinpath("index.html").read_text().replace("{{base}}", base)
        return web.Response(text=text, content_type="text/html")

    async def asset(self, request: web.Request) -> web.Response:
        """Serve a script, style sheet or picture of the page."""
        name = request.match_info["name"]
        try:
            body = PAGE.joinpath(name).read_bytes()
        except FileNotFoundError:
            raise web.HTTPNotFound from None
        headers = {"Cache-Control": "no-cache"}
        return web.Response(body=body, content_type=MIME[name.rsplit(".", 1)[1]], charset="utf-8", headers=headers)

    async def people(self, request: web.Request) -> web.Response:
        """List the simulated people."""
        return web.json_response(people_view(self.town))

    async def view(self, request: web.Request) -> web.Response:
        """Return what the handsets show now: `?chat=+86…&phone=+86…&phone=+86…`."""
        chat = request.query.get("chat")
        seen: dict[str, Any] = {
            "chat": chat_view(self.town, person_at(self.town, chat)) if chat else None,
            "phones": [phone_view(self.town, number) for number in request.query.getall("phone", [])],
            "ringing": ringing_view(self.town),
            "office": self.town.phones.own_number,
        }
        return web.json_response(seen)

    async def events(self, request: web.Request) -> web.StreamResponse:
        """Stream server-sent events: one whenever something has changed."""
        bell, last = self.town.bell, -1

        def news() -> int | None:
            return bell.revision if bell.revision != last or self._closing else None

        async with sse_response(request) as stream:
            while stream.is_connected() and not self._closing:
                try:
                    last = await bell.wait(news, PULSE_SECONDS)
                except TimeoutError:
                    continue
                await stream.send(json.dumps({"revision": last}))
                await asyncio.sleep(BREATH_SECONDS)
        return stream

    async def file(self, request: web.Request) -> web.Response:
        """Serve a file that was sent in a chat."""
        kept = self.town.chat.files.get(request.match_info["id"])
        if kept is None:
            raise web.HTTPNotFound
        shown = kept[0].mime if kept[0].mime in ("image/jpeg", "image/png", "application/pdf") else None
        return web.Response(body=kept[1], content_type=shown or "application/octet-stream")

    async def bind(self, request: web.Request) -> web.Response:
        """Open the person's binding link: send /start with a new code in their chat."""
        neighbour = self.town.people.get(request.match_info["phone"])
        if neighbour is None or not neighbour.code or self.town.binding_code is None:
            raise Refused(404, "no_binding")
        code = await self.town.binding_code(neighbour.code)
        await self.town.chat.user(neighbour.name, neighbour.phone).start(code)
        return web.json_response({"ok": True})


@web.middleware
async def _guard(request: web.Request, handler: Any) -> web.StreamResponse:
    """Accept POST from our own page only, and let only our own files run in it."""
    origin = request.headers.get("Origin")
    if request.method == "POST" and origin is not None and origin.split("://")[-1] != request.host:
        raise web.HTTPForbidden
    try:
        answer: web.StreamResponse = await handler(request)
    except Refused as refused:
        answer = web.json_response({"error": refused.code}, status=refused.status)
    if not answer.prepared:
        answer.headers.setdefault("Content-Security-Policy", POLICY)
        answer.headers.setdefault("X-Content-Type-Options", "nosniff")
    return answer
