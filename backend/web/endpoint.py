"""Serves one row of the route table: authenticates, authorises, validates and deduplicates, then calls the handler."""

import asyncio
import hashlib
import json
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web
from pydantic import BaseModel

from backend.domain.permissions import may
from backend.domain.refusals import Refused
from backend.ports.web import PriorRequest
from backend.services import Services
from backend.web.body import hash_request, read_json, read_parts, strip_unstorable
from backend.web.errors import dump_error, get_status
from backend.web.identity import authenticate_key
from backend.web.query import Filter, Schema, read_filters
from backend.web.request import REQUEST_ID, SERVICES, ApiRequest, ApiResponse, FormPart
from backend.web.schemas import validate_body

Handler = Callable[[ApiRequest], Awaitable[ApiResponse[Any]]]
REPLAY_SECONDS = 10.0  # seconds a repeated request waits for the first one's answer
NOT_REPLAYED = frozenset({401, 403, 409, 429})  # statuses that a later attempt may change, so never replayed
JSON_TYPE = "application/json"


#: Refusals of every route: who asks, what nobody knows, and what the whole office cannot do just now.
ALWAYS = (
    "wrong_host", "unauthenticated", "too_many", "unit_missing", "unknown_filter", "version_gate", "unavailable", "read_only", "disk_full",
)  # fmt: skip
NUMBER: Schema = {"type": "integer", "minimum": 0}
PATH_VALUE = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True, slots=True)
class Route:
    """One row: method, path, handler, permission (None: any key), what it takes, and what its handler refuses.

    What it answers is the annotation of its handler. Its summary for people is the text `api.METHOD PATH` (XS12).
    """

    method: str
    path: str
    handler: Handler
    permission: str | None = None
    body: type[BaseModel] | None = None
    filters: tuple[Filter, ...] = ()
    max_bytes: int = 0  # largest multipart body in bytes; 0: no files
    status: int = 200
    unchanged: int | None = None  # status where what is to be stored is there already
    shown_once: bool = False  # the answer is a secret and not kept: a repeated request is refused (XS11)
    refuses: tuple[str, ...] = ()  # codes of the handler, beside those of `list_refusals`
    kinds: tuple[str, ...] = ()  # the words `{kind}` of the path may be
    numbers: Schema = field(default_factory=lambda: NUMBER)  # what an id in the path looks like
    form: Schema = field(default_factory=dict)  # JSON schemas of the form's fields beside `file`
    media: tuple[str, ...] = ()  # content types of a file; none: JSON

    @property
    def name(self) -> str:
        """Method and path."""
        return f"{self.method} {self.path}"

    @property
    def path_values(self) -> tuple[str, ...]:
        """The names of the values in its path."""
        return tuple(PATH_VALUE.findall(self.path))


def list_refusals(route: Route) -> tuple[str, ...]:
    """Return all codes a route may refuse with: of the layer that serves it, by what it takes, and of its handler."""
    fields = route.body.model_fields.values() if route.body is not None else ()
    found = [
        *ALWAYS,
        *(("forbidden",) if route.permission else ()),
        *(("not_found",) if route.path_values else ()),
        *(("bad_field", *(one.code for one in route.filters)) if route.filters else ()),
        *(("bad_request", "too_large") if route.body is not None or route.max_bytes else ()),
        *(("missing",) if route.max_bytes else ()),
        *(("unknown_field",) if route.body is not None else ()),
        *(("bad_field",) if fields else ()),
        *(("missing",) if any(one.is_required() for one in fields) else ()),
        *(("bad_request", "idempotency_mismatch", "in_progress") if route.method == "POST" else ()),
        *(("shown_once",) if route.shown_once else ()),
        *route.refuses,
    ]
    return tuple(dict.fromkeys(found))


