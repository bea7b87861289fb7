"""The other side of the wire, each in a process of its own, so that its work is not counted as ours."""

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

#: Twilio and Telegram that grant everything at once and never ring or write.
_SERVER = """
import asyncio, itertools
from aiohttp import web
numbers = itertools.count(1)
async def call(request):
    form = await request.post()
    sid = "CA%032x" % next(numbers)
    return web.json_response({"sid": sid, "account_sid": request.match_info["account"], "to": form["To"],
        "from": form["From"], "status": "queued", "uri": "/2010-04-01/Calls/" + sid + ".json"}, status=201)
async def chat(request):
    await request.read()
    return web.json_response({"ok": True, "result": True})
async def main():
    app = web.Application()
    for prefix in ("", "/sandbox/twilio"):
        app.router.add_post(prefix + "/2010-04-01/Accounts/{account}/Calls.json", call)
    app.router.add_post("/sandbox/telegram/{rest:.*}", chat)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    print(site._server.sockets[0].getsockname()[1], flush=True)
    await asyncio.Event().wait()
asyncio.run(main())
"""
#: A provider with requests in hand: posts them all, a few at once, prints milliseconds each.
_CLIENT = """
import asyncio, json, sys, time, aiohttp
async def main():
    base, width, posts = json.load(sys.stdin)
    waits, waiting = [], iter(posts)
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=width)) as http:
        async def hand():
            for path, body, headers in waiting:
                began = time.perf_counter()
                async with http.post(base + path, data=body.encode(), headers=headers) as answer:
                    said = await answer.text()
                    assert answer.status == 200, (answer.status, said)
                waits.append((time.perf_counter() - began) * 1000)
        await asyncio.gather(*(hand() for _ in range(width)))
    print(json.dumps(waits))
asyncio.run(main())
"""


@asynccontextmanager
async def null_server() -> AsyncIterator[str]:
    """The base URL of a provider that grants everything."""
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", _SERVER, stdout=subprocess.PIPE)
    assert process.stdout is not None
    port = int(await process.stdout.readline())
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        await process.wait()


async def post_all(
    base: str, posts: Sequence[tuple[str, str, dict[str, str]]], width: int = 8, then: Any = None
) -> tuple[float, list[float]]:
    """Post (path, body, headers) to ourselves: CPU milliseconds of this process for each, and how long each waited.

    `then` is awaited before the CPU is read: work that follows the answers.
    """
    began = time.process_time()
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", _CLIENT, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    said, _ = await process.communicate(json.dumps([base, width, posts]).encode())
    assert process.returncode == 0
    if then is not None:
        await then()
    return (time.process_time() - began) / len(posts) * 1000, json.loads(said)
