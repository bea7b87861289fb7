"""What a network does to a request of any provider: cut the connection, never answer, not be there at all."""

import asyncio
import socket

from aiohttp import web


async def cut(request: web.Request) -> web.StreamResponse:
    """Cut the connection instead of answering."""
    assert request.transport is not None
    request.transport.abort()
    return web.Response()


async def stay_silent(request: web.Request) -> web.StreamResponse:
    """Answer later than anybody waits."""
    await asyncio.sleep(30)
    return web.Response()


def find_closed_url() -> str:
    """The URL of a loopback port on which nobody listens."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{free.getsockname()[1]}"
