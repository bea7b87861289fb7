"""Builds the OpenAPI document from the route table, the shapes of bodies and answers, and the refusal codes (XS12)."""

import re
from functools import lru_cache
from http import HTTPStatus
from itertools import groupby
from typing import Any, get_args, get_type_hints

from pydantic import TypeAdapter
from pydantic.json_schema import GenerateJsonSchema

from backend.domain.texts import Texts
from backend.web.api.act_schema import build_act_schema
from backend.web.api.routes import ROUTES
from backend.web.endpoint import ALWAYS, JSON_TYPE, Route, list_refusals
from backend.web.errors import format_refusal, get_status
from backend.web.query import MAX_FILTER_CHARS

BASE = "/api/v1"
Schema = dict[str, Any]
_REF = "#/components/schemas/{model}"
_ERROR: Schema = {
    "type": "object", "required": ["error"],
    "properties": {"error": {
        "type": "object", "required": ["code", "message", "details", "request_id"],
        "properties": {
            "code": {"type": "string"}, "message": {"type": "string"}, "request_id": {"type": "string"},
            "details": {"type": "object", "additionalProperties": True, "description": "facts of the refusal"},
        },
    }},
}  # fmt: skip
_RETRY_AFTER: Schema = {"Retry-After": {"schema": {"type": "integer"}, "description": "seconds"}}
_FILE: Schema = {"schema": {"type": "string", "format": "binary"}}
_KEY: Schema = {
    "name": "Idempotency-Key",
    "in": "header",
    "schema": {"type": "string", "minLength": 1, "maxLength": 200},
}


#: Fields that mean everywhere what the console calls them so; an act's are called as on its form.
_CALLED_SO = frozenset((
    "unit", "units", "state", "category", "grade", "channel", "region", "place", "role", "month", "scheme", "code", "generated_at",
    "submitted_at", "requester", "first_receiver", "earlier_reply", "merged_into", "attempts", "outcome", "purpose", "duration",
    "numerator", "denominator", "rate", "deduction", "base", "bonus", "minus", "readings", "error", "dispatched_at", "signed_at",
))  # fmt: skip


class _Names(GenerateJsonSchema):
    """Names a page of tickets `TicketPage`."""

    def normalize_name(self, name: str) -> str:
        """Return the name of a shape in the document."""
        return super().normalize_name(re.sub(r"^(\w+)\[(\w+)\]$", r"\2\1", name))


def get_answer_shape(route: Route) -> Any:
    """Return the type of a route's JSON, as its handler is annotated; `NoneType` for a file."""
    return get_args(get_type_hints(route.handler, include_extras=True)["return"])[0]


def get_group(route: Route) -> str:
    """Return the name of a route's group: its handler's module."""
    return route.handler.__module__.rpartition(".")[2]


@lru_cache(maxsize=2)
def build_document(language: str) -> Schema:
    """Return the OpenAPI 3.1 document; summaries and the sentences of refusals are in this language."""
    texts = Texts(language)
    shapes: list[tuple[Any, Any, TypeAdapter[Any]]] = [
        (route.name, "serialization", TypeAdapter(get_answer_shape(route))) for route in ROUTES if not route.media
    ]
    bodies = sorted({r.body for r in ROUTES if r.body is not None}, key=lambda model: model.__name__)
    shapes += [(body.__name__, "validation", TypeAdapter(body)) for body in bodies]
    found, definitions = TypeAdapter.json_schemas(shapes, ref_template=_REF, schema_generator=_Names)
    schemas = {name: _label(_drop_titles(schema), texts) for name, schema in definitions.get("$defs", {}).items()}
    paths: dict[str, Schema] = {}
    for route in ROUTES:
        answer = None if route.media else _label(_drop_titles(found[(route.name, "serialization")]), texts)
        paths.setdefault(BASE + route.path, {})[route.method.lower()] = _build_operation(route, answer, texts)
    return {
        "openapi": "3.1.0", "info": {"title": "jiesu", "version": "1"}, "paths": paths,
        "security": [{"key": []}],
        "tags": [{"name": tag, "description": texts.get_word("api_group", tag)} for tag in dict.fromkeys(map(get_group, ROUTES))],
        "components": {
            "schemas": {**schemas, "ActBody": _label(build_act_schema(), texts, "console.field"), "Error": _ERROR},
            "responses": {HTTPStatus(status).name: _build_refusal(status, codes, texts) for status, codes in _SHARED.items()},
            "securitySchemes": {"key": {"type": "http", "scheme": "bearer"}},
        },
    }  # fmt: skip


