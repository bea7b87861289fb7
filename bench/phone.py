"""P9: calls created, against plain aiohttp. P8: signed voice webhooks to a durable answer, against signature and TwiML alone."""

import asyncio
import json
import statistics
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

import aiohttp
from aiohttp import web
from sqlalchemy import text
from twilio.request_validator import RequestValidator  # type: ignore[import-untyped]
from twilio.twiml.voice_response import Gather, VoiceResponse  # type: ignore[import-untyped]

from bench.harness import Figure, judged, percentile, rate_note, rates, ratios
from bench.town import database, engines
from notify.line import CallUrls
from notify.phone.twilio import TwilioLine
from notify.phone.twilio_http import PooledHttpClient
from tests.calls.world import ADDRESS, SID, TOKEN, World, make_place

WIDTH = 32
#: Twilio's answer to a created call, from a process of its own; it never rings.
_SERVER = """
import itertools, json, sys
from aiohttp import web
numbers = itertools.count(1)
async def create(request):
    form = await request.post()
    sid = "CA%032x" % next(numbers)
    return web.json_response({"sid": sid, "account_sid": request.match_info["account"], "to": form["To"],
        "from": form["From"], "status": "queued", "uri": "/2010-04-01/Calls/" + sid + ".json"}, status=201)
async def main():
    app = web.Application()
    app.router.add_post("/2010-04-01/Accounts/{account}/Calls.json", create)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    print(site._server.sockets[0].getsockname()[1], flush=True)
    await asyncio.Event().wait()
import asyncio
asyncio.run(main())
"""
#: A carrier with signed requests in hand: posts them all, a few at once, prints milliseconds each.
_CARRIER = """
import asyncio, json, sys, time, aiohttp
async def main():
    base, width, posts = json.load(sys.stdin)
    waits, waiting = [], iter(posts)
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=width)) as http:
        async def hand():
            for path, body, headers in waiting:
                began = time.perf_counter()
                async with http.post(base + path, data=body, headers=headers) as answer:
                    said = await answer.text()
                    assert answer.status == 200 and "<Response>" in said, (answer.status, said)
                waits.append((time.perf_counter() - began) * 1000)
        await asyncio.gather(*(hand() for _ in range(width)))
    print(json.dumps(waits))
asyncio.run(main())
"""


def run(small: bool) -> Iterable[Figure]:
    """Creating needs no database; answering is taken on each engine."""
    yield from asyncio.run(_created(300 if small else 1_000))
    for engine in engines():
        yield from asyncio.run(_answered(engine, 100 if small else 300))


@asynccontextmanager
async def _carrier() -> AsyncIterator[str]:
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", _SERVER, stdout=subprocess.PIPE)
    assert process.stdout is not None
    port = int(await process.stdout.readline())
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        await process.wait()


async def _at_once(count: int, job: Any) -> float:
    """So many jobs, WIDTH at the same time; jobs a second."""
    waiting = iter(range(count))

    async def hand() -> None:
        for number in waiting:
            await job(number)

    began = time.perf_counter()
    await asyncio.gather(*(hand() for _ in range(WIDTH)))
    return count / (time.perf_counter() - began)


async def _created(count: int) -> list[Figure]:
    stalls: list[float] = []

    async def pulse() -> None:
        while True:
            began = time.perf_counter()
            await asyncio.sleep(0.005)
            stalls.append((time.perf_counter() - began - 0.005) * 1000)

    async with _carrier() as base, aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=100)) as http:
        line = TwilioLine(SID, TOKEN, http=PooledHttpClient(base))

        async def ours(number: int) -> None:
            at = f"{ADDRESS}/hooks/twilio/voice/{number}"
            placed = await line.place("+8613800001001", caller="+864312345678", urls=CallUrls(at, at, at))
            assert placed.provider_id

        async def plain(number: int) -> None:
            at = f"{ADDRESS}/hooks/twilio/voice/{number}"
            form = {"To": "+8613800001001", "From": "+864312345678", "Url": at, "Method": "POST", "FallbackUrl": at,
                    "StatusCallback": at, "Timeout": "30"}  # fmt: skip
            url = f"{base}/2010-04-01/Accounts/{SID}/Calls.json"
            async with http.post(url, data=form, auth=aiohttp.BasicAuth(SID, TOKEN)) as answer:
                assert (await answer.json())["sid"]

        await _at_once(50, ours)
        beat = asyncio.create_task(pulse())
        taken = await rates(lambda: _at_once(count, ours), lambda: _at_once(count, plain))
        beat.cancel()
        await line.close()
    return [
        judged("P9", f"calls created through the line, {WIDTH} at once", "plain aiohttp, same form", ratios(taken),
               least=0.7, note=rate_note(taken)),
        judged("P9", "longest the loop stood still meanwhile", "", [max(stalls)], most=50, unit="ms"),
    ]  # fmt: skip


