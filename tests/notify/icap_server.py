"""An ICAP server that is strict with its clients (RFC 3507): it refuses what a real one need not understand."""

from __future__ import annotations

import asyncio
import itertools
import re
from collections.abc import Callable
from dataclasses import dataclass, field

Respond = Callable[["Received"], bytes]
CLEAN = b'ICAP/1.0 204 No Content\r\nISTag: "strict"\r\nConnection: close\r\n\r\n'


@dataclass
class Received:
    """A message as it came: its method, the HTTP heads within, and the file."""

    method: str
    heads: bytes
    file: bytes


@dataclass
class IcapServer:
    """`methods` it says it takes; `respond` makes the answer; `refusals` say what a client did wrong."""

    respond: Respond = lambda _: CLEAN
    methods: str = "RESPMOD"
    service: str = "/scan"
    options: bytes | None = None
    received: list[Received] = field(default_factory=list)
    refusals: list[str] = field(default_factory=list)
    port: int = 0

    async def start(self) -> asyncio.Server:
        """Listen on a loopback port."""
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        return server

    @property
    def url(self) -> str:
        """Where it is."""
        return f"icap://127.0.0.1:{self.port}{self.service}"

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                answer = await self._answer(head.decode("ascii"), reader)
                writer.write(answer)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        except AssertionError as wrong:
            self.refusals.append(str(wrong))
            writer.write(b"ICAP/1.0 400 Bad Request\r\nEncapsulated: null-body=0\r\n\r\n")
        finally:
            writer.close()

    async def _answer(self, head: str, reader: asyncio.StreamReader) -> bytes:
        first, *lines = head.split("\r\n")[:-2]
        asked = re.fullmatch(r"(OPTIONS|RESPMOD|REQMOD) (icap://[^ ]+) ICAP/1\.0", first)
        assert asked is not None, f"request line: {first}"
        assert asked[2] == self.url, f"service: {asked[2]}"
        headers = {}
        for line in lines:
            name, colon, value = line.partition(": ")
            assert colon and re.fullmatch(r"[A-Za-z-]+", name), f"header: {line}"
            assert name.lower() not in headers, f"twice: {name}"
            headers[name.lower()] = value
        assert headers.get("host") == f"127.0.0.1:{self.port}", f"host: {headers}"
        encapsulated = headers.get("encapsulated", "")
        assert encapsulated, "every message has Encapsulated"
        if asked[1] == "OPTIONS":
            assert encapsulated == "null-body=0", encapsulated
            return (
                self.options
                or (
                    f'ICAP/1.0 200 OK\r\nMethods: {self.methods}\r\nISTag: "strict"\r\nAllow: 204\r\n'
                    "Encapsulated: null-body=0\r\n\r\n"
                ).encode()
            )
        assert asked[1] in self.methods.split(", "), f"not taken: {asked[1]}"
        return await self._receive(asked[1], encapsulated, reader)

    async def _receive(self, method: str, encapsulated: str, reader: asyncio.StreamReader) -> bytes:
        wanted = ["req-hdr", "req-body"] if method == "REQMOD" else ["req-hdr", "res-hdr", "res-body"]
        parts = [(name, int(at)) for name, _, at in (one.partition("=") for one in encapsulated.split(", "))]
        assert [name for name, _ in parts] == wanted and parts[0][1] == 0, encapsulated
        heads = await reader.readexactly(parts[-1][1])
        starts = [at for _, at in parts]
        for start, end in itertools.pairwise(starts):
            one = heads[start:end]
            assert one.endswith(b"\r\n\r\n") and one.count(b"\r\n\r\n") == 1, f"head: {one!r}"
        assert re.match(rb"(GET|POST) http://[^ ]+ HTTP/1\.1\r\nHost: ", heads), f"request within: {heads!r}"
        if method == "RESPMOD":
            assert heads[starts[1] :].startswith(b"HTTP/1.1 200 OK\r\n"), f"response within: {heads!r}"
        file = bytearray()
        while True:
            size = await reader.readuntil(b"\r\n")
            assert re.fullmatch(rb"[0-9a-f]{1,8}\r\n", size), f"chunk: {size!r}"
            length = int(size, 16)
            file += await reader.readexactly(length)
            assert await reader.readexactly(2) == b"\r\n", "a chunk ends with a line's end"
            if not length:
                break
        said = re.search(rb"Content-Length: ([0-9]+)\r\n", heads)
        assert said is not None and int(said[1]) == len(file), "the length within"
        message = Received(method, heads, bytes(file))
        self.received.append(message)
        return self.respond(message)


def encapsulate(head: str, body: bytes, *, part: str = "res", headers: str = "") -> bytes:
    """Return a 200 with an HTTP message within."""
    within = head.encode() + b"\r\n\r\n"
    return (
        f"ICAP/1.0 200 OK\r\n{headers}Encapsulated: {part}-hdr=0, {part}-body={len(within)}\r\n\r\n".encode()
        + within + b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body)
    )  # fmt: skip