def build_endpoint(route: Route) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    """Return the aiohttp handler of a row."""

    async def serve(request: web.Request) -> web.StreamResponse:
        services = request.app[SERVICES]
        actor = await authenticate_key(request, services)
        if route.permission is not None and not may(actor, route.permission):
            raise Refused("forbidden")
        query = read_filters(request.query, route.filters)
        body, parts = await _read_body(request, route)
        path = {name: _check_path_value(value) for name, value in request.match_info.items()}
        api_request = ApiRequest(services, actor, path, query, body, parts)
        key = _read_idempotency_key(request) if request.method == "POST" else None
        if key is None:
            return _build_response(await route.handler(api_request))
        body_json = body.model_dump(mode="json") if isinstance(body, BaseModel) else body
        request_hash = hash_request(request.method, request.path, body_json, parts)
        key_hash = hashlib.sha256(f"{actor.code}\n{key}".encode()).hexdigest()
        return await _run_once(
            services, key_hash, request_hash, lambda: route.handler(api_request), request[REQUEST_ID], route.shown_once
        )

    return serve


async def _read_body(request: web.Request, route: Route) -> tuple[Any, list[FormPart]]:
    if route.max_bytes:
        return None, await read_parts(request, route.max_bytes)
    if route.body is None:
        return None, []
    return validate_body(route.body, await read_json(request)), []


def _check_path_value(value: str) -> str:
    if strip_unstorable(value) != value or len(value) > 200:
        raise Refused("not_found")
    return value


def _read_idempotency_key(request: web.Request) -> str | None:
    key = request.headers.get("Idempotency-Key")
    if key is None:
        return None
    if not (1 <= len(key) <= 200 and key.isascii() and key.isprintable()):
        raise Refused("bad_request", header="Idempotency-Key")
    return key


def _build_response(answer: ApiResponse[Any]) -> web.Response:
    if answer.raw is not None:
        return web.Response(body=answer.raw, status=answer.status, headers=answer.headers)
    text = json.dumps(answer.payload, ensure_ascii=False, default=str)
    return web.Response(text=text, status=answer.status, content_type=JSON_TYPE, headers=answer.headers)


async def _run_once(
    services: Services, key: str, request_hash: str, work: Callable[[], Awaitable[ApiResponse[Any]]], request_id: str,
    shown_once: bool,
) -> web.Response:  # fmt: skip
    """Do the work once for this key; every repetition gets the first answer (FR4), or `shown_once` for a secret.

    Refused `idempotency_mismatch` when the key was used for another request, `in_progress` as `_wait` says.
    """
    store = services.idempotency
    async with asyncio.timeout(REPLAY_SECONDS * 3):
        while (earlier := await store.claim(key, request_hash, services.clock.now())) is not None:
            if not earlier.same_body:
                raise Refused("idempotency_mismatch")
            if earlier.status:
                return _replay(earlier)
            await _wait_for_first(services, key, request_hash)
    try:
        answer = await work()
        code, text = answer.status, json.dumps(answer.payload, ensure_ascii=False, default=str)
    except Refused as refused:
        code = get_status(refused.code)
        if code in NOT_REPLAYED or code >= 500:
            await store.release(key)
            raise
        text = dump_error(services, refused, request_id)
    except BaseException:
        await store.release(key)
        raise
    if shown_once and code < 400:
        kept = Refused("shown_once")
        await store.settle(key, get_status(kept.code), dump_error(services, kept, request_id))
    else:
        await store.settle(key, code, text)
    return web.Response(text=text, status=code, content_type=JSON_TYPE)


async def _wait_for_first(services: Services, key: str, request_hash: str) -> None:
    """Wait for the first request with this key. Refused `in_progress` after `REPLAY_SECONDS`."""
    monotonic = services.clock.monotonic
    until = monotonic() + REPLAY_SECONDS
    pause = 0.02
    while monotonic() < until:
        await asyncio.sleep(pause)
        pause = min(pause * 1.5, 0.5)
        earlier = await services.idempotency.find(key, request_hash)
        if earlier is None or earlier.status:
            return
    raise Refused("in_progress")


def _replay(earlier: PriorRequest) -> web.Response:
    return web.Response(
        text=earlier.answer, status=earlier.status, content_type=JSON_TYPE, headers={"Idempotent-Replayed": "true"}
    )
