"""Turns the OpenAPI document into what people read: operations by group, each with its fields in rows (XS12)."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from backend.domain.texts import Texts
from backend.web.api.openapi import build_document
from backend.web.endpoint import JSON_TYPE

Schema = Mapping[str, Any]
MAX_DEPTH = 5  # levels of nesting that a page shows


@dataclass(frozen=True, slots=True)
class Row:
    """One field: its name, what it is, notes on it, the words it may be with what they mean, how deep it is nested.
    `label` is what people call it, "" where nothing says so.

    A form is one of several that an object may have; it is headed by the word that tells it from the others.
    """

    name: str
    kind: str
    notes: tuple[str, ...] = ()
    words: tuple[tuple[str, str], ...] = ()
    depth: int = 0
    is_form: bool = False
    label: str = ""


@dataclass(frozen=True, slots=True)
class Refusal:
    """One refusal: status, code, sentence."""

    status: str
    code: str
    sentence: str


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation as a page shows it. `sought` is what a search looks through."""

    id: str
    group: str
    method: str
    path: str
    summary: str
    statuses: tuple[str, ...]
    parameters: tuple[Row, ...]
    body: tuple[Row, ...]
    answer: tuple[Row, ...]
    media: tuple[str, ...]
    refusals: tuple[Refusal, ...]
    sought: str


@lru_cache(maxsize=2)
def list_operations(language: str) -> tuple[Operation, ...]:
    """Return all operations in the order of the document."""
    document, texts = build_document(language), Texts(language)
    reader = _Reader(document, texts)
    return tuple(
        reader.read_operation(path, method, one)
        for path, methods in document["paths"].items()
        for method, one in methods.items()
    )


