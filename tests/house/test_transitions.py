"""docs/transitions.zh.md explains every row of the move table: what it does, for which roles, and which story tests it."""

import ast
import re

from backend.domain.move_table import TRANSITIONS
from backend.domain.texts import Texts
from tests.house.source import ROOT, modules, tree

ROW = re.compile(r"\| (\w+) \| `(\w+)` (\S+) \| ([^|]+) \| ([^|]+) \| `(\w+)` \|")
EXPLAINED = {m[2]: m for m in ROW.finditer((ROOT / "docs" / "transitions.zh.md").read_text("utf-8"))}


def test_every_row_of_the_table_is_explained_and_no_other() -> None:
    assert {verb: match[1] for verb, match in EXPLAINED.items()} == {row.verb: row.tag for row in TRANSITIONS} | {
        "create": "T1"
    }


def test_it_names_the_roles_and_the_verb_in_the_words_people_read() -> None:
    texts = Texts("zh_CN")
    for row in TRANSITIONS:
        roles = "、".join(sorted(texts.get_word("role", str(role)) for role in row.roles)) if row.roles else "系统"
        assert EXPLAINED[row.verb][4] == roles, row.verb
        assert EXPLAINED[row.verb][3] == texts.get_word("verb", row.verb)


def test_every_story_it_names_is_a_test() -> None:
    tests = {
        node.name
        for file in modules("tests")
        for node in ast.walk(tree(file))
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and node.name.startswith("test_")
    }
    assert {match[6] for match in EXPLAINED.values()} <= tests
