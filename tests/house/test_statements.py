"""A statement of storage is built once, when its file is read; what depends on arguments is built by `build_…`."""

import ast
from collections.abc import Iterable, Iterator

import pytest

from tests.house.source import Breach, Source, nothing, sources

#: The dialects' own constructs, which the others use at module level, and the migrations, which run once.
APART = ("storage/engine/dialect.py", "storage/migrations/")
VERBS = ("select", "insert", "update", "delete", "union", "union_all", "exists")
LIBRARIES = ("", ".sql", ".sql.expression", ".dialects.sqlite", ".dialects.postgresql")
#: What makes a statement, or the part of one that is a query.
MAKERS = frozenset(f"sqlalchemy{library}.{verb}" for library in LIBRARIES for verb in VERBS)
TABLES = "storage.tables."
BUILDING = ("build_", "_build_")
RUNNING = frozenset(("execute", "read", "write", "scalar", "scalars"))


def is_maker(origin: str) -> bool:
    """Whether a call of this name makes a statement: a function of the library, or a table's own `select()`."""
    table, _, verb = origin.removeprefix(TABLES).rpartition(".")
    return origin in MAKERS or (origin.startswith(TABLES) and bool(table) and verb in VERBS)


def built_anew(codes: Iterable[Source]) -> Iterator[Breach]:
    """Where a function builds a statement each time it is called, or `build_…` does more than build."""
    for code in codes:
        functions = {
            f"{inside}.{node.name}".strip(".")
            for node, inside in code.nodes
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
        }
        builders = set[str]()
        for node, function in code.nodes:
            origin = code.origin_of.get(id(node.func)) if isinstance(node, ast.Call) else None
            if origin is None or not is_maker(origin) or function not in functions:
                continue
            if function.rpartition(".")[2].startswith(BUILDING):
                builders.add(function)
            else:
                yield code.breach(node, function, f"{origin.rpartition('.')[2]}()")
        for node, function in code.nodes:
            match node:
                case ast.Call(func=ast.Attribute(attr=name)) if function in builders and name in RUNNING:
                    yield code.breach(node, function, f"builds a statement and runs one: {name}()")


def test_statements_are_built_once() -> None:
    covered = [code for code in sources("storage") if not code.name.startswith(APART)]
    nothing(built_anew(covered), "make it a constant with bindparam, or let a function build_… do nothing but build it")


@pytest.mark.parametrize(
    "text",
    [
        "from sqlalchemy import select\ndef find(c):\n    return c.execute(select(t.id))\n",
        "from sqlalchemy import select as s\nclass Store:\n    def find(self):\n        return s(t.id)\n",
        "import sqlalchemy as sa\nasync def add(c):\n    c.execute(sa.insert(t))\n",
        "from sqlalchemy.dialects import sqlite\ndef add(c):\n    c.execute(sqlite.insert(t).on_conflict_do_nothing())\n",
        "from sqlalchemy import exists\ndef find(c):\n    def work():\n        return exists().where(x)\n    return work\n",
        "from sqlalchemy import update\ndef find(c):\n    return lambda: update(t)\n",
        "from storage import tables as t\ndef find(c):\n    c.execute(t.gate.select())\n",
        "from storage.tables import gate\ndef clear(c):\n    c.execute(gate.delete())\n",
        "from sqlalchemy import delete\ndef _build_it(c):\n    c.execute(delete(t))\n",
        "from sqlalchemy import delete\ndef rebuild_it():\n    return delete(t)\n",
        "from sqlalchemy import delete\nclass build_it:\n    def run(self):\n        return delete(t)\n",
    ],
)
def test_a_statement_built_anew_is_found(text: str) -> None:
    assert list(built_anew([Source("storage/visits/plant.py", text)]))


@pytest.mark.parametrize(
    "text",
    [
        "from sqlalchemy import select\nFIND = select(t.id)\ndef find(c):\n    return c.execute(FIND)\n",
        "from sqlalchemy import select\nclass Store:\n    FIND = select(t.id)\n",
        "from sqlalchemy import select\ndef build_search(words):\n    return select(t.id).where(*words)\n",
        "from sqlalchemy import select\nclass Store:\n    def _build_search(self):\n        return select(t.id)\n",
        "from storage import tables as t\ndef find(rows):\n    rows.update(t.gate)\n",
        "def _build_task(c):\n    return c.execute(FIND)\n",
    ],
)
def test_a_constant_and_what_is_built_are_let_be(text: str) -> None:
    assert not list(built_anew([Source("storage/visits/plant.py", text)]))
