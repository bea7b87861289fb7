"""Simulated providers and clients, each in its own process, so that their CPU time is not counted as ours."""

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

#: Twilio and Telegram that accept everything at once and never call back.
_SERVER = """
import asyncio, itertools
from aiohttp import web
numbers, seen = itertools.count(1), {}
async def call(request):
    form = await request.post()
    seen["calls"] = seen.get("calls", 0) + 1
    sid = "CA%032x" % next(numbers)
    return web.json_response({"sid": sid, "account_sid": request.match_info["account"], "to": form["To"],
        "from": form["From"], "status": "queued", "uri": "/2010-04-01/Calls/" + sid + ".json"}, status=201)
async def message(request):
    await request.read()
    return web.json_response({"sid": "SM%032x" % next(numbers), "status": "queued"}, status=201)
async def chat(request):
    method, fields = request.match_info["rest"].rpartition("/")[2], await request.post()
    seen[method] = seen.get(method, 0) + 1
    result = True
    if method == "getMe":
        result = {"id": 1, "is_bot": True, "first_name": "bot", "username": "bot"}
    elif method == "sendMessage":
        result = {"message_id": next(numbers), "date": 1760000000, "text": fields.get("text", ""),
            "chat": {"id": int(fields["chat_id"]), "type": "private"}}
    return web.json_response({"ok": True, "result": result})
async def counted(request):
    return web.json_response(seen)
async def main():
    app = web.Application()
    for prefix in ("", "/sandbox/twilio"):
        app.router.add_post(prefix + "/2010-04-01/Accounts/{account}/Calls.json", call)
        app.router.add_post(prefix + "/2010-04-01/Accounts/{account}/Messages.json", message)
    app.router.add_post("/sandbox/telegram/{rest:.*}", chat)
    app.router.add_get("/counted", counted)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    print(site._server.sockets[0].getsockname()[1], flush=True)
    await asyncio.Event().wait()
asyncio.run(main())
"""
#: A client that posts all given requests, a few at once, and prints the milliseconds of each.
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
#: The same for a stream of lines of requests; answers each line when all its requests are done.
_POSTER = """
import asyncio, json, sys, aiohttp
async def main():
    base, width = sys.argv[1], int(sys.argv[2])
    reader = asyncio.StreamReader(limit=1 << 26)
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=width)) as http:
        while line := await reader.readline():
            waiting, wrong = iter(json.loads(line)), []
            async def hand():
                for path, body, headers in waiting:
                    async with http.post(base + path, data=body.encode(), headers=headers) as answer:
                        said = await answer.text()
                        if answer.status >= 300:
                            wrong.append([path, answer.status, said])
            await asyncio.gather(*(hand() for _ in range(width)))
            print(json.dumps(wrong), flush=True)
asyncio.run(main())
"""
PostRequest = tuple[str, str, dict[str, str]]


@asynccontextmanager
async def start_poster(base: str, width: int = 8) -> AsyncIterator[Callable[[Sequence[PostRequest]], Awaitable[None]]]:
    """Start a client that posts (path, body, headers) to `base`, many at once; all must succeed."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", _POSTER, base, str(width), stdin=subprocess.PIPE, stdout=subprocess.PIPE, limit=1 << 26
    )
    assert process.stdin is not None
    assert process.stdout is not None
    writer, reader = process.stdin, process.stdout

    async def send(posts: Sequence[PostRequest]) -> None:
        writer.write(json.dumps(posts).encode() + b"\n")
        wrong = json.loads(await reader.readline())
        assert not wrong, wrong[:3]

    try:
        yield send
    finally:
        process.terminate()
        await process.wait()


@asynccontextmanager
async def start_null_server() -> AsyncIterator[str]:
    """Start a provider that accepts everything; yield its base URL."""
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", _SERVER, stdout=subprocess.PIPE)
    assert process.stdout is not None
    port = int(await process.stdout.readline())
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        await process.wait()


async def post_all_requests(
    base: str, posts: Sequence[tuple[str, str, dict[str, str]]], width: int = 8, then: Any = None
) -> tuple[float, list[float]]:
    """Post (path, body, headers) to this process; return its CPU milliseconds per request, and each one's wait (ms).

    `then` is awaited before the CPU time is read: work that follows the answers.
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
