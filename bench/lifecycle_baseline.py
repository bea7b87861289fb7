"""Baseline of P13: the same requests, writes, messages and calls by hand in sqlite3 and aiohttp, without any rules."""

import asyncio
import hashlib
import hmac
import json
import sqlite3
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import aiohttp
from aiohttp import web
from twilio.request_validator import RequestValidator  # type: ignore[import-untyped]
from twilio.twiml.voice_response import Gather, VoiceResponse  # type: ignore[import-untyped]

from bench.providers import PostRequest

SID, TOKEN, SECRET, KEY = "AC" + "0" * 32, "x" * 32, "s" * 24, "Bearer " + "k" * 32
FORM = "application/x-www-form-urlencoded; charset=UTF-8"
#: The moves of a ticket in order, each with its source.
MOVES = (("create", "api"), ("dispatch", "api"), ("view", "chat"), ("sign", "chat"), ("contact", "api"), ("extend", "api"),
         ("decide_extension", "api"), ("supervise", "api"), ("duty", "call"), ("report_progress", "api"),
         ("accept_progress", "api"), ("reply", "chat"), ("close", "chat"), ("start_visit", "api"),
         ("visit", "call"))  # fmt: skip
#: Moves after which a new message is sent; after the others a message is edited.
SENT = ("dispatch", "decide_extension", "supervise", "accept_progress", "reply", "close", "report_progress")
_SCHEMA = """
CREATE TABLE keys (digest TEXT PRIMARY KEY, person TEXT);
CREATE TABLE tickets (id INTEGER PRIMARY KEY, no TEXT UNIQUE, state TEXT, version INTEGER, hash TEXT, text TEXT, at INTEGER);
CREATE TABLE journal (id INTEGER PRIMARY KEY, ticket_id INTEGER, version INTEGER, verb TEXT, words TEXT, prev TEXT, hash TEXT,
  at INTEGER, UNIQUE (ticket_id, version));
CREATE TABLE duties (id INTEGER PRIMARY KEY, ticket_id INTEGER, kind TEXT, due_at INTEGER, met_at INTEGER);
CREATE INDEX duties_due ON duties (due_at) WHERE met_at IS NULL;
CREATE TABLE letters (id INTEGER PRIMARY KEY, ticket_id INTEGER, method TEXT, state TEXT);
CREATE INDEX letters_open ON letters (id) WHERE state = 'queued';
CREATE TABLE inbox (id INTEGER PRIMARY KEY, body BLOB, state TEXT);
CREATE TABLE deltas (id INTEGER PRIMARY KEY, unit TEXT, month TEXT, item TEXT, amount INTEGER);
CREATE TABLE dials (id INTEGER PRIMARY KEY, ticket_id INTEGER, sid TEXT, state TEXT);
CREATE TABLE steps (id INTEGER PRIMARY KEY, dial INTEGER, said TEXT);
"""


