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
from backend.web.request import FormPart

MAX_BODY_BYTES = 1024 * 1024  # bytes of a JSON or webhook body
BODY_SECONDS = 10.0  # FW29: longest wait for a body
MAX_DEPTH = 32  # levels of nesting
MAX_PARTS = 50
FILE_SECONDS = 60.0


class BodyTimeout(Exception):
    """The client did not send its body in time; the connection is closed."""


async def read_bytes(request: web.Request, max_bytes: int = MAX_BODY_BYTES, seconds: float = BODY_SECONDS) -> bytes:
    """Return the whole body. Refused `too_large` (over `max_bytes`), `bad_request` (broken); BodyTimeout after `seconds`."""
    if (request.content_length or 0) > max_bytes:
        raise Refused("too_large")
    pieces: list[bytes] = []
    size = 0
    try:
        async with asyncio.timeout(seconds):
            async for piece in request.content.iter_any():
                size += len(piece)
                if size > max_bytes:
                    raise Refused("too_large")
                pieces.append(piece)
    except TimeoutError:
        raise BodyTimeout from None
    except (HttpProcessingError, ValueError, OSError, web.RequestPayloadError):
        raise Refused("bad_request") from None
    return b"".join(pieces)


def check_charset(request: web.Request) -> None:
    """Require UTF-8 (FW28). Refused `bad_request` for another or an unknown charset."""
    try:
        charset = request.charset
    except ValueError:
        raise Refused("bad_request") from None
    if charset is not None and charset.lower() not in ("utf-8", "utf8"):
        raise Refused("bad_request")


def _reject_duplicate_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key stands twice")
    return found


def _reject_constant(word: str) -> Any:
    raise ValueError(word)


def _parse_finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(text)
    return value


def parse_json(body: bytes) -> Any:
    """Parse JSON strictly: no NaN, no duplicate keys, at most 32 levels. NUL and lone surrogates are dropped.

    Refused `bad_request`, also for whole numbers of 2**62 and more.
    """
    try:
        value = json.loads(
            body.decode("utf-8"),
            object_pairs_hook=_reject_duplicate_keys,
            parse_constant=_reject_constant,
            parse_float=_parse_finite,
        )
        return _check_value(value, 0)
    except (ValueError, RecursionError):
        raise Refused("bad_request") from None


def _check_value(value: Any, depth: int) -> Any:
    if depth > MAX_DEPTH:
        raise ValueError("too deep")
    if isinstance(value, str):
        return strip_unstorable(value)
    if isinstance(value, dict):
        return {strip_unstorable(k): _check_value(v, depth + 1) for k, v in value.items()}
    if isinstance(value, list):
        return [_check_value(v, depth + 1) for v in value]
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) >= 2**62:
        raise ValueError("too large a number")
    return value


def strip_unstorable(text: str) -> str:
    """Return the text without NUL and lone surrogates, which no database stores."""
    if text.isascii() and "\0" not in text:
        return text
    return "".join(c for c in text if c != "\0" and not 0xD800 <= ord(c) <= 0xDFFF)


async def read_json(request: web.Request) -> Any:
    """Return the body as strictly parsed JSON; an empty body is an empty object. Refused `bad_request`, `too_large`."""
    check_charset(request)
    if request.content_type not in ("application/json", "application/octet-stream", "text/json"):
        raise Refused("bad_request", reason="content_type")
    body = await read_bytes(request)
    return parse_json(body) if body.strip() else {}


async def read_parts(request: web.Request, max_bytes: int) -> list[FormPart]:
    """Return the parts of a multipart body, `max_bytes` in all. Refused `bad_request`, `too_large`; or BodyTimeout."""
    if request.content_type != "multipart/form-data":
        raise Refused("bad_request", reason="content_type")
    if (request.content_length or 0) > max_bytes + MAX_BODY_BYTES:
        raise Refused("too_large")
    parts: list[FormPart] = []
    size = 0
    try:
        async with asyncio.timeout(FILE_SECONDS):
            reader = await request.multipart()
            while (part := await reader.next()) is not None:
                if not isinstance(part, BodyPartReader) or len(parts) >= MAX_PARTS:
                    raise Refused("bad_request")
                content = bytearray()
                while piece := await part.read_chunk(65_536):
                    size += len(piece)
                    if size > max_bytes:
                        raise Refused("too_large")
                    content += piece
                parts.append(FormPart(strip_unstorable(part.name or ""), _read_filename(part), bytes(content)))
    except TimeoutError:
        raise BodyTimeout from None
    except (HttpProcessingError, ValueError, KeyError, AssertionError, RuntimeError, OSError, EOFError,
            web.RequestPayloadError, web.HTTPRequestEntityTooLarge):  # fmt: skip
        raise Refused("bad_request") from None
    return parts


def _read_filename(part: BodyPartReader) -> str | None:
    """Return a file's name; some clients percent-encode it."""
    if part.filename is None:
        return None
    try:
        return strip_unstorable(unquote(part.filename, errors="strict"))
    except UnicodeDecodeError:
        return strip_unstorable(part.filename)


def hash_request(method: str, path: str, body: Any, parts: Sequence[FormPart]) -> str:
    """Hash a request, independent of how its JSON is written or its parts are delimited."""
    body_json = json.dumps(body, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    part_hashes = [[p.name, p.filename, hashlib.sha256(p.content).hexdigest()] for p in parts]
    return hashlib.sha256(json.dumps([method, path, body_json, part_hashes]).encode()).hexdigest()
