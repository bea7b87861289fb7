"""Builds the OpenAPI document from the route table and the body schemas."""

import re
from functools import lru_cache

from pydantic.json_schema import models_json_schema

from backend.web.api.routes import ROUTES
from backend.web.endpoint import Route
from backend.web.query import DEFAULT_LIMIT, MAX_LIMIT

BASE = "/api/v1"
_REF = "#/components/schemas/{model}"
_PATH_PARAM = re.compile(r"\{(\w+)\}")
_ERROR = {
    "type": "object", "required": ["error"],
    "properties": {"error": {
        "type": "object", "required": ["code", "message", "details", "request_id"],
        "properties": {"code": {"type": "string"}, "message": {"type": "string"}, "details": {"type": "object"},
                       "request_id": {"type": "string"}},
    }},
}  # fmt: skip
_REFUSED = {"$ref": "#/components/schemas/Error"}
_STATUSES = ("400", "401", "403", "404", "409", "413", "421", "422", "429", "503")


@lru_cache(maxsize=1)
def build_document() -> dict[str, object]:
    """Return the OpenAPI 3.1 document."""
    models = sorted({r.body for r in ROUTES if r.body is not None}, key=lambda m: m.__name__)
    _, schemas = models_json_schema([(m, "validation") for m in models], ref_template=_REF)
    paths: dict[str, dict[str, object]] = {}
    for route in ROUTES:
        paths.setdefault(BASE + route.path, {})[route.method.lower()] = _build_operation(route)
    return {
        "openapi": "3.1.0", "info": {"title": "jiesu", "version": "1"}, "paths": paths,
        "security": [{"key": []}],
        "components": {
            "schemas": {**schemas.get("$defs", {}), "Error": _ERROR},
            "securitySchemes": {"key": {"type": "http", "scheme": "bearer"}},
        },
    }  # fmt: skip


def _build_operation(route: Route) -> dict[str, object]:
    path_params = [{"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
             for name in _PATH_PARAM.findall(route.path)]  # fmt: skip
    filters = [{"name": name, "in": "query", "schema": _filter_schema(name)} for name in route.filters]
    answer: dict[str, object] = {"description": "done"}
    if route.path != "/files/{id}":
        answer["content"] = {"application/json": {"schema": {"type": "object"}}}
    answers: dict[str, object] = {str(route.status): answer}
    if route.status == 201:
        answers["200"] = answer
    refused: dict[str, object] = {"description": "refused", "content": {"application/json": {"schema": _REFUSED}}}
    operation: dict[str, object] = {
        "summary": route.summary, "operationId": f"{route.method.lower()}{route.path}",
        "parameters": [*path_params, *filters, *_idempotency_parameters(route)],
        "responses": answers | dict.fromkeys(_STATUSES, refused),
    }  # fmt: skip
    if route.body is not None:
        schema: dict[str, object] = {"$ref": _REF.format(model=route.body.__name__)}
        operation["requestBody"] = {"required": True, "content": {"application/json": {"schema": schema}}}
    elif route.max_bytes:
        schema = {"type": "object", "properties": {"file": {"type": "string", "format": "binary"}}}
        operation["requestBody"] = {"required": True, "content": {"multipart/form-data": {"schema": schema}}}
    return operation


def _filter_schema(name: str) -> dict[str, object]:
    if name == "limit":
        return {"type": "integer", "minimum": 1, "maximum": MAX_LIMIT, "default": DEFAULT_LIMIT}
    return {"type": "string"}


def _idempotency_parameters(route: Route) -> list[dict[str, object]]:
    if route.method != "POST":
        return []
    return [{"name": "Idempotency-Key", "in": "header", "schema": {"type": "string", "maxLength": 200}}]