class _Reader:
    def __init__(self, document: Schema, texts: Texts) -> None:
        self._document, self._texts = document, texts

    def read_operation(self, path: str, method: str, one: Schema) -> Operation:
        responses = {status: self._resolve(answer) for status, answer in one["responses"].items()}
        done = {status: answer for status, answer in responses.items() if status < "400"}
        content = next(iter(done.values()))["content"]
        group = self._texts.get_word("api_group", one["tags"][0])
        rows = {
            "parameters": tuple(self._read_parameter(p) for p in one["parameters"]),
            "body": tuple(self._read_body(one.get("requestBody", {"content": {}})["content"])),
            "answer": tuple(self._read_fields(content[JSON_TYPE]["schema"], 0)) if JSON_TYPE in content else (),
        }
        refusals = tuple(
            r for status, answer in responses.items() if status >= "400" for r in self._read_refusals(status, answer)
        )
        names = [word for part in rows.values() for row in part for word in (row.name, row.label)] + [
            r.code for r in refusals
        ]
        return Operation(
            id=one["operationId"], group=group, method=method.upper(), path=path, summary=one["summary"],
            statuses=tuple(done), media=tuple(m for m in content if m != JSON_TYPE), refusals=refusals,
            sought=" ".join((group, method, path, one["summary"], *names)).lower(), **rows,
        )  # fmt: skip

    def _resolve(self, schema: Schema) -> Schema:
        if "$ref" not in schema:
            return schema
        found: Any = self._document
        for part in schema["$ref"].removeprefix("#/").split("/"):
            found = found[part]
        return self._resolve(found)

    def _say(self, key: str, **facts: object) -> str:
        return self._texts.render(f"console.api.{key}", **facts)

    def _read_parameter(self, one: Schema) -> Row:
        place = self._texts.get_word("api_place", one["in"])
        needed = [self._say("required")] if one.get("required") else []
        return self._read_row(one["name"], one["schema"], [place, *needed], 0, one.get("description", ""))

    def _read_body(self, content: Schema) -> Iterator[Row]:
        for one in content.values():
            yield from self._read_fields(one["schema"], 0, needed=True)

    def _read_refusals(self, status: str, answer: Schema) -> Iterator[Refusal]:
        own = answer["content"][JSON_TYPE]["schema"]["allOf"][1]
        for code in own["properties"]["error"]["properties"]["code"]["enum"]:
            yield Refusal(status, code, self._texts.render_refusal(code, {}))

    def _read_fields(self, schema: Schema, depth: int, *, needed: bool = False) -> Iterator[Row]:
        """Yield the rows of an object, an array of them, or of each of several forms; nothing for a plain value."""
        schema = self._resolve(schema)
        if depth >= MAX_DEPTH:
            return
        if "items" in schema:
            yield from self._read_fields(schema["items"], depth, needed=needed)
        forms = [one for one in schema.get("anyOf", schema.get("oneOf", ())) if one.get("type") != "null"]
        for form in forms:
            told_apart = self._find_constant(form) if len(forms) > 1 else None
            if told_apart is not None:
                group, word = told_apart
                yield Row(word, self._texts.get_word_or_value(group, word), depth=depth, is_form=True)
            yield from self._read_fields(form, depth + (told_apart is not None), needed=needed)
        extra = schema.get("additionalProperties")
        if isinstance(extra, dict):
            yield from self._read_fields(extra, depth, needed=needed)
        for name, own in schema.get("properties", {}).items():
            if "const" in own:
                continue  # its form is headed by it
            required = name in schema.get("required", ())
            note = self._say("required") if required else self._say("optional")
            yield self._read_row(name, own, [note] if required is needed else [], depth, own.get("description", ""))
            yield from self._read_fields(own, depth + 1, needed=needed)

    def _find_constant(self, form: Schema) -> tuple[str, str] | None:
        """Return the field, and its word, by which this form is told from the others."""
        fields = self._resolve(form).get("properties", {}).items()
        return next(((name, str(one["const"])) for name, one in fields if "const" in one), None)

    def _read_row(self, name: str, schema: Schema, notes: list[str], depth: int, label: str) -> Row:
        forms = [self._resolve(one) for one in self._resolve(schema).get("anyOf", (schema,))]
        nullable = [self._say("nullable")] if any(one.get("type") == "null" for one in forms) else []
        forms = [one for one in forms if one.get("type") != "null"]
        kinds = dict.fromkeys(self._name_kind(one) for one in forms)
        limits = [limit for one in forms for limit in self._list_limits(one)]
        return Row(
            name, " / ".join(kinds), (*notes, *nullable, *limits), self._list_words(name, forms), depth, label=label
        )

    def _name_kind(self, schema: Schema) -> str:
        schema = self._resolve(schema)
        is_form = "anyOf" in schema or "oneOf" in schema
        plain = "string" if "enum" in schema or "const" in schema else "object" if is_form else "any"
        kind = str(schema.get("format") or schema.get("type") or plain)
        named = self._texts.get_word_or_value("api_type", kind)
        return f"{named}：{self._name_kind(schema['items'])}" if "items" in schema else named

    def _list_limits(self, schema: Schema) -> Iterator[str]:
        least, most = schema.get("minimum"), schema.get("maximum", schema.get("exclusiveMaximum"))
        if most is not None and abs(most) < 2**31:
            yield self._say("between", least=least, most=most)
        elif least is not None and abs(least) < 2**31:
            yield self._say("at_least", least=least)
        if "maxLength" in schema:
            yield self._say("at_most", most=schema["maxLength"])
        if "maxItems" in schema:
            yield self._say("items_at_most", most=schema["maxItems"])
        if schema.get("default") not in (None, "", False, [], {}):
            yield self._say("default", value=json.dumps(schema["default"], ensure_ascii=False).strip('"'))

    def _list_words(self, name: str, forms: list[Schema]) -> tuple[tuple[str, str], ...]:
        """Return the words a field may be, and what each means where the catalogue has a word for it."""
        schemas = [self._resolve(one.get("items", one)) for one in forms]
        values = [str(v) for one in schemas for v in one.get("enum", [one["const"]] if "const" in one else ())]
        groups = (name, name.removesuffix("s"))
        found = {
            value: next((self._texts.get_word(g, value) for g in groups if self._texts.has(f"word.{g}.{value}")), "")
            for value in values
        }
        return tuple(found.items())
