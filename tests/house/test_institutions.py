"""Which institution answers is found in one place, `backend/domain/institutions.py`: nobody takes the first (XM1)."""

import ast
from collections.abc import Iterable, Iterator

import pytest

from tests.house.source import Breach, Source, nothing, sources

HOME = "backend/domain/institutions.py"


def taken(codes: Iterable[Source]) -> Iterator[Breach]:
    """Where these files take one of the management institutions by its place: `next(…)`, `[0]`, `[-1]`, `min`, `max`."""
    for code in codes:
        if code.name == HOME:
            continue
        lists = {
            node.targets[0].id: node.value
            for node, _ in code.nodes
            if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name)
        }
        for node, function in code.nodes:
            match node:
                case ast.Call(func=ast.Name(id="next" | "min" | "max"), args=[of, *_]):
                    chosen: ast.expr = of
                case ast.Subscript(value=of, slice=ast.Constant(value=int()) | ast.UnaryOp(operand=ast.Constant())):
                    chosen = of
                case _:
                    continue
            texts = [ast.unparse(chosen), *(ast.unparse(lists[n]) for n in _names(chosen) if n in lists)]
            if any("UnitKind.MANAGEMENT" in text or "kind == 'management'" in text for text in texts):
                yield code.breach(node, function, "an institution by its place")


def _names(node: ast.expr) -> Iterator[str]:
    return (inner.id for inner in ast.walk(node) if isinstance(inner, ast.Name))


def test_no_institution_is_taken_by_its_place_in_a_list() -> None:
    nothing(taken(sources()), "ask OfficeSnapshot.find_institution")


@pytest.mark.parametrize(
    "text",
    [
        "x = next(u.name for u in units if u.kind is UnitKind.MANAGEMENT)\n",
        "def f(units):\n    all = [u for u in units if u.kind is UnitKind.MANAGEMENT]\n    return all[0].code\n",
        "x = [u for u in units if u.kind == 'management'][-1]\n",
        "tops = [u for u in units if u.kind is UnitKind.MANAGEMENT]\nx = min(tops, key=lambda u: u.code)\n",
        "m = [u for u in units if u.kind is UnitKind.MANAGEMENT]\nx = next((u for u in m if not u.parent), None)\n",
    ],
)
def test_an_institution_that_is_taken_by_its_place_is_found(text: str) -> None:
    assert len(list(taken([Source("backend/office/plant.py", text)]))) == 1
    assert not list(taken([Source(HOME, text)]))


def test_a_list_of_institutions_is_nobodys_first() -> None:
    harmless = "all = [u for u in units if u.kind is UnitKind.MANAGEMENT]\nx = sorted(all)\ny = other[0]\n"
    assert not list(taken([Source("backend/office/plant.py", harmless)]))
