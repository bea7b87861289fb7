"""docs/transitions.zh.md says of every row of the table what it does, who may, and which story walks it."""

import ast
import re

from backend.domain.move_table import TRANSITIONS
from backend.domain.texts import Texts
from tests.house.source import ROOT, modules, tree

ROW = re.compile(r"\| (\w+) \| `(\w+)` (\S+) \| ([^|]+) \| ([^|]+) \| `(\w+)` \|")
TOLD = {m[2]: m for m in ROW.finditer((ROOT / "docs" / "transitions.zh.md").read_text("utf-8"))}


def test_every_row_of_the_table_is_explained_and_no_other() -> None:
    assert {verb: told[1] for verb, told in TOLD.items()} == {row.verb: row.tag for row in TRANSITIONS} | {
        "create": "T1"
    }


def test_it_names_who_may_in_the_words_people_read() -> None:
    words = Texts("zh_CN")
    for row in TRANSITIONS:
        who = "、".join(sorted(words.get_word("role", str(role)) for role in row.roles)) if row.roles else "系统"
        assert TOLD[row.verb][4] == who, row.verb
        assert TOLD[row.verb][3] == words.get_word("verb", row.verb)


def test_each_story_it_names_is_told() -> None:
    told = {
        node.name
        for file in modules("tests")
        for node in ast.walk(tree(file))
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and node.name.startswith("test_")
    }
    assert {one[6] for one in TOLD.values()} <= told
