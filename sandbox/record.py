"""Simulated external platform: accepts moves written back, offers demands to fetch, answers as configured."""

import hashlib
import hmac
import html
import json
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from functools import cache
from importlib.resources import files
from typing import Any

import aiohttp
from aiohttp import web

Ask = Callable[[str, str, dict[str, str], bytes, aiohttp.ClientTimeout], Awaitable[tuple[int, str, bytes]]]
PAGE = files("sandbox").joinpath("page")
POLICY = "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
SHOWN = 60  # newest moves shown on the page
HOOK = "/hooks/platform"


class Mood(StrEnum):
    """How the platform answers a move."""

    AT_ONCE = "at_once"
    LATER = "later"  # accepts the move and confirms it when a button is pressed
    REFUSE = "refuse"
    AWAY = "away"


@dataclass
class Kept:
    """One move it received, and its answer."""

    number: int
    move: dict[str, Any]
    answer: str
    copies: int = 1


@dataclass
class RecordPlatform:
    """Demands and moves of a rehearsal. `violations` are requests that broke the protocol."""

    now: Callable[[], datetime]
    secret: str
    public_url: str
    ask: Ask
    mood: Mood = Mood.AT_ONCE
    moves: dict[int, Kept] = field(default_factory=dict)
    demands: list[dict[str, Any]] = field(default_factory=list)
    violations: list[str] = field(default_factory=list)

    def app(self) -> web.Application:
        """Build the routes for `/sandbox/platform/`."""
        app = web.Application(middlewares=[_guard])
        app.router.add_get("", self.page)
        app.router.add_get("/", self.page)
        app.router.add_post("/moves", self.take)
        app.router.add_get("/feed", self.feed)
        app.router.add_post("/mood", self.be)
        app.router.add_post("/demand", self.demand)
        app.router.add_post("/answer/{number:\\d+}", self.answer)
        return app

    async def take(self, request: web.Request) -> web.Response:
        """Receive a move written back."""
        body = await request.read()
        if not self._genuine(request, body):
            return _no(401, "bad_signature")
        move = json.loads(body)
        number = move["event"]
        if request.headers.get("Idempotency-Key") != str(number):
            self.violations.append(f"move {number} without its key")
        if self.mood is Mood.AWAY:
            return _no(503, "away")
        known = self.moves.get(number)
        if known is not None and known.answer in ("confirmed", "asked"):
            known.copies += 1
            return web.json_response({"ref": f"P{number}"}, status=200 if known.answer == "confirmed" else 202)
        earlier = [k.move["version"] for k in self.moves.values()
                   if k.move["ticket_no"] == move["ticket_no"] and k.answer != "refused"]  # fmt: skip
        if earlier and move["version"] < max(earlier):
            self.violations.append(f"move {number} after a later one of its ticket")
        words = {Mood.AT_ONCE: "confirmed", Mood.LATER: "asked", Mood.REFUSE: "refused"}
        self.moves[number] = Kept(number, move, words[self.mood])
        if self.mood is Mood.REFUSE:
            return _no(409, "not_accepted")
        return web.json_response({"ref": f"P{number}"}, status=200 if self.mood is Mood.AT_ONCE else 202)

    async def feed(self, request: web.Request) -> web.Response:
        """Return the demands after a cursor."""
        if not self._genuine(request, b""):
            return _no(401, "bad_signature")
        if self.mood is Mood.AWAY:
            return _no(503, "away")
        after, limit = int(request.query.get("after", "0")), int(request.query.get("limit", "100"))
        items = self.demands[after : after + limit]
        return web.json_response({"items": items, "next": str(after + len(items))})

    async def be(self, request: web.Request) -> web.Response:
        """Set how it answers."""
        self.mood = Mood(str((await request.post()).get("mood", "")))
        raise web.HTTPSeeOther(_up(request))

    async def demand(self, request: web.Request) -> web.Response:
        """Add a demand to be fetched."""
        said = await request.post()
        number = f"W{self.now():%Y%m%d%H%M%S}{len(self.demands) + 1:03d}"
        self.demands.append({
            "ticket_no": number, "category": "complaint", "grade": str(said.get("grade") or "general"),
            "channel": "web", "text": str(said.get("text") or "")[:2000], "region": str(said.get("region") or "")[:100],
        })  # fmt: skip
        raise web.HTTPSeeOther(_up(request))

    async def answer(self, request: web.Request) -> web.Response:
        """Confirm or refuse a move from the page."""
        number = int(request.match_info["number"])
        if number not in self.moves:
            raise web.HTTPNotFound
        await self.say(number, ok=(await request.post()).get("ok") == "1")
        raise web.HTTPSeeOther(request.path.rsplit("/", 2)[0])

    async def say(self, number: int, *, ok: bool, reason: str = "not_accepted") -> int:
        """Send a late answer; return the HTTP status."""
        body = json.dumps({"confirmations": [{"event": number, "ok": ok, "reason": reason, "ref": f"P{number}"}]})
        self.moves[number].answer = "confirmed" if ok else "refused"
        moment = str(int(time.time()))
        headers = {
            "Content-Type": "application/json", "X-Jiesu-Timestamp": moment,
            "X-Jiesu-Signature": self._sign(moment, "POST", HOOK, body.encode()),
        }  # fmt: skip
        limit = aiohttp.ClientTimeout(total=10)
        status, _, _ = await self.ask("POST", f"{self.public_url}{HOOK}", headers, body.encode(), limit)
        return status

    async def page(self, request: web.Request) -> web.Response:
        """Serve the page with the moves, newest first."""
        rows = "".join(self._row(kept) for kept in list(self.moves.values())[: -SHOWN - 1 : -1])
        text = PAGE.joinpath("platform.html").read_text("utf-8")
        for mood in Mood:
            text = text.replace(f"{{{{{mood}}}}}", " selected" if mood is self.mood else "")
        text = text.replace("{{rows}}", rows)
        return web.Response(text=text, content_type="text/html")

    def _row(self, kept: Kept) -> str:
        move = kept.move
        cells = (
            move["ticket_no"],
            move["version"],
            _word("verb", move["verb"]),
            f"{_word('state', move['from'])} → {_word('state', move['to'])}".removeprefix(" → "),
            move["by"],
            _word("answer", kept.answer),
        )
        shown = "".join(f"<td>{html.escape(str(cell))}</td>" for cell in cells)
        buttons = "".join(
            f'<form method="post" action="platform/answer/{kept.number}"><button name="ok" value="{value}">{sign}</button></form>'
            for value, sign in _words()["press"].items() if kept.answer == "asked"
        )  # fmt: skip
        return f"<tr>{shown}<td>{buttons}</td></tr>"

    def _genuine(self, request: web.Request, body: bytes) -> bool:
        moment, said = request.headers.get("X-Jiesu-Timestamp", ""), request.headers.get("X-Jiesu-Signature", "")
        right = self._sign(moment, request.method, request.raw_path, body)
        if not hmac.compare_digest(right.encode(), said.encode()):
            self.violations.append("a request with a wrong signature")
            return False
        return True

    def _sign(self, moment: str, method: str, target: str, body: bytes) -> str:
        words = f"{moment}\n{method}\n{target}\n{hashlib.sha256(body).hexdigest()}"
        return hmac.new(self.secret.encode(), words.encode(), hashlib.sha256).hexdigest()


@cache
def _words() -> dict[str, dict[str, str]]:
    words: dict[str, dict[str, str]] = json.loads(PAGE.joinpath("platform.json").read_text("utf-8"))
    return words


def _word(group: str, code: str | None) -> str:
    """Return the page's text for a code; an unknown code is returned as it is."""
    return _words()[group].get(code or "", code or "")


def _no(status: int, code: str) -> web.Response:
    return web.json_response({"error": {"code": code, "message": code}}, status=status)


def _up(request: web.Request) -> str:
    return request.path.rsplit("/", 1)[0]


@web.middleware
async def _guard(request: web.Request, handler: Any) -> web.StreamResponse:
    """Accept POST from our own page only."""
    origin = request.headers.get("Origin")
    if request.method == "POST" and origin is not None and origin.split("://")[-1] != request.host:
        raise web.HTTPForbidden
    answer: web.StreamResponse = await handler(request)
    answer.headers.setdefault("Content-Security-Policy", POLICY)
    return answer
