"""Reads bodies as a suspicious clerk does: bounded, in time, strict JSON, whole parts; anything else is a plain no."""

import asyncio
import hashlib
import json
import math
from collections.abc import Sequence
from typing import Any
from urllib.parse import unquote

from aiohttp import BodyPartReader, web
from aiohttp.http_exceptions import HttpProcessingError

from backend.domain.refusals import Refused
from backend.web.asked import Part

LARGEST = 1024 * 1024  # bytes of a JSON or hook body
SECONDS = 10.0  # FW29: a body that takes longer is not waited for
DEEPEST = 32  # levels of nesting
MOST_PARTS = 50
FILE_SECONDS = 60.0


class TooSlow(Exception):
    """The client did not finish its body in time; the connection is closed."""


async def read_bytes(request: web.Request, largest: int = LARGEST, seconds: float = SECONDS) -> bytes:
    """The whole body. Raises Refused `too_large`, `bad_request` (broken on the way), or TooSlow."""
    if (request.content_length or 0) > largest:
        raise Refused("too_large")
    pieces: list[bytes] = []
    size = 0
    try:
        async with asyncio.timeout(seconds):
            async for piece in request.content.iter_any():
                size += len(piece)
                if size > largest:
                    raise Refused("too_large")
                pieces.append(piece)
    except TimeoutError:
        raise TooSlow from None
    except (HttpProcessingError, ValueError, OSError, web.RequestPayloadError):
        raise Refused("bad_request") from None
    return b"".join(pieces)


def charset_of(request: web.Request) -> None:
    """JSON is UTF-8 here; another or an unknown charset is refused (FW28)."""
    try:
        charset = request.charset
    except ValueError:
        raise Refused("bad_request") from None
    if charset is not None and charset.lower() not in ("utf-8", "utf8"):
        raise Refused("bad_request")


def _no_twins(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key stands twice")
    return found


def _no_constant(word: str) -> Any:
    raise ValueError(word)


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(text)
    return value


def strict_json(body: bytes) -> Any:
    """JSON without NaN, twins, abysses or signs no database keeps (NUL and lone surrogates are dropped).

    Raises Refused `bad_request`.
    """
    try:
        value = json.loads(
            body.decode("utf-8"), object_pairs_hook=_no_twins, parse_constant=_no_constant, parse_float=_finite
        )
        return _plain(value, 0)
    except (ValueError, RecursionError):
        raise Refused("bad_request") from None


def _plain(value: Any, depth: int) -> Any:
    if depth > DEEPEST:
        raise ValueError("too deep")
    if isinstance(value, str):
        return keepable(value)
    if isinstance(value, dict):
        return {keepable(k): _plain(v, depth + 1) for k, v in value.items()}
    if isinstance(value, list):
        return [_plain(v, depth + 1) for v in value]
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) >= 2**62:
        raise ValueError("too large a number")
    return value


def keepable(text: str) -> str:
    """The text without NUL and lone surrogates, which no database keeps."""
    if text.isascii() and "\0" not in text:
        return text
    return "".join(c for c in text if c != "\0" and not 0xD800 <= ord(c) <= 0xDFFF)


async def read_json(request: web.Request) -> Any:
    """The body as strict JSON; an empty one is an empty object."""
    charset_of(request)
    if request.content_type not in ("application/json", "application/octet-stream", "text/json"):
        raise Refused("bad_request", reason="content_type")
    body = await read_bytes(request)
    return strict_json(body) if body.strip() else {}


async def read_parts(request: web.Request, largest: int) -> list[Part]:
    """All parts of a multipart body, `largest` bytes together. Raises Refused `bad_request`, `too_large`, or TooSlow."""
    if request.content_type != "multipart/form-data":
        raise Refused("bad_request", reason="content_type")
    if (request.content_length or 0) > largest + LARGEST:
        raise Refused("too_large")
    parts: list[Part] = []
    size = 0
    try:
        async with asyncio.timeout(FILE_SECONDS):
            reader = await request.multipart()
            while (part := await reader.next()) is not None:
                if not isinstance(part, BodyPartReader) or len(parts) >= MOST_PARTS:
                    raise Refused("bad_request")
                content = bytearray()
                while piece := await part.read_chunk(65_536):
                    size += len(piece)
                    if size > largest:
                        raise Refused("too_large")
                    content += piece
                parts.append(Part(keepable(part.name or ""), _filename(part), bytes(content)))
    except TimeoutError:
        raise TooSlow from None
    except (HttpProcessingError, ValueError, KeyError, AssertionError, RuntimeError, OSError, EOFError,
            web.RequestPayloadError, web.HTTPRequestEntityTooLarge):  # fmt: skip
        raise Refused("bad_request") from None
    return parts


def _filename(part: BodyPartReader) -> str | None:
    """The name of a file; some clients send it percent-encoded."""
    if part.filename is None:
        return None
    try:
        return keepable(unquote(part.filename, errors="strict"))
    except UnicodeDecodeError:
        return keepable(part.filename)


def fingerprint(method: str, path: str, body: Any, parts: Sequence[Part]) -> str:
    """A hash of what is asked, the same however the body was spelled or the parts were bounded."""
    said = json.dumps(body, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    filed = [[p.name, p.filename, hashlib.sha256(p.content).hexdigest()] for p in parts]
    return hashlib.sha256(json.dumps([method, path, said, filed]).encode()).hexdigest()
