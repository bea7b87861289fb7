"""A malware scanner behind ICAP: each file goes as the body of a message that the scanner may change or let pass (RFC 3507)."""

import asyncio
import contextlib
import hashlib
import ipaddress
import re
import socket
import ssl
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from notify.outgoing import Outgoing
from notify.scanner import Content, ScannerAway, Verdict, iter_pieces, to_name

PORT, SECURE_PORT = 1344, 11344
MAX_HEAD = 64 * 1024  # bytes of headers
NO_CONTENT, OK = 204, 200
_STATUS = re.compile(r"ICAP/1\.[0-9] ([0-9]{3})(?: .*)?")
_INNER_STATUS = re.compile(r"HTTP/[0-9]\.[0-9] ([0-9]{3})(?: .*)?")
_PART = re.compile(r"(req-hdr|res-hdr|req-body|res-body|opt-body|null-body)=([0-9]{1,6})")
_CHUNK = re.compile(rb"([0-9A-Fa-f]{1,8})[ \t]*(?:;[^\r\n]*)?\r\n")
#: What scanners call their finds in; the first carries `Threat=NAME`.
_FINDS = ("x-infection-found", "x-virus-id", "x-virus-name", "x-violations-found", "x-block-reason")
_THREAT = re.compile(r"Threat=([^;]+)")
_NOWHERE = "upload.invalid"  # the message's own host: there is none


@dataclass(frozen=True, slots=True)
class _Answer:
    status: int
    headers: Mapping[str, str]

    @property
    def parts(self) -> list[tuple[str, int]]:
        """What follows, each with its offset. Raises ScannerAway `protocol`."""
        found = [_PART.fullmatch(one.strip()) for one in self.headers.get("encapsulated", "null-body=0").split(",")]
        parts = [(one[1], int(one[2])) for one in found if one is not None]
        offsets = [at for _, at in parts]
        if len(parts) != len(found) or offsets != sorted(offsets) or offsets[0] or offsets[-1] > MAX_HEAD:
            raise ScannerAway("protocol")
        return parts