async def _answered(engine: str, count: int) -> list[Figure]:
    async with AsyncExitStack() as stack:
        db = await stack.enter_async_context(database(engine))
        base = await stack.enter_async_context(_carrier())
        network, main = await make_place(lambda: datetime.now(UTC))
        world = World(db, network, base, main)
        await world.open()
        runner = web.AppRunner(main, access_log=None)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        stack.push_async_callback(runner.cleanup)
        stack.push_async_callback(world.close)
        own = f"http://127.0.0.1:{site._server.sockets[0].getsockname()[1]}"  # type: ignore[union-attr]
        validator, waits, made = RequestValidator(TOKEN), [], 0
        costs: list[float] = []

        def alone() -> float:
            """CPU milliseconds of checking one signature and writing one TwiML."""
            url, fields = f"{ADDRESS}/hooks/twilio/voice/1", _fields("CA1")
            signature = validator.compute_signature(url, fields)
            began = time.process_time()
            for _ in range(200):
                assert validator.validate(url, fields, signature)
                said = VoiceResponse()
                gather = Gather(input="dtmf", num_digits=1, timeout=8, action=url)
                gather.say("您好，这里是12345热线。您有一件紧急工单。按1签收，按2重听。", language="zh-CN")
                said.append(gather)
                str(said)
            return (time.process_time() - began) / 200 * 1000

        for _ in range(6):
            numbers = [f"T{made + n}" for n in range(count)]
            made += count
            for no in numbers:
                await world.dispatched(no)
            await world.set("calls.daily_budget", "100000")
            while await world.calls.round():
                pass
            dials = await db.read(lambda c: list(c.execute(
                text("SELECT id, provider_id FROM dials WHERE state = 'placed' AND step = 0"))))  # fmt: skip
            assert dials, "nothing was rung"
            posts = []
            for dial, sid in dials:
                fields = _fields(sid)
                url = f"{ADDRESS}/hooks/twilio/voice/{dial}"
                headers = {"X-Twilio-Signature": validator.compute_signature(url, fields),
                           "Content-Type": "application/x-www-form-urlencoded; charset=UTF-8"}  # fmt: skip
                posts.append((f"/hooks/twilio/voice/{dial}", urlencode(fields), headers))
            began = time.process_time()
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-c", _CARRIER, stdin=subprocess.PIPE, stdout=subprocess.PIPE
            )
            said, _ = await process.communicate(json.dumps([own, 8, posts]).encode())
            cost = (time.process_time() - began) / len(posts) * 1000
            waits += json.loads(said)
            costs.append(cost / alone())
        p99 = percentile(waits, 0.99)
        return [
            judged("P8", f"{engine}: a voice webhook, signed, kept, answered: CPU", "signature and TwiML alone",
                   costs[1:], most=3, note=f"{len(waits)} requests, 8 at once"),
            judged("P8", f"{engine}: the same, p99", "", [p99], most=100, unit="ms",
                   note=f"median {statistics.median(waits):.1f} ms"),
        ]  # fmt: skip


def _fields(sid: str) -> dict[str, str]:
    return {"CallSid": sid, "AccountSid": SID, "From": "+864312345678", "To": "+8613800001001", "CallStatus": "in-progress",
            "ApiVersion": "2010-04-01", "Direction": "outbound-api", "Called": "+8613800001001",
            "Caller": "+864312345678"}  # fmt: skip
