"""Run the worked examples of a scheme file, so that a new province's file is proved before it is used."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from backend.domain.refusals import Refused
from backend.domain.scoring.reckon import reckon_json
from backend.domain.scoring.scheme import Scheme


def _of_lines(field: str) -> Callable[[Mapping[str, Any]], dict[str, Any]]:
    return lambda sheet: {line["item"]: line[field] for line in sheet["lines"]}


#: what `expect` may name besides the sheet's own fields; maps are compared only on the items they name
_VIEWS: Mapping[str, Callable[[Mapping[str, Any]], Any]] = {
    "deductions": _of_lines("deduction"),
    "scores": _of_lines("score"),
    "rates": _of_lines("rate"),
    "no_data": lambda sheet: [line["item"] for line in sheet["lines"] if line["note"] == "no_data"],
}


def mismatches(scheme: Scheme) -> Iterator[str]:
    """Yield one line for each figure that differs from its example."""
    for example in scheme.examples:
        yield from _compare(example.name, example.facts, example.expect)
        for other in example.others:
            changed = {key: value for key, value in other.items() if key in example.facts or key == "settings"}
            expect = {key: value for key, value in other.items() if key not in changed}
            yield from _compare(f"{example.name} {changed}", {**example.facts, **changed}, expect)


def _compare(name: str, facts: Mapping[str, Any], expect: Mapping[str, Any]) -> Iterator[str]:
    try:
        sheet = reckon_json(facts)
    except Refused as no:
        sheet = {"refused": no.code}
    for key, wanted in expect.items():
        found = _VIEWS[key](sheet) if key in _VIEWS and "lines" in sheet else sheet.get(key)
        if isinstance(wanted, dict) and isinstance(found, dict):
            found = {item: found.get(item) for item in wanted}
        if found != wanted:
            yield f"{name}: {key}: {found!r}, not {wanted!r}"
