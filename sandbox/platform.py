"""Simulated external platform: accepts moves written back, offers demands to fetch, answers as configured."""

import hashlib
import hmac
import html
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from functools import cache
from importlib.resources import files
from typing import Any

import aiohttp
from aiohttp import web

from sandbox.faults import Violations

SendRequest = Callable[[str, str, dict[str, str], bytes, aiohttp.ClientTimeout], Awaitable[tuple[int, str, bytes]]]
PAGE = files("sandbox").joinpath("page")
POLICY = "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
MAX_ROWS = 60  # newest moves shown on the page
HOOK = "/hooks/platform"


class AnswerMode(StrEnum):
    """How the platform answers a move."""

    AT_ONCE = "at_once"
    LATER = "later"  # accepts the move and confirms it when a button is pressed
    REFUSE = "refuse"
    AWAY = "away"


@dataclass
class ReceivedMove:
    """One move it received, and its answer."""

    number: int
    move: dict[str, Any]
    answer: str
    duplicates: int = 1


@dataclass
class SimulatedPlatform:
    """Demands and moves of a rehearsal. `violations` are requests that broke the protocol."""

    now: Callable[[], datetime]
    real_time: Callable[[], float]  # seconds since 1970, for signatures
    secret: str
    public_url: str
    send_request: SendRequest
    mode: AnswerMode = AnswerMode.AT_ONCE
    moves: dict[int, ReceivedMove] = field(default_factory=dict)
    demands: list[dict[str, Any]] = field(default_factory=list)
    violations: Violations = field(default_factory=lambda: Violations("platform"))

    def build_app(self) -> web.Application:
        """Build the routes for `/sandbox/platform/`."""
        app = web.Application(middlewares=[_guard])
        app.router.add_get("", self.serve_page)
        app.router.add_get("/", self.serve_page)
        app.router.add_post("/moves", self.receive_move)
        app.router.add_get("/feed", self.serve_feed)
        app.router.add_post("/mood", self.set_mode)
        app.router.add_post("/demand", self.add_demand)
        app.router.add_post("/answer/{number:\\d+}", self.answer_move)
        return app

    async def receive_move(self, request: web.Request) -> web.Response:
        """Receive a move written back."""
        body = await request.read()
        if not self._is_genuine(request, body):
            return _error_response(401, "bad_signature")
        move = json.loads(body)
        number = move["event"]
        if request.headers.get("Idempotency-Key") != str(number):
            self.violations.record(400, "moves", f"move {number} without its key")
        if self.mode is AnswerMode.AWAY:
            return _error_response(503, "away")
        known = self.moves.get(number)
        if known is not None and known.answer in ("confirmed", "asked"):
            known.duplicates += 1
            return web.json_response({"ref": f"P{number}"}, status=200 if known.answer == "confirmed" else 202)
        earlier = [k.move["version"] for k in self.moves.values()
                   if k.move["ticket_no"] == move["ticket_no"] and k.answer != "refused"]  # fmt: skip
        if earlier and move["version"] < max(earlier):
            self.violations.record(409, "moves", f"move {number} after a later one of its ticket")
        answers = {AnswerMode.AT_ONCE: "confirmed", AnswerMode.LATER: "asked", AnswerMode.REFUSE: "refused"}
        self.moves[number] = ReceivedMove(number, move, answers[self.mode])
        if self.mode is AnswerMode.REFUSE:
            return _error_response(409, "not_accepted")
        return web.json_response({"ref": f"P{number}"}, status=200 if self.mode is AnswerMode.AT_ONCE else 202)

    async def serve_feed(self, request: web.Request) -> web.Response:
        """Return the demands after a cursor."""
        if not self._is_genuine(request, b""):
            return _error_response(401, "bad_signature")
        if self.mode is AnswerMode.AWAY:
            return _error_response(503, "away")
        after, limit = int(request.query.get("after", "0")), int(request.query.get("limit", "100"))
        items = self.demands[after : after + limit]
        return web.json_response({"items": items, "next": str(after + len(items))})

    async def set_mode(self, request: web.Request) -> web.Response:
        """Set how it answers."""
        self.mode = AnswerMode(str((await request.post()).get("mood", "")))
        raise web.HTTPSeeOther(_parent_path(request))

    async def add_demand(self, request: web.Request) -> web.Response:
        """Add a demand to be fetched."""
        form = await request.post()
        number = f"W{self.now():%Y%m%d%H%M%S}{len(self.demands) + 1:03d}"
        self.demands.append({
            "ticket_no": number, "category": "complaint", "grade": str(form.get("grade") or "general"),
            "channel": "web", "text": str(form.get("text") or "")[:2000], "region": str(form.get("region") or "")[:100],
        })  # fmt: skip
        raise web.HTTPSeeOther(_parent_path(request))

    async def answer_move(self, request: web.Request) -> web.Response:
        """Confirm or refuse a move from the page."""
        number = int(request.match_info["number"])
        if number not in self.moves:
            raise web.HTTPNotFound
        await self.send_confirmation(number, ok=(await request.post()).get("ok") == "1")
        raise web.HTTPSeeOther(request.path.rsplit("/", 2)[0])

    async def send_confirmation(self, number: int, *, ok: bool, reason: str = "not_accepted") -> int:
        """Send a late answer; return the HTTP status."""
        body = json.dumps({"confirmations": [{"event": number, "ok": ok, "reason": reason, "ref": f"P{number}"}]})
        self.moves[number].answer = "confirmed" if ok else "refused"
        moment = str(int(self.real_time()))
        headers = {
            "Content-Type": "application/json",
            "X-Jiesu-Timestamp": moment,
            "X-Jiesu-Signature": self._sign(moment, "POST", HOOK, body.encode()),
        }
        limit = aiohttp.ClientTimeout(total=10)
        status, _, _ = await self.send_request("POST", f"{self.public_url}{HOOK}", headers, body.encode(), limit)
        return status

    async def serve_page(self, request: web.Request) -> web.Response:
        """Serve the page with the moves, newest first."""
        rows = "".join(self._render_row(received) for received in list(self.moves.values())[: -MAX_ROWS - 1 : -1])
        text = PAGE.joinpath("platform.html").read_text("utf-8")
        for mood in AnswerMode:
            text = text.replace(f"{{{{{mood}}}}}", " selected" if mood is self.mode else "")
        text = text.replace("{{rows}}", rows)
        return web.Response(text=text, content_type="text/html")

    def _render_row(self, received: ReceivedMove) -> str:
        move = received.move
        cells = (
            move["ticket_no"],
            move["version"],
            _get_text("verb", move["verb"]),
            f"{_get_text('state', move['from'])} → {_get_text('state', move['to'])}".removeprefix(" → "),
            move["by"],
            _get_text("answer", received.answer),
        )
        shown = "".join(f"<td>{html.escape(str(cell))}</td>" for cell in cells)
        buttons = "".join(
            f'<form method="post" action="platform/answer/{received.number}"><button name="ok" value="{value}">{sign}</button></form>'
            for value, sign in _load_texts()["press"].items()
            if received.answer == "asked"
        )
        return f"<tr>{shown}<td>{buttons}</td></tr>"

    def _is_genuine(self, request: web.Request, body: bytes) -> bool:
        moment, signature = request.headers.get("X-Jiesu-Timestamp", ""), request.headers.get("X-Jiesu-Signature", "")
        expected = self._sign(moment, request.method, request.raw_path, body)
        if not hmac.compare_digest(expected.encode(), signature.encode()):
            self.violations.record(401, request.path, "a request with a wrong signature")
            return False
        return True

    def _sign(self, moment: str, method: str, target: str, body: bytes) -> str:
        payload = f"{moment}\n{method}\n{target}\n{hashlib.sha256(body).hexdigest()}"
        return hmac.new(self.secret.encode(), payload.encode(), hashlib.sha256).hexdigest()


@cache
def _load_texts() -> dict[str, dict[str, str]]:
    words: dict[str, dict[str, str]] = json.loads(PAGE.joinpath("platform.json").read_text("utf-8"))
    return words


def _get_text(group: str, code: str | None) -> str:
    """Return the page's text for a code; an unknown code is returned as it is."""
    return _load_texts()[group].get(code or "", code or "")


def _error_response(status: int, code: str) -> web.Response:
    return web.json_response({"error": {"code": code, "message": code}}, status=status)


def _parent_path(request: web.Request) -> str:
    return request.path.rsplit("/", 1)[0]


@web.middleware
async def _guard(request: web.Request, handler: Any) -> web.StreamResponse:
    """Let only our own files run in the page."""
    answer: web.StreamResponse = await handler(request)
    answer.headers.setdefault("Content-Security-Policy", POLICY)
    return answer
