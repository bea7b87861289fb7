"""P9: calls created, against plain aiohttp. P8: signed voice webhooks to their answer, against signature and TwiML."""

import asyncio
import statistics
import time
from collections.abc import Iterable
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

import aiohttp
from aiohttp import web
from sqlalchemy import text
from twilio.request_validator import RequestValidator  # type: ignore[import-untyped]
from twilio.twiml.voice_response import Gather, VoiceResponse  # type: ignore[import-untyped]

from backend.domain.records import Unit
from backend.domain.ticket_enums import Role, UnitKind
from backend.office.people import PersonForm
from bench.harness import Figure, compute_ratios, format_rates, judge, measure, percentile
from bench.office import list_engines, open_bench_database
from bench.providers import post_all_requests, start_null_server
from notify.carrier import CallUrls
from notify.voice.twilio.carrier import TwilioCarrier
from notify.voice.twilio.http import PooledHttpClient
from tests.calls.world import ADDRESS, DISPATCHER, SID, TOKEN, World, build_simulator

WIDTH = 32


def run(small: bool) -> Iterable[Figure]:
    """Measure creating calls, which needs no database, and answering on each engine."""
    yield from asyncio.run(_measure_creation(300 if small else 1_000))
    for engine in list_engines():
        yield from asyncio.run(_measure_answers(engine, 100 if small else 300))


async def _run_concurrently(count: int, job: Any) -> float:
    """Run `count` jobs, WIDTH at the same time; return jobs a second."""
    waiting = iter(range(count))

    async def hand() -> None:
        for number in waiting:
            await job(number)

    began = time.perf_counter()
    await asyncio.gather(*(hand() for _ in range(WIDTH)))
    return count / (time.perf_counter() - began)


async def _measure_creation(count: int) -> list[Figure]:
    stall_times: list[float] = []

    async def watch_loop() -> None:
        while True:
            began = time.perf_counter()
            await asyncio.sleep(0.005)
            stall_times.append((time.perf_counter() - began - 0.005) * 1000)

    async with start_null_server() as base, aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=100)) as http:
        carrier = TwilioCarrier(SID, TOKEN, http=PooledHttpClient(base))

        async def ours(number: int) -> None:
            at = f"{ADDRESS}/hooks/twilio/voice/{number}"
            placed = await carrier.place("+8613800001001", caller="+864312345678", urls=CallUrls(at, at, at))
            assert placed.provider_id

        async def plain(number: int) -> None:
            at = f"{ADDRESS}/hooks/twilio/voice/{number}"
            form = {"To": "+8613800001001", "From": "+864312345678", "Url": at, "Method": "POST", "FallbackUrl": at,
                    "StatusCallback": at, "Timeout": "30"}  # fmt: skip
            url = f"{base}/2010-04-01/Accounts/{SID}/Calls.json"
            async with http.post(url, data=form, auth=aiohttp.BasicAuth(SID, TOKEN)) as answer:
                assert (await answer.json())["sid"]

        await _run_concurrently(50, ours)
        watcher = asyncio.create_task(watch_loop())
        taken = await measure(lambda: _run_concurrently(count, ours), lambda: _run_concurrently(count, plain))
        watcher.cancel()
        await carrier.close()
    return [
        judge("P9", f"calls created through the line, {WIDTH} at once", "plain aiohttp, same form", compute_ratios(taken),
               least=0.7, note=format_rates(taken)),
        judge("P9", "longest the loop stood still meanwhile", "", [max(stall_times)], most=50, unit="ms"),
    ]  # fmt: skip


