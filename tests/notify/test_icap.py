"""A file goes to a scanner behind ICAP as the RFC wants it, and only a clear answer is a verdict (XS13)."""

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from notify.icap import IcapScanner
from notify.outgoing import Outgoing
from notify.scanner import ScannerAway, build_test_file
from tests.notify.icap_server import CLEAN, IcapServer, Received, encapsulate

FILE = bytes(range(256)) * 1000  # four pieces
INFECTED = b"ICAP/1.0 200 OK\r\nX-Infection-Found: Type=0; Resolution=2; Threat=Eicar-Signature;\r\n"
BLOCKED = "HTTP/1.1 403 Forbidden\r\nContent-Type: text/html"


@pytest.fixture
async def server() -> AsyncIterator[IcapServer]:
    """A strict server; whatever it refused fails the test."""
    strict = IcapServer()
    listening = await strict.start()
    yield strict
    listening.close()
    assert strict.refusals == []


def connect(server: IcapServer, seconds: float = 5) -> IcapScanner:
    """A client of this server."""
    return IcapScanner(server.url, seconds, Outgoing(server.url))


async def judge(server: IcapServer, content: bytes | Path = FILE, seconds: float = 5) -> str | None:
    """What was found, or `!` and why there is no verdict."""
    try:
        return (await connect(server, seconds).scan(content)).found
    except ScannerAway as away:
        return f"!{away.code}"


@pytest.mark.parametrize(
    ("methods", "used"), [("RESPMOD", "RESPMOD"), ("REQMOD", "REQMOD"), ("REQMOD, RESPMOD", "RESPMOD")]
)
async def test_a_file_is_sent_whole_by_what_the_service_takes_XS13(
    server: IcapServer, tmp_path: Path, methods: str, used: str
) -> None:
    server.methods = methods
    (tmp_path / "f").write_bytes(FILE)
    for content in (FILE, tmp_path / "f", b""):
        assert await judge(server, content) is None
    assert [one.method for one in server.received] == [used] * 3
    assert [one.file for one in server.received] == [FILE, FILE, b""]


def echo(received: Received) -> bytes:
    part = "req" if received.method == "REQMOD" else "res"
    head = received.heads.decode().split("\r\n\r\n")[0 if part == "req" else 1]
    return encapsulate(head, received.file, part=part)


@pytest.mark.parametrize("methods", ["RESPMOD", "REQMOD"])
async def test_what_comes_back_unchanged_was_let_pass_and_what_comes_back_changed_was_not_XS13(
    server: IcapServer, methods: str
) -> None:
    server.methods, server.respond = methods, echo
    assert await judge(server) is None
    part = methods[:3].lower()
    for answer in (
        encapsulate("HTTP/1.1 200 OK", FILE[:-1], part=part), encapsulate("HTTP/1.1 200 OK", FILE + b"x" * 200_000, part=part),
        encapsulate(BLOCKED, b"blocked"), f"ICAP/1.0 200 OK\r\nEncapsulated: {part}-hdr=0, null-body=19\r\n\r\nHTTP/1.1 200 OK\r\n\r\n".encode(),
    ):  # fmt: skip
        server.respond = lambda _, answer=answer: answer  # type: ignore[misc]
        assert await judge(server) == "?", answer[:80]


