"""Serves one row of the route table: authenticates, authorises, validates and deduplicates, then calls the handler."""

import asyncio
import hashlib
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from aiohttp import web
from pydantic import BaseModel

from backend.domain.refusals import Refused
from backend.domain.ticket import Role
from backend.ports.idempotency import PriorRequest
from backend.rooms import Rooms
from backend.web.asked import REQUEST_ID, ROOMS, Answer, Ask, Part
from backend.web.bodies import fingerprint, keepable, read_json, read_parts
from backend.web.identity import by_key
from backend.web.queries import read_query
from backend.web.refusing import as_json, status
from backend.web.wants import understood

Handler = Callable[[Ask], Awaitable[Answer]]
PATIENCE = 10.0  # seconds a repeated request waits for the first one's answer
NOT_KEPT = frozenset({401, 403, 409, 429})  # statuses that a later attempt may change, so never replayed
JSON = "application/json"


@dataclass(frozen=True, slots=True)
class Route:
    """One row: method, path, handler, allowed roles (None: any key), what it takes, and a summary for OpenAPI."""

    method: str
    path: str
    handler: Handler
    summary: str
    roles: frozenset[Role] | None = None
    body: type[BaseModel] | None = None
    filters: tuple[str, ...] = ()
    files: int = 0  # largest multipart body in bytes; 0: no files
    answers: int = 200


def endpoint(route: Route) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    """Return the aiohttp handler of a row."""

    async def serve(request: web.Request) -> web.StreamResponse:
        rooms = request.app[ROOMS]
        actor = await by_key(request, rooms)
        if route.roles is not None and actor.role is not Role.ADMIN and actor.role not in route.roles:
            await rooms.audit.record(rooms.clock.now(), actor.code, "refused", f"{route.method} {route.path}")
            raise Refused("forbidden")
        query = read_query(request.query, route.filters)
        body, parts = await _heard(request, route)
        path = {name: _plain_path(value) for name, value in request.match_info.items()}
        ask = Ask(rooms, actor, path, query, body, parts)
        key = _idempotency_key(request) if request.method == "POST" else None
        if key is None:
            return _response(await route.handler(ask))
        said = body.model_dump(mode="json") if isinstance(body, BaseModel) else body
        asked = fingerprint(request.method, request.path, said, parts)
        mine = hashlib.sha256(f"{actor.code}\n{key}".encode()).hexdigest()
        return await _once(rooms, mine, asked, lambda: route.handler(ask), request[REQUEST_ID])

    return serve


async def _heard(request: web.Request, route: Route) -> tuple[Any, list[Part]]:
    if route.files:
        return None, await read_parts(request, route.files)
    if route.body is None:
        return None, []
    return understood(route.body, await read_json(request)), []


def _plain_path(value: str) -> str:
    if keepable(value) != value or len(value) > 200:
        raise Refused("not_found")
    return value


def _idempotency_key(request: web.Request) -> str | None:
    key = request.headers.get("Idempotency-Key")
    if key is None:
        return None
    if not (1 <= len(key) <= 200 and key.isascii() and key.isprintable()):
        raise Refused("bad_request", header="Idempotency-Key")
    return key


def _response(answer: Answer) -> web.Response:
    if answer.raw is not None:
        return web.Response(body=answer.raw, status=answer.status, headers=answer.headers)
    text = json.dumps(answer.payload, ensure_ascii=False, default=str)
    return web.Response(text=text, status=answer.status, content_type=JSON, headers=answer.headers)


async def _once(
    rooms: Rooms, key: str, asked: str, work: Callable[[], Awaitable[Answer]], request_id: str
) -> web.Response:
    """Do the work once for this key; every repetition gets the first answer (FR4).

    Refused `idempotency_mismatch` when the key was used for another request, `in_progress` as `_wait` says.
    """
    book = rooms.idempotency
    async with asyncio.timeout(PATIENCE * 3):
        while (earlier := await book.claim(key, asked, rooms.clock.now())) is not None:
            if not earlier.same_body:
                raise Refused("idempotency_mismatch")
            if earlier.status:
                return _repeated(earlier)
            await _wait(rooms, key, asked)
    try:
        answer = await work()
        code, text = answer.status, json.dumps(answer.payload, ensure_ascii=False, default=str)
    except Refused as refused:
        code = status(refused.code)
        if code in NOT_KEPT or code >= 500:
            await book.release(key)
            raise
        text = as_json(rooms.catalogue, refused.code, refused.facts, request_id)
    except BaseException:
        await book.release(key)
        raise
    await book.settle(key, code, text)
    return web.Response(text=text, status=code, content_type=JSON)


async def _wait(rooms: Rooms, key: str, asked: str) -> None:
    """Wait for the first request with this key. Refused `in_progress` after `PATIENCE` seconds."""
    loop = asyncio.get_running_loop()
    until = loop.time() + PATIENCE
    pause = 0.02
    while loop.time() < until:
        await asyncio.sleep(pause)
        pause = min(pause * 1.5, 0.5)
        earlier = await rooms.idempotency.find(key, asked)
        if earlier is None or earlier.status:
            return
    raise Refused("in_progress")


def _repeated(earlier: PriorRequest) -> web.Response:
    return web.Response(
        text=earlier.answer, status=earlier.status, content_type=JSON, headers={"Idempotent-Replayed": "true"}
    )
