"""Every route that takes a body, as the document lists them, is sent what no client should send (FR14)."""

import json
from typing import Any

import pytest

from tests.api_document import load_document, resolve
from tests.stories.office import Office

SQLITE = pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
LONG = "长" * 30_000
IDS = {"no": "JS0001", "code": "U01", "key": "sign.general.limit", "kind": "units", "unit": "U01", "month": "2026-11"}


def list_bodies() -> list[tuple[str, str, dict[str, Any]]]:
    """Method, path and JSON schema of each operation with a JSON body."""
    found = []
    for path, methods in load_document()["paths"].items():
        for method, operation in methods.items():
            content = resolve(operation.get("requestBody", {})).get("content", {})
            if "application/json" in content:
                found.append((method.upper(), path, resolve(content["application/json"]["schema"])))
    return found


def list_wrong(schema: dict[str, Any]) -> list[tuple[Any, str]]:
    """Bodies that are wrong, and the field to be named ("": none, the body itself is wrong)."""
    found: list[tuple[Any, str]] = [([], ""), (None, ""), ("text", ""), (7, "")]
    if schema.get("additionalProperties") is False:
        found.append(({"nonsense": 1}, "nonsense"))
    for name in schema.get("properties", {}):
        found += [({name: value}, name) for value in ({"a": [1]}, [[]], LONG, -1.5)]
    return found


@SQLITE
async def test_whatever_a_route_is_sent_it_says_which_field_is_wrong_FR14(office: Office) -> None:
    await office.create_ticket("JS0001")
    office.expected_findings = frozenset({"many_refusals"})
    key, wrong = await office.get_key("admin"), []
    bodies = list_bodies()
    assert len(bodies) > 30
    for method, path, schema in bodies:
        url = office.url + path
        for name in ("no", "code", "key", "kind", "unit", "month"):
            url = url.replace(f"{{{name}}}", IDS[name])
        url = url.replace("{id}", "1")
        while "{" in url:
            url = url[: url.index("{")] + "1" + url[url.index("}") + 1 :]
        for body, field in [({}, "?"), *list_wrong(schema)]:
            async with office.http.request(
                method,
                url,
                data=json.dumps(body),
                headers={"Authorization": f"Bearer {key}", "Content-Type": "application/json"},
            ) as answer:
                text = await answer.text()
                status = answer.status
            shown = (method, path, json.dumps(body)[:60], status, text[:200])
            if status >= 500:
                wrong.append(shown)
            elif status >= 400:
                error = json.loads(text)["error"]
                if not error["code"] or not error["message"] or "{" in error["message"]:
                    wrong.append(shown)
                if field == "nonsense" and error["details"].get("field") != "nonsense":
                    wrong.append(shown)
                if error["code"] in ("bad_field", "missing", "unknown_field") and not error["details"].get("field"):
                    wrong.append(shown)
            elif field not in ("?",) and (field in ("", "nonsense")):
                wrong.append(shown)
    assert not wrong, "\n".join(map(str, wrong))
