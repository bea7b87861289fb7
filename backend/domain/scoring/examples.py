"""Run the worked examples of a scheme file, so that a new province's file is proved before it is used."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from backend.domain.refusals import Refused
from backend.domain.scoring.compute import compute_json
from backend.domain.scoring.scheme import Scheme


def _by_item(field: str) -> Callable[[Mapping[str, Any]], dict[str, Any]]:
    return lambda sheet: {line["item"]: line[field] for line in sheet["lines"]}


#: what `expect` may name besides the sheet's own fields; maps are compared only on the items they name
_VIEWS: Mapping[str, Callable[[Mapping[str, Any]], Any]] = {
    "deductions": _by_item("deduction"),
    "scores": _by_item("score"),
    "rates": _by_item("rate"),
    "no_data": lambda sheet: [line["item"] for line in sheet["lines"] if line["note"] == "no_data"],
}


def find_mismatches(scheme: Scheme) -> Iterator[str]:
    """Yield one line for each figure that differs from its example."""
    for example in scheme.examples:
        yield from _compare(example.name, example.facts, example.expect)
        for variant in example.variants:
            changed = {key: value for key, value in variant.items() if key in example.facts or key == "settings"}
            expect = {key: value for key, value in variant.items() if key not in changed}
            yield from _compare(f"{example.name} {changed}", {**example.facts, **changed}, expect)


def _compare(name: str, facts: Mapping[str, object], expect: Mapping[str, object]) -> Iterator[str]:
    try:
        sheet = compute_json(facts)
    except Refused as no:
        sheet = {"refused": no.code}
    for key, wanted in expect.items():
        found = _VIEWS[key](sheet) if key in _VIEWS and "lines" in sheet else sheet.get(key)
        if isinstance(wanted, dict) and isinstance(found, dict):
            found = {item: found.get(item) for item in wanted}
        if found != wanted:
            yield f"{name}: {key}: {found!r}, not {wanted!r}"
