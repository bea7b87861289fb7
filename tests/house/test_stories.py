"""What is promised is shown: every row of the move table is spoken of by some test."""

import ast
from functools import cache

from backend.domain.move_table import TRANSITIONS
from tests.house.source import ROOT, modules, name_of, nothing, tree


@cache
def _said() -> frozenset[str]:
    """Every string in the tests outside this room, and in the worked examples of the schemes."""
    words = {
        node.value
        for file in modules("tests")
        if not name_of(file).startswith("tests/house/")
        for node in ast.walk(tree(file))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    schemes = (ROOT / "backend" / "data" / "schemes").glob("*.toml")
    return frozenset(words | {file.read_text("utf-8") for file in schemes})


def test_every_row_of_the_table_has_a_story() -> None:
    nothing((f"{row.tag} {row.verb}" for row in TRANSITIONS if row.verb not in _said()), "tell its story")
