"""Bounded, time-limited, strict parsing of request bodies."""

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

LARGEST = 1024 * 1024  # bytes of a JSON or webhook body
SECONDS = 10.0  # FW29: longest wait for a body
DEEPEST = 32  # levels of nesting
MOST_PARTS = 50
FILE_SECONDS = 60.0


class TooSlow(Exception):
    """The client did not send its body in time; the connection is closed."""


async def read_bytes(request: web.Request, largest: int = LARGEST, seconds: float = SECONDS) -> bytes:
    """Return the whole body. Refused `too_large` (`largest` bytes), `bad_request` (broken); TooSlow after `seconds`."""
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
    """Require UTF-8 (FW28). Refused `bad_request` for another or an unknown charset."""
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
    """Parse JSON strictly: no NaN, no duplicate keys, at most 32 levels. NUL and lone surrogates are dropped.

    Refused `bad_request`, also for whole numbers of 2**62 and more.
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
    """Return the text without NUL and lone surrogates, which no database stores."""
    if text.isascii() and "\0" not in text:
        return text
    return "".join(c for c in text if c != "\0" and not 0xD800 <= ord(c) <= 0xDFFF)


async def read_json(request: web.Request) -> Any:
    """Return the body as strictly parsed JSON; an empty body is an empty object. Refused `bad_request`, `too_large`."""
    charset_of(request)
    if request.content_type not in ("application/json", "application/octet-stream", "text/json"):
        raise Refused("bad_request", reason="content_type")
    body = await read_bytes(request)
    return strict_json(body) if body.strip() else {}


async def read_parts(request: web.Request, largest: int) -> list[Part]:
    """Return the parts of a multipart body, `largest` bytes in all. Refused `bad_request`, `too_large`; or TooSlow."""
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
    """Return a file's name; some clients percent-encode it."""
    if part.filename is None:
        return None
    try:
        return keepable(unquote(part.filename, errors="strict"))
    except UnicodeDecodeError:
        return keepable(part.filename)


def fingerprint(method: str, path: str, body: Any, parts: Sequence[Part]) -> str:
    """Hash a request, independent of how its JSON is written or its parts are delimited."""
    said = json.dumps(body, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    filed = [[p.name, p.filename, hashlib.sha256(p.content).hexdigest()] for p in parts]
    return hashlib.sha256(json.dumps([method, path, said, filed]).encode()).hexdigest()