def _drop_titles(schema: Any) -> Any:
    """Return a schema without the titles that pydantic makes of names; a property may be called `title`."""
    if isinstance(schema, dict):
        return {k: _drop_titles(v) for k, v in schema.items() if k != "title" or not isinstance(v, str)}
    return [_drop_titles(one) for one in schema] if isinstance(schema, list) else schema


def _label(schema: Any, texts: Texts, section: str = "console") -> Any:
    """Return a schema whose fields say what people call them, where the catalogue does."""
    if isinstance(schema, list):
        return [_label(one, texts, section) for one in schema]
    if not isinstance(schema, dict):
        return schema
    labelled = {key: _label(value, texts, section) for key, value in schema.items() if key != "properties"}
    if "properties" in schema:
        labelled["properties"] = {
            name: {**_label(own, texts, section), **_find_label(name, texts, section)}
            for name, own in schema["properties"].items()
        }
    return labelled


def _find_label(name: str, texts: Texts, section: str) -> Schema:
    for place in (section, "console") if name in _CALLED_SO else (section,) if section != "console" else ():
        if texts.has(f"{place}.{name}"):
            return {"description": texts.get_template(f"{place}.{name}")}
    return {}


def _build_operation(route: Route, answer: Schema | None, texts: Texts) -> Schema:
    content = dict.fromkeys(route.media, _FILE) if answer is None else {JSON_TYPE: {"schema": answer}}
    done = {"description": texts.get_template("api.done"), "content": content}
    statuses = [status for status in (route.status, route.unchanged) if status is not None]
    operation: Schema = {
        "tags": [get_group(route)], "summary": texts.get_template(f"api.{route.name}"),
        "operationId": f"{route.method.lower()}{route.path}", "parameters": _list_parameters(route, texts),
        "responses": {**{str(status): done for status in statuses}, **_build_refusals(route, texts)},
    }  # fmt: skip
    if route.body is not None:
        schema: Schema = {"$ref": _REF.format(model=route.body.__name__)}
        operation["requestBody"] = {"required": True, "content": {JSON_TYPE: {"schema": schema}}}
    elif route.max_bytes:
        schema = {
            "type": "object",
            "required": ["file"],
            "properties": {"file": {"type": "string", "format": "binary"}, **route.form},
        }
        operation["requestBody"] = {"required": True, "content": {"multipart/form-data": {"schema": schema}}}
    return operation


def _list_parameters(route: Route, texts: Texts) -> list[Schema]:
    in_path = {name: _describe_path_value(route, name) for name in route.path_values}
    return [
        *({"name": name, "in": "path", "required": True, "schema": schema} for name, schema in in_path.items()),
        *(
            {"name": one.name, "in": "query", "schema": dict(one.schema), **_find_label(one.name, texts, "console")}
            for one in route.filters
        ),
        *((_KEY,) if route.method == "POST" else ()),
    ]


def _describe_path_value(route: Route, name: str) -> Schema:
    if name == "kind":
        return {"type": "string", "enum": list(route.kinds)}
    return (
        dict(route.numbers)
        if name in ("id", "dial")
        else {"type": "string", "minLength": 1, "maxLength": MAX_FILTER_CHARS}
    )


def _group_codes(codes: tuple[str, ...]) -> list[tuple[int, tuple[str, ...]]]:
    by_status = groupby(sorted(codes, key=get_status), key=get_status)
    return [(status, tuple(same)) for status, same in by_status]


#: What every operation refuses with, by status; described once.
_SHARED = dict(_group_codes(ALWAYS))


def _build_refusals(route: Route, texts: Texts) -> Schema:
    """Return the responses of a route's refusals, by status; each lists its codes and their sentences."""
    return {
        str(status): {"$ref": f"#/components/responses/{HTTPStatus(status).name}"}
        if codes == _SHARED.get(status)
        else _build_refusal(status, codes, texts)
        for status, codes in _group_codes(list_refusals(route))
    }


def _build_refusal(status: int, codes: tuple[str, ...], texts: Texts) -> Schema:
    sentences = "\n".join(f"- `{code}` {format_refusal(texts, code, {})}" for code in codes)
    answer = {
        "description": f"{HTTPStatus(status).phrase}\n\n{sentences}",
        "content": {JSON_TYPE: {"schema": _build_error_schema(codes)}},
    }
    return {**answer, "headers": _RETRY_AFTER} if status in (429, 503) else answer


def _build_error_schema(codes: tuple[str, ...]) -> Schema:
    own = {"type": "object", "properties": {"error": {"type": "object", "properties": {"code": {"enum": list(codes)}}}}}
    return {"allOf": [{"$ref": _REF.format(model="Error")}, own]}