class IcapScanner:
    """`url` is `icap://host[:1344]/service`, or `icaps://…` with TLS; a file takes at most `seconds`."""

    def __init__(self, url: str, seconds: float, outgoing: Outgoing) -> None:
        parts = urlsplit(url)
        self._is_secure = parts.scheme == "icaps"
        self._host, self._path = parts.hostname or "", parts.path or "/"
        self._port = parts.port or (SECURE_PORT if self._is_secure else PORT)
        self._seconds, self._outgoing = seconds, outgoing
        name = f"[{self._host}]" if ":" in self._host else self._host
        self._authority = f"{name}:{self._port}"
        self._url = f"{parts.scheme}://{self._authority}{self._path}"

    async def scan(self, content: Content) -> Verdict:
        """Return the verdict on a file. Raises ScannerAway `silent`, `timeout`, `protocol`, `method`, `status …`."""
        try:
            async with asyncio.timeout(self._seconds), self._connect() as (reader, writer):
                return await self._scan(reader, writer, content)
        except TimeoutError:
            raise ScannerAway("timeout") from None
        except (OSError, EOFError):
            raise ScannerAway("silent") from None
        except (asyncio.LimitOverrunError, ValueError):
            raise ScannerAway("protocol") from None

    @contextlib.asynccontextmanager
    async def _connect(self) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
        """A connection to an address that may be connected to (XS9)."""
        found = await asyncio.get_running_loop().getaddrinfo(self._host, self._port, type=socket.SOCK_STREAM)
        addresses = dict.fromkeys(str(one[4][0]).partition("%")[0] for one in found)
        permitted = [one for one in addresses if self._outgoing.permits(ipaddress.ip_address(one))]
        if not permitted:
            raise ScannerAway("address_refused")
        reader, writer = await self._open_first(permitted)
        try:
            yield reader, writer
        finally:
            writer.transport.abort()

    async def _open_first(self, addresses: Sequence[str]) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        secure = ssl.create_default_context() if self._is_secure else None
        name = self._host if self._is_secure else None
        for address in addresses:
            with contextlib.suppress(OSError):
                return await asyncio.open_connection(
                    address, self._port, limit=MAX_HEAD, ssl=secure, server_hostname=name
                )
        raise ScannerAway("silent")

    async def _scan(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, content: Content) -> Verdict:
        method = await self._ask_method(reader, writer)
        size, digest = _measure(content)
        sending = asyncio.create_task(self._send(writer, method, content, size))
        try:
            answer = await _read_answer(reader)
            return await self._judge(reader, answer, method, size, digest)
        finally:
            sending.cancel()
            with contextlib.suppress(asyncio.CancelledError, OSError):
                await sending

    async def _ask_method(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> str:
        """Ask what the service does with which messages (RFC 3507, OPTIONS)."""
        writer.write(self._build_head("OPTIONS", "null-body=0"))
        await writer.drain()
        answer = await _read_answer(reader)
        if answer.status != OK:
            raise ScannerAway(f"status {answer.status}")
        for name, _ in answer.parts:
            if name == "opt-body":
                await _read_body(reader, MAX_HEAD)
        methods = {one.strip().upper() for one in answer.headers.get("methods", "").split(",")}
        found = next((one for one in ("RESPMOD", "REQMOD") if one in methods), None)
        if found is None:
            raise ScannerAway("method")
        return found

    def _build_head(self, method: str, parts: str) -> bytes:
        lines = (f"{method} {self._url} ICAP/1.0", f"Host: {self._authority}", "Allow: 204", f"Encapsulated: {parts}")
        return "".join(f"{line}\r\n" for line in (*lines, "")).encode("ascii")

    async def _send(self, writer: asyncio.StreamWriter, method: str, content: Content, size: int) -> None:
        what = f"Content-Type: application/octet-stream\r\nContent-Length: {size}\r\n\r\n"
        if method == "REQMOD":
            first, second = f"POST http://{_NOWHERE}/file HTTP/1.1\r\nHost: {_NOWHERE}\r\n{what}", ""
            parts = f"req-hdr=0, req-body={len(first)}"
        else:
            first, second = (
                f"GET http://{_NOWHERE}/file HTTP/1.1\r\nHost: {_NOWHERE}\r\n\r\n",
                f"HTTP/1.1 200 OK\r\n{what}",
            )
            parts = f"req-hdr=0, res-hdr={len(first)}, res-body={len(first) + len(second)}"
        writer.write(self._build_head(method, parts) + (first + second).encode("ascii"))
        for piece in iter_pieces(content):
            writer.write(b"%x\r\n%b\r\n" % (len(piece), piece))
            await writer.drain()
        writer.write(b"0\r\n\r\n")
        await writer.drain()

    async def _judge(
        self, reader: asyncio.StreamReader, answer: _Answer, method: str, size: int, digest: bytes
    ) -> Verdict:
        """A message that comes back changed was not let pass; one that comes back as it went was."""
        if answer.status not in (OK, NO_CONTENT):
            raise ScannerAway(f"status {answer.status}")
        find = next((answer.headers[name] for name in _FINDS if answer.headers.get(name, "0") != "0"), None)
        if find is not None:
            threat = _THREAT.search(find)
            return Verdict(to_name(threat[1] if threat else find))
        if answer.status == NO_CONTENT:
            return Verdict(None)
        names = [name for name, _ in answer.parts]
        head = (await reader.readexactly(answer.parts[-1][1])).decode("latin-1")
        wanted, body = ("req-hdr", "req-body") if method == "REQMOD" else ("res-hdr", "res-body")
        if wanted not in names or (method == "RESPMOD" and not _is_ok(head, answer.parts)):
            return Verdict("?")
        if names[-1] != body:
            return Verdict(None if not size and names[-1] == "null-body" else "?")
        came = await _read_body(reader, size)
        return Verdict(None if came == (size, digest) else "?")


def _is_ok(head: str, parts: list[tuple[str, int]]) -> bool:
    """Whether the response within is still the one that went."""
    start = dict(parts)["res-hdr"]
    status = _INNER_STATUS.match(head[start:])
    return status is not None and int(status[1]) == OK


def _measure(content: Content) -> tuple[int, bytes]:
    digest, size = hashlib.sha256(), 0
    for piece in iter_pieces(content):
        digest.update(piece)
        size += len(piece)
    return size, digest.digest()


async def _read_answer(reader: asyncio.StreamReader) -> _Answer:
    first, *lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")[:-2]
    status = _STATUS.fullmatch(first)
    if status is None:
        raise ScannerAway("protocol")
    headers: dict[str, str] = {}
    name = ""
    for line in lines:
        if line[:1] in (" ", "\t"):  # the line before goes on
            headers[name] = f"{headers.get(name, '')} {line.strip()}"
            continue
        name, colon, value = line.partition(":")
        name = name.lower()
        if not colon:
            raise ScannerAway("protocol")
        headers[name] = value.strip()
    return _Answer(int(status[1]), headers)


async def _read_body(reader: asyncio.StreamReader, limit: int) -> tuple[int, bytes] | None:
    """Return the size and hash of a body sent in chunks; None once it is longer than `limit`."""
    digest, size = hashlib.sha256(), 0
    while True:
        found = _CHUNK.fullmatch(await reader.readuntil(b"\r\n"))
        if found is None:
            raise ScannerAway("protocol")
        left = int(found[1], 16)
        size += left
        if not left:
            break
        if size > limit:
            return None
        while left:
            piece = await reader.read(left)
            if not piece:
                raise EOFError
            digest.update(piece)
            left -= len(piece)
        if await reader.readexactly(2) != b"\r\n":
            raise ScannerAway("protocol")
    while await reader.readuntil(b"\r\n") != b"\r\n":
        pass
    return size, digest.digest()