class LifecycleBaseline:
    """The baseline server. `traffic`: Bot API sends, edits and answers per ticket, as counted on the real one."""

    def __init__(self, folder: Path, providers_url: str, traffic: tuple[int, int, int]) -> None:
        self.db = sqlite3.connect(folder / "bare.db", isolation_level=None)
        self.db.executescript("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;" + _SCHEMA)
        self.db.execute("INSERT INTO keys VALUES (?, 'D1')", (hashlib.sha256(KEY.encode()).hexdigest(),))
        self.providers_url, (self.send_count, self.edit_count, self.answer_count) = providers_url, traffic
        self.validator = RequestValidator(TOKEN)
        self.http = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=100))
        self.made, self.base_url = 0, ""
        self.post: Callable[[Sequence[PostRequest]], Awaitable[None]]

    async def open(self) -> str:
        """Start the server; return its address."""
        app = web.Application()
        app.router.add_post("/api", self._handle_api)
        app.router.add_post("/chat", self._handle_chat)
        app.router.add_post("/call/{dial}/{verb}/{step}", self._handle_call)
        self.runner = web.AppRunner(app, access_log=None)
        await self.runner.setup()
        site = web.TCPSite(self.runner, "127.0.0.1", 0)
        await site.start()
        self.base_url = f"http://127.0.0.1:{site._server.sockets[0].getsockname()[1]}"  # type: ignore[union-attr]
        return self.base_url

    async def close(self) -> None:
        """Stop the server."""
        await self.http.close()
        await self.runner.cleanup()
        self.db.close()

    # -- the life of a ticket

    async def run_batch(self, count: int) -> None:
        """Run one batch of tickets: each move for all of them before the next move."""
        first, self.made = self.made + 1, self.made + count
        for place, (verb, way) in enumerate(MOVES):
            many = range(first, first + count)
            body = [json.dumps({"no": n, "verb": verb, "text": "路灯不亮，请派人维修。", "place": place}) for n in many]
            if way == "api":
                await self.post([("/api", one, {"Authorization": KEY}) for one in body])
            elif way == "chat":
                await self.post([("/chat", one, {"X-Telegram-Bot-Api-Secret-Token": SECRET}) for one in body])
            else:
                await asyncio.gather(*(self._place_call(n, verb) for n in many))
                for step in range(3):
                    await self.post([self._make_hook(f"/call/{n * 2 + (verb == 'visit')}/{verb}/{step}") for n in many])

    def _make_hook(self, path: str) -> PostRequest:
        fields = {"CallSid": "CA1", "AccountSid": SID, "From": "+864312345678", "To": "+8613800001001", "Digits": "1",
                  "CallStatus": "in-progress", "ApiVersion": "2010-04-01", "Direction": "outbound-api"}  # fmt: skip
        signature = self.validator.compute_signature(self.base_url + path, fields)
        return (path, urlencode(fields), {"X-Twilio-Signature": signature, "Content-Type": FORM})

    # -- request handlers

    async def _handle_api(self, request: web.Request) -> web.Response:
        digest = hashlib.sha256(request.headers["Authorization"].encode()).hexdigest()
        assert self.db.execute("SELECT person FROM keys WHERE digest = ?", (digest,)).fetchone()
        body = await request.json()
        await self._move(body["no"], body["verb"], body["text"])
        return web.json_response({"no": body["no"], "state": body["verb"]})

    async def _handle_chat(self, request: web.Request) -> web.Response:
        assert hmac.compare_digest(request.headers["X-Telegram-Bot-Api-Secret-Token"], SECRET)
        body = await request.json()
        inbox_id = self.db.execute("INSERT INTO inbox (body, state) VALUES (?, 'new')", (json.dumps(body),)).lastrowid
        if body["verb"] != "view":
            await self._move(body["no"], body["verb"], body["text"])
        if body["verb"] in ("view", "sign")[: self.answer_count]:
            await self._call_bot("answerCallbackQuery", callback_query_id="1", text="已签收")
        self.db.execute("UPDATE inbox SET state = 'done' WHERE id = ?", (inbox_id,))
        return web.Response()

    async def _handle_call(self, request: web.Request) -> web.Response:
        fields = dict(await request.post())
        assert self.validator.validate(self.base_url + request.path, fields, request.headers["X-Twilio-Signature"])
        attempt, verb, step = int(request.match_info["dial"]), request.match_info["verb"], request.match_info["step"]
        self.db.execute("INSERT INTO steps (dial, said) VALUES (?, ?)", (attempt, json.dumps(fields)))
        if step == "2":
            self.db.execute("UPDATE dials SET state = 'done' WHERE id = ?", (attempt,))
            if verb == "visit":
                await self._move(attempt // 2, verb, "3")
            return web.Response(status=204)
        response = VoiceResponse()
        gather = Gather(input="dtmf", num_digits=1, timeout=8, action=f"{self.base_url}/call/{attempt}/{verb}/1")
        gather.say("您好，这里是12345热线。您有一件紧急工单。按1签收，按2重听。", language="zh-CN")
        response.append(gather)
        return web.Response(text=str(response), content_type="text/xml")

    async def _place_call(self, no: int, verb: str) -> None:
        attempt = no * 2 + (verb == "visit")
        self.db.execute("INSERT INTO dials VALUES (?, ?, NULL, 'queued')", (attempt, no))
        at = f"{self.base_url}/call/{attempt}/{verb}"
        form = {"To": "+8613800001001", "From": "+864312345678", "Url": f"{at}/0", "StatusCallback": f"{at}/2"}
        url = f"{self.providers_url}/2010-04-01/Accounts/{SID}/Calls.json"
        async with self.http.post(url, data=form, auth=aiohttp.BasicAuth(SID, TOKEN)) as answer:
            sid = (await answer.json())["sid"]
        self.db.execute("UPDATE dials SET sid = ?, state = 'placed' WHERE id = ?", (sid, attempt))

    # -- the work

    async def _move(self, no: int, verb: str, words: str) -> None:
        """Write in one transaction: compare-and-set, hashed journal entry, a duty met, one begun, a counter, messages."""
        run, at = self.db.execute, 1_762_736_400_000_000 + no
        bot_calls = self._list_bot_calls(verb)
        run("BEGIN IMMEDIATE")
        if verb == "create":
            run("INSERT INTO tickets VALUES (?, ?, '', 0, '', ?, ?)", (no, f"JS{no}", words, at))
        version, before = run("SELECT version, hash FROM tickets WHERE id = ?", (no,)).fetchone()
        line = json.dumps([no, version + 1, verb, words, at, before], ensure_ascii=False)
        digest = hmac.new(b"k" * 32, line.encode(), hashlib.sha256).hexdigest()
        moved = run("UPDATE tickets SET state = ?, version = ?, hash = ? WHERE id = ? AND version = ?",
                    (verb, version + 1, digest, no, version))  # fmt: skip
        assert moved.rowcount == 1
        run("INSERT INTO journal (ticket_id, version, verb, words, prev, hash, at) VALUES (?, ?, ?, ?, ?, ?, ?)",
            (no, version + 1, verb, words, before, digest, at))  # fmt: skip
        run("UPDATE duties SET met_at = ? WHERE id = ?", (at, no * 100 + version))
        run("INSERT INTO duties VALUES (?, ?, ?, ?, NULL)", (no * 100 + version + 1, no, verb, at))
        run("INSERT INTO deltas (unit, month, item, amount) VALUES ('X1', '2026-11', ?, 1)", (verb,))
        ids = [run("INSERT INTO letters (ticket_id, method, state) VALUES (?, ?, 'queued')", (no, m)).lastrowid
               for m in bot_calls]  # fmt: skip
        run("COMMIT")
        for method, one in zip(bot_calls, ids, strict=True):
            await self._call_bot(
                method, chat_id=str(4_242 + no), message_id="7", text="【工单】路灯不亮，请派人维修。" * 8
            )
            run("UPDATE letters SET state = 'sent' WHERE id = ?", (one,))

    def _list_bot_calls(self, verb: str) -> list[str]:
        """List the Bot API calls after a move: sends where they belong, edits spread over all moves after dispatch."""
        sends = ["sendMessage"] * (verb in SENT[: self.send_count])
        moves = [v for v, _ in MOVES if v not in ("create", "dispatch", "view", "duty")]
        if verb not in moves:
            return sends
        whole, more = divmod(self.edit_count, len(moves))
        return sends + ["editMessageText"] * (whole + (moves.index(verb) < more))

    async def _call_bot(self, method: str, **fields: Any) -> None:
        async with self.http.post(f"{self.providers_url}/sandbox/telegram/bot1:A/{method}", data=fields) as answer:
            assert (await answer.json())["ok"]
