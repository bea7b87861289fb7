"""Serves the page of the simulated handsets: its files, its JSON and its event stream."""

import asyncio
import contextlib
import json
from importlib.resources import files
from typing import Any

from aiohttp import web
from aiohttp_sse import sse_response

from sandbox.networks import SimulatedNetworks
from sandbox.page_actions import PageError, add_chat_routes, add_phone_routes, find_person
from sandbox.screens import render_chat, render_people, render_phone, render_ringing

PAGE = files("sandbox").joinpath("page")
MIME = {"css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
KEEPALIVE_SECONDS = 20.0
BURST_SECONDS = 0.05  # bursts of changes are sent as one event


class PageApi:
    """Serves the simulator's handsets to a browser."""

    def __init__(self, networks: SimulatedNetworks) -> None:
        self.networks = networks
        self._closing = False

    def build_app(self) -> web.Application:
        """Build the routes of the page."""
        app = web.Application(middlewares=[_guard])
        app.router.add_get("", self.serve_page)
        app.router.add_get("/", self.serve_page)
        app.router.add_get("/page/{name:[a-z]+\\.(?:js|css|svg)}", self.serve_asset)
        app.router.add_get("/people.json", self.list_people)
        app.router.add_get("/api/view", self.get_view)
        app.router.add_get("/api/events", self.stream_events)
        app.router.add_get("/api/file/{id}", self.serve_file)
        app.router.add_post("/api/people/{phone}/bind", self.open_binding_link)
        add_chat_routes(app, self.networks)
        add_phone_routes(app, self.networks)
        return app

    def close(self) -> None:
        """End all event streams."""
        self._closing = True
        self.networks.broadcast.notify()

    async def serve_page(self, request: web.Request) -> web.Response:
        """Serve the page; an attribute tells it where it is mounted."""
        base = request.path.rstrip("/")
        text = PAGE.joinpath("index.html").read_text().replace("{{base}}", base)
        return web.Response(text=text, content_type="text/html")

    async def serve_asset(self, request: web.Request) -> web.Response:
        """Serve a script, style sheet or picture of the page."""
        name = request.match_info["name"]
        try:
            body = PAGE.joinpath(name).read_bytes()
        except FileNotFoundError:
            raise web.HTTPNotFound from None
        headers = {"Cache-Control": "no-cache"}
        return web.Response(body=body, content_type=MIME[name.rsplit(".", 1)[1]], charset="utf-8", headers=headers)

    async def list_people(self, request: web.Request) -> web.Response:
        """List the simulated people."""
        return web.json_response(render_people(self.networks))

    async def get_view(self, request: web.Request) -> web.Response:
        """Return what the handsets show now: `?chat=+86…&phone=+86…&phone=+86…`."""
        view: dict[str, Any] = {
            "chat": self._render_chat(request.query.get("chat")),
            "phones": [render_phone(self.networks, number) for number in request.query.getall("phone", [])],
            "ringing": render_ringing(self.networks),
            "office": self.networks.phones.own_number,
        }
        return web.json_response(view)

    def _render_chat(self, phone: str | None) -> dict[str, Any] | None:
        if not phone:
            return None
        handset = self.networks.find_handset(phone)
        return handset.render() if handset else render_chat(self.networks, find_person(self.networks, phone))

    async def stream_events(self, request: web.Request) -> web.StreamResponse:
        """Stream server-sent events: one whenever something has changed."""
        broadcast, last = self.networks.broadcast, -1

        def find_news() -> int | None:
            return broadcast.revision if broadcast.revision != last or self._closing else None

        if request.transport is None:  # they left while we asked who they are
            return web.Response(status=400)
        async with sse_response(request) as stream:
            with contextlib.suppress(ConnectionError, TimeoutError):  # closed or stalled
                while stream.is_connected() and not self._closing:
                    try:
                        last = await broadcast.wait(find_news, KEEPALIVE_SECONDS)
                    except TimeoutError:
                        continue
                    await stream.send(json.dumps({"revision": last}))
                    await asyncio.sleep(BURST_SECONDS)
        return stream

    async def serve_file(self, request: web.Request) -> web.Response:
        """Serve a file that was sent in a chat."""
        stored = self.networks.chat.files.get(request.match_info["id"])
        if stored is None:
            raise web.HTTPNotFound
        content_type = stored[0].mime if stored[0].mime in ("image/jpeg", "image/png", "application/pdf") else None
        return web.Response(body=stored[1], content_type=content_type or "application/octet-stream")

    async def open_binding_link(self, request: web.Request) -> web.Response:
        """Open the person's binding link: send /start with a new code in their chat."""
        person = self.networks.people.get(request.match_info["phone"])
        if person is None or not person.code or self.networks.create_binding_code is None:
            raise PageError(404, "no_binding")
        code = await self.networks.create_binding_code(person.code)
        handset = self.networks.find_handset(person.phone)
        if handset is not None:
            await handset.bind(code)
        else:
            await self.networks.chat.get_user(person.name, person.phone).start(code)
        return web.json_response({"ok": True})


@web.middleware
async def _guard(request: web.Request, handler: Any) -> web.StreamResponse:
    """Let only our own files run in the page."""
    try:
        answer: web.StreamResponse = await handler(request)
    except PageError as refused:
        answer = web.json_response({"error": refused.code}, status=refused.status)
    except (ValueError, TypeError, OverflowError):  # a text where a number is wanted, and the like (XS11)
        answer = web.json_response({"error": "bad_value"}, status=422)
    if not answer.prepared:
        answer.headers.setdefault("Content-Security-Policy", POLICY)
        answer.headers.setdefault("X-Content-Type-Options", "nosniff")
    return answer
