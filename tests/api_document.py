"""Holds every answer of the API to its document: status, code, each field of the JSON; the hook of the tests' clients (XS12).

What the document does not say is an error here: a client may ignore a new field, but we must have written it down.
"""

import json
import re
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from functools import cache
from typing import Any

import aiohttp

from backend.web.api.openapi import build_document

#: Statuses of the server rather than of an operation: no such method, our own mistake.
NOT_OF_AN_OPERATION = {405, 500}
OFFICE_OFFSET = timedelta(hours=8)  # every office of the tests is in this zone, and every instant of an answer
INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d.*")
TYPES = {
    "object": dict, "array": list, "string": str, "boolean": bool, "null": type(None), "integer": int, "number": (int, float),
}  # fmt: skip


@cache
def load_document() -> dict[str, Any]:
    """The document, as it is served."""
    return json.loads(json.dumps(build_document("zh_CN")))  # type: ignore[no-any-return]


@cache
def list_operations() -> list[tuple[str, re.Pattern[str], dict[str, Any]]]:
    """Each operation with its method and a pattern of its path; fixed paths come first."""
    found = []
    for path, methods in sorted(load_document()["paths"].items(), key=lambda pair: pair[0].count("{")):
        pattern = re.compile(re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(path)))
        found += [(method.upper(), pattern, operation) for method, operation in methods.items()]
    return found


def find_operation(method: str, path: str) -> dict[str, Any] | None:
    """The operation of a request, if it is one of the document's."""
    return next((o for m, pattern, o in list_operations() if m == method and pattern.fullmatch(path)), None)


def resolve(schema: dict[str, Any]) -> dict[str, Any]:
    """Follow a reference into the components."""
    if "$ref" not in schema:
        return schema
    found: Any = load_document()
    for part in schema["$ref"].removeprefix("#/").split("/"):
        found = found[part]
    return resolve(found)


def find_faults(value: Any, schema: dict[str, Any], where: str = "") -> Iterator[str]:
    """Yield what of a value does not fit its schema: the part of JSON Schema that our document uses."""
    schema = resolve(schema)
    if choices := schema.get("anyOf") or schema.get("oneOf"):
        tried = [list(find_faults(value, one, where)) for one in choices]
        if all(tried):
            yield min(tried, key=len)[0]
        return
    if "const" in schema and value != schema["const"]:
        yield f"{where}: {value!r} is not {schema['const']!r}"
        return
    if "enum" in schema and value not in schema["enum"]:
        yield f"{where}: {value!r} is none of {schema['enum']}"
    if "type" in schema and not _is_of_type(value, schema["type"]):
        yield f"{where}: {value!r} is no {schema['type']}"
    elif isinstance(value, str):
        yield from _find_faults_of_text(value, schema, where)
    elif isinstance(value, list):
        for number, one in enumerate(value):
            yield from find_faults(one, schema.get("items", {}), f"{where}[{number}]")
    elif isinstance(value, dict):
        yield from _find_faults_of_object(value, schema, where)


def _is_of_type(value: Any, name: str) -> bool:
    return isinstance(value, TYPES[name]) and not (isinstance(value, bool) and name in ("integer", "number"))  # type: ignore[arg-type]


def _find_faults_of_text(value: str, schema: dict[str, Any], where: str) -> Iterator[str]:
    if "pattern" in schema and not re.search(schema["pattern"], value):
        yield f"{where}: {value!r} does not match {schema['pattern']}"
    try:
        if schema.get("format") == "date-time" and datetime.fromisoformat(value).utcoffset() != OFFICE_OFFSET:
            yield f"{where}: {value!r} is not in the office's zone"
        if schema.get("format") == "date":
            date.fromisoformat(value)
    except ValueError:
        yield f"{where}: {value!r} is no {schema['format']}"


def _find_faults_of_object(value: dict[str, Any], schema: dict[str, Any], where: str) -> Iterator[str]:
    known, rest = schema.get("properties", {}), schema.get("additionalProperties", not schema.get("properties"))
    for name in schema.get("required", ()):
        if name not in value:
            yield f"{where}: {name} is missing"
    for name, one in value.items():
        if name in known:
            yield from find_faults(one, known[name], f"{where}.{name}")
        elif rest is False:
            yield f"{where}: {name} is not in the document"
        elif isinstance(rest, dict):
            yield from find_faults(one, rest, f"{where}.{name}")


def find_faults_of_answer(operation: dict[str, Any], status: int, content_type: str, body: bytes) -> Iterator[str]:
    """Yield what of an answer is not as the operation says."""
    found = operation["responses"].get(str(status))
    if found is None:
        yield f"status {status} is not in the document: {body[:300].decode(errors='replace')}"
        return
    content = resolve(found)["content"]
    if content_type not in content:
        yield f"{content_type} is not in the document, which has {sorted(content)}"
    elif content_type != "application/json":
        return
    elif status < 400:
        yield from find_faults(json.loads(body), content[content_type]["schema"])
    else:
        error, own = content[content_type]["schema"]["allOf"]
        yield from find_faults(answer := json.loads(body), error)
        codes = own["properties"]["error"]["properties"]["code"]["enum"]
        instants = [one for one in answer["error"].get("details", {}).values() if INSTANT.fullmatch(str(one))]
        for one in instants:
            yield from _find_faults_of_text(one, {"format": "date-time"}, "details")
        if (code := answer["error"]["code"]) not in codes:
            yield f"{code} is not among the {status} refusals {codes}"


async def _check(_session: aiohttp.ClientSession, _context: Any, request: aiohttp.TraceRequestEndParams) -> None:
    response = request.response
    operation = find_operation(request.method, request.url.path)
    if operation is None or response.status in NOT_OF_AN_OPERATION:
        return
    faults = list(find_faults_of_answer(operation, response.status, response.content_type, await response.read()))
    assert not faults, f"{request.method} {request.url.path}: {faults[:5]}"


def watch_answers() -> list[aiohttp.TraceConfig]:
    """`trace_configs` of a client whose every answer is checked."""
    trace = aiohttp.TraceConfig()
    trace.on_request_end.append(_check)
    return [trace]