async def _measure_answers(engine: str, count: int) -> list[Figure]:
    async with AsyncExitStack() as stack:
        db = await stack.enter_async_context(open_bench_database(engine))
        base = await stack.enter_async_context(start_null_server())
        network, main = await build_simulator(lambda: datetime.now(UTC))
        world = World(db, network, base, main)
        await world.open()
        units = [Unit(f"X{n}", f"单位{n}", UnitKind.HANDLING, "A市") for n in range(count)]
        people = [PersonForm(f"李{n}", f"X{n}", Role.HANDLER, f"P{n}", f"+861380001{n:04d}") for n in range(count)]
        await world.people.save_units(units, "admin")
        await world.people.save_people(people, "admin")
        await world.set_setting("calls.daily_budget", "100000")

        async def plain(request: web.Request) -> web.Response:
            """Check the signature and return TwiML over HTTP; store and query nothing."""
            fields = dict(await request.post())
            signature = request.headers["X-Twilio-Signature"]
            assert validator.validate(f"{ADDRESS}/hooks/twilio{request.path.removeprefix('/bare')}", fields, signature)
            return web.Response(text=_build_twiml(str(request.url)), content_type="text/xml")

        main.router.add_post("/bare/{rest:.*}", plain)
        runner = web.AppRunner(main, access_log=None)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        stack.push_async_callback(runner.cleanup)
        stack.push_async_callback(world.close)
        own = f"http://127.0.0.1:{site._server.sockets[0].getsockname()[1]}"  # type: ignore[union-attr]
        validator, waits, made = RequestValidator(TOKEN), [], 0
        taken: list[tuple[float, float]] = []
        bare: list[tuple[float, float]] = []

        def alone() -> float:
            """Return the CPU milliseconds of checking one signature and writing one TwiML document."""
            url, fields = f"{ADDRESS}/hooks/twilio/voice/1", _build_fields("CA1")
            signature = validator.compute_signature(url, fields)
            began = time.process_time()
            for _ in range(200):
                assert validator.validate(url, fields, signature)
                _build_twiml(url)
            return (time.process_time() - began) / 200 * 1000

        for _ in range(6):
            for number in range(count):
                await world.create_ticket(f"T{made + number}")
                await world.act("dispatch", DISPATCHER, f"T{made + number}", unit=f"X{number}")
            made += count
            while await world.calls.run_once():
                pass
            attempts = await db.fetch_rows(
                text("SELECT id, provider_id FROM call_attempts WHERE state = 'placed' AND next_step = 0")
            )
            assert len(attempts) == count
            posts = []
            for attempt, sid in attempts:
                fields = _build_fields(sid)
                url = f"{ADDRESS}/hooks/twilio/voice/{attempt}"
                headers = {"X-Twilio-Signature": validator.compute_signature(url, fields),
                           "Content-Type": "application/x-www-form-urlencoded; charset=UTF-8"}  # fmt: skip
                posts.append((f"/hooks/twilio/voice/{attempt}", urlencode(fields), headers))
            over_http, _ = await post_all_requests(
                own + "/bare", [(at.removeprefix("/hooks/twilio"), b, h) for at, b, h in posts]
            )
            cost, milliseconds = await post_all_requests(own, posts)
            waits += milliseconds
            bare.append((cost, over_http))
            taken.append((cost, alone()))
            for table in ("call_attempts", "calls"):  # so that their phone numbers are free again
                await db.execute(text(f"UPDATE {table} SET state = 'done'"))
        p99 = percentile(waits, 0.99)
        return [
            judge("P8", f"{engine}: a voice webhook, signed, kept, answered: CPU", "signature and TwiML alone",
                   compute_ratios(taken[1:]), most=3, note=format_rates(taken[1:], " ms")),
            judge("P8", f"{engine}: the same", "signature and TwiML behind a bare aiohttp route", compute_ratios(bare[1:]),
                   note=format_rates(bare[1:], " ms")),
            judge("P8", f"{engine}: the same, p99", "", [p99], most=100, unit="ms",
                   note=f"median {statistics.median(waits):.1f} ms"),
        ]  # fmt: skip


def _build_twiml(action: str) -> str:
    response = VoiceResponse()
    gather = Gather(input="dtmf", num_digits=1, timeout=8, action=action)
    gather.say("您好，这里是12345热线。您有一件紧急工单。按1签收，按2重听。", language="zh-CN")
    response.append(gather)
    return str(response)


def _build_fields(sid: str) -> dict[str, str]:
    return {"CallSid": sid, "AccountSid": SID, "From": "+864312345678", "To": "+8613800001001", "CallStatus": "in-progress",
            "ApiVersion": "2010-04-01", "Direction": "outbound-api", "Called": "+8613800001001",
            "Caller": "+864312345678"}  # fmt: skip
