"""Each setting is named by a test that proves it: `proves("key", …)`, or `proves` with a table of keys."""

import ast
from collections.abc import Iterator

import pytest

from backend.domain.settings import ValueKind, load_catalogue
from tests.house.source import Breach, Source, nothing, sources


def find_proofs(code: Source) -> tuple[set[str], list[Breach]]:
    """Return the keys that the tests of a file prove, and the markers that say nothing of the kind."""
    keys: set[str] = set()
    wrong: list[Breach] = []
    used: set[int] = set()
    for test, inside in code.nodes:
        if not isinstance(test, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        markers = [mark for mark in test.decorator_list if is_marker(mark.func if isinstance(mark, ast.Call) else mark)]
        used |= {id(mark.func if isinstance(mark, ast.Call) else mark) for mark in markers}
        if len(markers) > 1:
            wrong.append(code.breach(test, inside, "two markers: name all keys in one"))
        for mark in markers:
            named = list(mark.args if isinstance(mark, ast.Call) else list_rows(code, test))
            words = [node.value for node in named if isinstance(node, ast.Constant) and isinstance(node.value, str)]
            found = set(words)
            if len(words) < len(named) or not words:
                wrong.append(code.breach(mark, inside, "its keys are not written out"))
            wrong += [
                code.breach(mark, inside, f"no such setting: {key}") for key in sorted(found - set(load_catalogue()))
            ]
            keys |= found
    loose = (node for node, _ in code.nodes if is_marker(node) and id(node) not in used)
    return keys, wrong + [code.breach(node, "", "a marker that is no decorator of a test") for node in loose]


def is_marker(node: ast.AST) -> bool:
    """Whether this is `pytest.mark.proves`."""
    return isinstance(node, ast.Attribute) and ast.unparse(node) == "pytest.mark.proves"


def list_rows(code: Source, test: ast.FunctionDef | ast.AsyncFunctionDef) -> Iterator[ast.expr]:
    """The parameter `key` in each row of a test's table: a list of tuples or a dict, in place or a constant above."""
    for mark in test.decorator_list:
        if not isinstance(mark, ast.Call) or ast.unparse(mark.func) != "pytest.mark.parametrize":
            continue
        names = ast.literal_eval(mark.args[0])
        names = [name.strip() for name in names.split(",")] if isinstance(names, str) else list(names)
        if "key" not in names:
            continue
        table = mark.args[1]
        if isinstance(table, ast.Call) and isinstance(table.func, ast.Attribute) and table.func.attr == "items":
            table = table.func.value
        table = find_constant(code, table.id) if isinstance(table, ast.Name) else table
        for row in table.keys if isinstance(table, ast.Dict) else getattr(table, "elts", ()):
            is_param = isinstance(row, ast.Call) and ast.unparse(row.func) == "pytest.param"
            cells = row.args if is_param else getattr(row, "elts", [row])
            yield cells[names.index("key")]


def find_constant(code: Source, name: str) -> ast.expr | None:
    """The value of a name assigned at the top of a file."""
    for node in code.tree.body:
        targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
        if any(isinstance(target, ast.Name) and target.id == name for target in targets):
            return node.value
    return None


def list_provable() -> list[str]:
    """The settings that can be set to something else: of one with a single choice nothing can be shown."""
    return [
        key
        for key, row in load_catalogue().items()
        if row.kind is not ValueKind.CHOICE or len(row.items + row.words) > 1
    ]


def test_every_setting_is_proven_by_a_test_that_sets_it_XT1() -> None:
    proven: set[str] = set()
    wrong: list[Breach] = []
    for code in (file for file in sources("tests") if "proves" in file.text):
        keys, breaches = find_proofs(code)
        proven |= keys
        wrong += breaches
    nothing(wrong, "a marker must name settings that exist, on a test")
    nothing((key for key in list_provable() if key not in proven), "no test would notice if this were ignored")


GOOD = """
TABLE = [("reply.limit", 1), pytest.param("rework.limit", 2)]
@pytest.mark.proves("office_hours", "workday.mode")
async def test_one(): ...
@pytest.mark.proves
@pytest.mark.parametrize(("key", "value"), TABLE)
def test_two(key, value): ...
@pytest.mark.proves
@pytest.mark.parametrize("n, key", [(1, "card.red_at")])
def test_three(n, key): ...
@pytest.mark.proves
@pytest.mark.parametrize(("key", "value"), {"check_period": 1}.items())
def test_four(key, value): ...
"""


def test_keys_are_found_in_markers_and_in_tables() -> None:
    keys = {"office_hours", "workday.mode", "reply.limit", "rework.limit", "card.red_at", "check_period"}
    assert find_proofs(Source("tests/a.py", GOOD)) == (keys, [])


@pytest.mark.parametrize(
    "text",
    [
        '@pytest.mark.proves("sign.genral.limit")\ndef test_one(): ...',
        "@pytest.mark.proves()\ndef test_one(): ...",
        "@pytest.mark.proves(*KEYS)\ndef test_one(): ...",
        "@pytest.mark.proves\ndef test_one(key): ...",
        '@pytest.mark.proves\n@pytest.mark.parametrize("key", load_catalogue())\ndef test_one(key): ...',
        '@pytest.mark.proves\n@pytest.mark.parametrize("key", ["reply.limit", other()])\ndef test_one(key): ...',
        '@pytest.mark.proves("reply.limit")\n@pytest.mark.proves("check_period")\ndef test_one(): ...',
        'ROWS = [pytest.param(1, marks=pytest.mark.proves("reply.limit"))]',
        'pytestmark = pytest.mark.proves("reply.limit")',
    ],
)
def test_a_marker_that_proves_nothing_is_found(text: str) -> None:
    assert find_proofs(Source("tests/a.py", text))[1]


def test_a_setting_without_a_proof_is_found() -> None:
    proven, _ = find_proofs(Source("tests/a.py", '@pytest.mark.proves("reply.limit")\ndef test_one(): ...'))
    missing = [key for key in list_provable() if key not in proven]
    assert "rework.limit" in missing and not {"reply.limit", "period.quarter"} & set(missing)