@pytest.mark.parametrize(
    ("headers", "found"),
    [
        ("X-Infection-Found: Type=0; Resolution=2; Threat=Eicar;\r\n", "Eicar"),
        ("X-Virus-ID: Win.Test.EICAR_HDB-1\r\n", "Win.Test.EICAR_HDB-1"),
        ("X-Violations-Found: 1\r\n\tfile\r\n\tEicar\r\n\t0\r\n\t0\r\n", "1 file Eicar 0 0"),
        ("x-virus-name:   a\x1b[31mb\r\n", "a [31mb"),
        ("X-Virus-ID: " + "x" * 5000 + "\r\n", "x" * 200),
    ],
)
async def test_what_was_found_is_read_from_the_headers_scanners_use_XS13(
    server: IcapServer, headers: str, found: str
) -> None:
    server.respond = lambda _: encapsulate(BLOCKED, b"no", headers=headers)
    assert await judge(server, build_test_file()) == found
    server.respond = lambda _: CLEAN.replace(b"\r\n\r\n", b"\r\nX-Violations-Found: 0\r\n\r\n")
    assert await judge(server) is None


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (b"", "silent"),
        (b"ICAP/1.0 404 ICAP Service not found\r\n\r\n", "status 404"),
        (b"ICAP/1.0 503 Service overloaded\r\n\r\n", "status 503"),
        (b"ICAP/1.0 100 Continue\r\n\r\n", "status 100"),
        (b"HTTP/1.1 200 OK\r\n\r\n", "protocol"),
        (b"ICAP/1.0 2xx\r\n\r\n", "protocol"),
        (b"ICAP/1.0 204 No Content\r\nno header\r\n\r\n", "protocol"),
        (b"ICAP/1.0 200 OK\r\nEncapsulated: res-body=-1\r\n\r\n", "protocol"),
        (b"ICAP/1.0 200 OK\r\nEncapsulated: res-hdr=0, res-body=999999\r\n\r\n", "protocol"),
        (b"ICAP/1.0 200 OK\r\nEncapsulated: res-hdr=0, res-body=9\r\n\r\nHTTP", "silent"),
        (b"ICAP/1.0 200 OK\r\nEncapsulated: res-hdr=0, res-body=19\r\n\r\nHTTP/1.1 200 OK\r\n\r\nzz\r\n", "protocol"),
        (b"ICAP/1.0 200 OK\r\nX: " + b"x" * 200_000 + b"\r\n\r\n", "protocol"),
    ],
)
async def test_any_other_answer_is_no_verdict_XS13(server: IcapServer, answer: bytes, why: str) -> None:
    class Ends(Exception):
        """The connection ends behind this answer."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        if head.startswith(b"OPTIONS"):
            writer.write(b"ICAP/1.0 200 OK\r\nMethods: RESPMOD\r\nEncapsulated: null-body=0\r\n\r\n")
            await reader.readuntil(b"\r\n0\r\n\r\n")
        writer.write(answer)
        await writer.drain()
        writer.close()

    odd = await asyncio.start_server(serve, "127.0.0.1", 0, limit=2**20)
    url = f"icap://127.0.0.1:{odd.sockets[0].getsockname()[1]}/scan"
    with pytest.raises(ScannerAway) as away:
        await IcapScanner(url, 5, Outgoing(url)).scan(FILE)
    odd.close()
    assert away.value.code == why


async def test_a_service_that_takes_neither_is_none_XS13(server: IcapServer) -> None:
    server.methods = "OPTIONS"
    assert await judge(server) == "!method"
    server.options = b"ICAP/1.0 200 OK\r\nMethods: RESPMOD\r\nEncapsulated: opt-body=0\r\n\r\n3\r\nabc\r\n0\r\n\r\n"
    server.methods = "RESPMOD"
    assert await judge(server) is None


async def test_nobody_and_a_slow_server_are_no_verdict_XS13(server: IcapServer) -> None:
    async def wait(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(3)
        writer.close()

    slow = await asyncio.start_server(wait, "127.0.0.1", 0)
    port = slow.sockets[0].getsockname()[1]
    started = time.monotonic()
    assert await judge(IcapServer(port=port), seconds=0.2) == "!timeout"
    assert time.monotonic() - started < 1
    slow.close()
    assert await judge(IcapServer(port=1)) == "!silent"


async def test_a_private_address_is_connected_to_only_if_it_was_named_XS9_XS13(server: IcapServer) -> None:
    url = f"icap://scanner.example:{server.port}/scan"
    with pytest.raises(ScannerAway, match="address_refused"):
        scanner = IcapScanner(server.url, 5, Outgoing(url))
        await scanner.scan(FILE)
    assert server.received == []
