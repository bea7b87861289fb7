"""The API's document is whole: no answer is a bare object, each code is real and tried, each route has its words (XS12)."""

from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest

from backend.domain.texts import Texts, list_languages
from backend.domain.verb_fields import parse_arguments
from backend.web.api.act_schema import VERBS, build_act_schema
from backend.web.api.openapi import build_document, get_answer_shape
from backend.web.api.routes import ROUTES
from backend.web.endpoint import Route, list_refusals
from backend.web.errors import WEB_STATUSES
from tests.api_document import find_faults, find_faults_of_answer, load_document, resolve
from tests.house.source import ROOT, nothing
from tests.house.test_refusal_texts import find_codes

#: Fields whose content is another's: arguments of a verb, facts of an audit entry, what a call was told.
FREE = {"words", "facts", "heard"}


def find_bare(schema: Any, where: str) -> Iterator[str]:
    """Yield where a schema says nothing: an object without fields, a list or a value of anything."""
    schema = resolve(schema)
    forms = schema.get("anyOf") or schema.get("oneOf")
    extra = schema.get("additionalProperties")
    if where.rpartition(".")[2] in FREE:
        return
    if forms:
        for form in forms:
            yield from find_bare(form, where)
    elif "properties" in schema:
        for name, one in schema["properties"].items():
            yield from find_bare(one, f"{where}.{name}")
    elif schema.get("type") == "array":
        yield from find_bare(schema.get("items", {}), f"{where}[]")
    elif isinstance(extra, dict):
        yield from find_bare(extra, f"{where}.*")
    elif schema.get("type", "object") == "object" and not {"const", "enum"} & schema.keys():
        yield where


@cache
def read_tests() -> str:
    """The text of all tests but this one."""
    own = (ROOT / "tests").rglob("*.py")
    return "\n".join(path.read_text("utf-8") for path in own if path.name != "test_api_document.py")


def list_successes() -> Iterator[tuple[str, dict[str, Any]]]:
    for path, methods in load_document()["paths"].items():
        for method, operation in methods.items():
            for status, answer in operation["responses"].items():
                if status < "400":
                    for content in answer["content"].values():
                        yield f"{method} {path}", content["schema"]


def test_no_answer_is_a_bare_object_XS12() -> None:
    found = [place for name, schema in list_successes() for place in find_bare(schema, name)]
    nothing(found, "annotate the handler as ApiResponse[Shape], and the shape's fields")


@pytest.mark.parametrize("schema", [{"type": "object"}, {}, {"type": "array", "items": {}}, {"properties": {"a": {}}}])
def test_a_bare_object_is_found(schema: dict[str, Any]) -> None:
    assert list(find_bare(schema, "x"))


def test_each_refusal_of_a_route_is_raised_somewhere_and_named_in_a_test_XS12() -> None:
    raised = {code for code, _ in find_codes()} | WEB_STATUSES.keys()
    told = {(route.name, code) for route in ROUTES for code in list_refusals(route)}
    nothing((f"{name}: {code}" for name, code in told if code not in raised), "no code raises it")
    own = {code for route in ROUTES for code in route.refuses}
    nothing((code for code in own if f'"{code}"' not in read_tests()), "try it in a test")


def test_an_act_names_each_refusal_of_the_rules_XS12() -> None:
    """Beside those of the clock's own verbs: cards, archiving, the start of a visit."""
    of_the_clock = {"withheld", "review_missing", "recheck_waits", "visited_elsewhere"}
    rules = (
        "backend/domain/moves/",
        "backend/domain/decision.py",
        "backend/domain/plan_builder.py",
        "backend/domain/verb_fields.py",
    )
    raised = {code for code, place in find_codes() if place.startswith(rules)}
    told = set(list_refusals(next(route for route in ROUTES if route.name == "POST /tickets/{no}/acts")))
    nothing(raised - told - of_the_clock, "add it to ACT_REFUSALS")


def test_a_route_names_no_refusal_twice() -> None:
    def find_known(route: Route) -> set[str]:
        from dataclasses import replace

        return set(list_refusals(replace(route, refuses=()))) & set(route.refuses)

    nothing((f"{route.name}: {find_known(route)}" for route in ROUTES if find_known(route)), "it is said already")


def test_operations_differ_in_what_they_refuse_XS12() -> None:
    sets = {frozenset(list_refusals(route)) for route in ROUTES}
    assert len(sets) > len(ROUTES) / 3


@pytest.mark.parametrize("language", list_languages())
def test_each_route_has_its_words_and_each_reference_leads_somewhere(language: str) -> None:
    document = build_document(language)
    operations = [one for methods in document["paths"].values() for one in methods.values()]
    assert len(operations) == len(ROUTES) == len({one["operationId"] for one in operations})
    names = {key.removeprefix("api.") for key in Texts(language).list_keys() if key.startswith("api.")}
    assert names == {"done", *(route.name for route in ROUTES)}
    references = list(find_references(document))
    assert references and all(resolve({"$ref": reference}) for reference in set(references))
    nothing((name for name in document["components"]["schemas"] if "__" in name), "two shapes have one name")


def find_references(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        yield from (value for key, value in node.items() if key == "$ref")
        for value in node.values():
            yield from find_references(value)
    elif isinstance(node, list):
        for value in node:
            yield from find_references(value)


def test_a_file_has_content_types_and_all_else_a_shape() -> None:
    for route in ROUTES:
        assert bool(route.media) == (get_answer_shape(route) is type(None)), route.name
        assert bool(route.kinds) == ("{kind}" in route.path), route.name


@pytest.mark.parametrize("verb", VERBS)
def test_what_the_document_asks_of_a_verb_is_what_the_domain_reads_XS12(verb: str) -> None:
    form = next(one for one in build_act_schema()["oneOf"] if one["title"] == verb)
    fields = {
        name: make_sample(schema)
        for name, schema in form["properties"].items()
        if name not in ("verb", "version", "assignment")
    }
    assert parse_arguments(verb, fields).keys() == fields.keys()
    assert not list(find_faults({"verb": verb, **fields}, form))


def make_sample(schema: dict[str, Any]) -> Any:
    if "enum" in schema:
        return schema["enum"][0]
    if schema["type"] == "object":
        return {name: make_sample(one) for name, one in schema["properties"].items()}
    if "format" in schema:
        return {"date-time": "2026-11-10T09:00:00+08:00", "date": "2026-11-10"}[schema["format"]]
    return {"string": "x", "boolean": True, "array": ["x"]}[schema["type"]]


@pytest.mark.parametrize(
    ("status", "content_type", "body"),
    [
        (200, "application/json", b'{"code": "a"}'),  # fields are missing
        (200, "application/json", b'{"key": "a", "value": "b", "more": 1}'),
        (200, "application/json", b'{"key": "a", "value": 1}'),
        (200, "text/csv", b"a"),
        (201, "application/json", b'{"key": "a", "value": "b"}'),
        (409, "application/json", b'{"error": {"code": "exists", "message": "", "details": {}, "request_id": ""}}'),
        (422, "application/json", b'{"error": {"code": "wrong_pin", "message": "", "details": {}, "request_id": ""}}'),
        (422, "application/json", b'{"error": {"code": "unknown_setting", "message": "", "request_id": ""}}'),
    ],
)
def test_an_answer_that_is_not_as_the_document_says_is_found(status: int, content_type: str, body: bytes) -> None:
    operation = load_document()["paths"]["/api/v1/settings/{key}"]["put"]
    assert list(find_faults_of_answer(operation, status, content_type, body))
    assert not list(find_faults_of_answer(operation, 200, "application/json", b'{"key": "a", "value": "b"}'))
