"""Who acts is decided in one place: nothing else builds an actor or tells an account from a spelling (XS3, XS7)."""

import ast
from collections.abc import Iterable, Iterator

import pytest

from tests.house.source import Breach, Source, sources

HOME = "backend/domain/acts.py"
ACTOR = "backend.domain.acts.Actor"


def built(codes: Iterable[Source]) -> Iterator[Breach]:
    """Where an actor is built by hand, or copied with a change."""
    for code in codes:
        for node, function in code.nodes:
            if code.name == HOME or not isinstance(node, ast.Call):
                continue
            named = code.origin_of.get(id(node.func), "")
            copies = (
                named == "dataclasses.replace" and node.args and ast.unparse(node.args[0]).endswith(("actor", "by"))
            )
            if named == ACTOR or copies:
                yield code.breach(node, function, ast.unparse(node))


def spelled(codes: Iterable[Source]) -> Iterator[Breach]:
    """Where a name is taken apart, or compared with a name the house acts under."""
    for code in codes:
        for node, function in code.nodes:
            words = [part.value for part in ast.walk(node) if isinstance(part, ast.Constant)]
            match node:
                case ast.Call(func=ast.Attribute(attr="startswith" | "removeprefix" | "partition" | "split")):
                    told = "key:" in words
                case ast.Compare():
                    told = bool({"operator", "key:"} & {word for word in words if isinstance(word, str)})
                case _:
                    told = False
            if told:
                yield code.breach(node, function, ast.unparse(node))


def test_actors_are_built_by_their_own_file_only_XS7() -> None:
    assert list(built(sources())) == []


def test_nobody_is_told_from_a_spelling_XS3() -> None:
    assert list(spelled(sources())) == []


@pytest.mark.parametrize(
    ("judge", "plant"),
    [
        (built, "from backend.domain.acts import Actor\nx = Actor('key:a', None)"),
        (built, "from backend.domain import acts\nx = acts.Actor(code, role)"),
        (built, "from dataclasses import replace\ndef f(actor):\n    return replace(actor, unit=None)"),
        (spelled, "def f(holder):\n    return holder.startswith('key:')"),
        (spelled, "def f(holder):\n    return holder == 'operator'"),
        (spelled, "def f(by):\n    return by.code in ('operator', 'x')"),
    ],
)
def test_planted_breaches_are_found(judge: object, plant: str) -> None:
    assert list(judge([Source("backend/web/planted.py", plant)]))  # type: ignore[operator]
