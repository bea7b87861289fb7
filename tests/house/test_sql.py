"""SQL stands in storage and nowhere else."""

import ast
import re
from collections.abc import Iterable, Iterator

import pytest

from tests.house.source import Breach, Source, only_exceptions, sources

NAME = r'[\w".]+'
STATEMENT = re.compile(
    rf"\b(SELECT\b.+?\bFROM\s+{NAME}|INSERT\s+(OR\s+\w+\s+)?INTO\s+{NAME}|UPDATE\s+{NAME}\s+SET\s|DELETE\s+FROM\s+{NAME}"
    rf"|(CREATE|DROP|ALTER)\s+(UNIQUE\s+|VIRTUAL\s+)?(TABLE|INDEX|DATABASE|TRIGGER|VIEW)\s+\w|PRAGMA\s+\w+)",
    re.DOTALL,
)
#: What can be nothing but a statement, by how it begins.
BEGINS = re.compile(r"\s*(SELECT\s|WITH\s+\w+\s+AS\s*\(|BEGIN IMMEDIATE|VACUUM\b)")
#: Calls that hand a statement to a connection, whatever it says, and libraries that have one.
RUNNING = frozenset(("exec_driver_sql", "execute", "executemany", "executescript"))
CONNECTING = ("sqlite3.", "asyncpg.")
#: What makes a statement of a text.
MAKERS = frozenset(("sqlalchemy.text", "sqlalchemy.sql.text", "sqlalchemy.sql.expression.text"))


def is_sql(text: str) -> bool:
    """Whether a text is, or holds, a statement."""
    return bool(STATEMENT.search(text) or BEGINS.match(text))


def written(codes: Iterable[Source]) -> Iterator[Breach]:
    """Where these files write SQL."""
    for code in codes:
        if code.name.startswith("storage/"):
            continue
        for node, function in code.nodes:
            match node:
                case ast.Constant(value=str(text)) if id(node) not in code.docstrings and is_sql(text):
                    yield code.breach(node, function, f"{text[:40]!r}")
                case ast.JoinedStr(values=parts):
                    whole = "".join(str(p.value) if isinstance(p, ast.Constant) else "x" for p in parts)
                    if is_sql(whole):
                        yield code.breach(node, function, f"{whole[:40]!r}")
                case ast.Call(func=ast.Attribute(attr=name)) if name in RUNNING:
                    yield code.breach(node, function, name)
        for name, function, origin in code.origins:
            if origin in MAKERS or origin.startswith(CONNECTING):
                yield code.breach(name, function, origin)


def test_nobody_but_storage_writes_sql() -> None:
    only_exceptions("sql", written(sources()), "give storage a method, and its port")


@pytest.mark.parametrize(
    "text",
    [
        'x = "SELECT id FROM tickets"\n',
        'x = """\n  SELECT id,\n         no\n  FROM tickets t"""\n',
        'x = f"DELETE FROM {table} WHERE id = 1"\n',
        'x = f"SELECT {columns} FROM tickets"\n',
        "x = 'UPDATE tickets SET state = 1'\n",
        "x = 'INSERT INTO tickets VALUES (1)'\nx = 1",
        "x = 'CREATE UNIQUE INDEX one ON tickets (no)'\n",
        "from sqlalchemy import text as t\nx = t('1')\n",
        "import sqlalchemy as sa\nx = sa.text('1')\n",
        "connection.exec_driver_sql(statement)\n",
        "connection.execute('select id from tickets')\n",
        "cursor.executemany(f'{verb} {table}', rows)\n",
        "import sqlite3 as s\nx = s.connect(path)\n",
        "x = 'SELECT ' + columns + ' FROM tickets'\n",
        "x = 'SELECT 1'\n",
        "x = 'WITH a AS (SELECT 1) TABLE a'\n",
    ],
)
def test_sql_elsewhere_is_found(text: str) -> None:
    assert list(written([Source("backend/tickets/plant.py", text)]))
    assert not list(written([Source("storage/tickets/plant.py", text)]))


@pytest.mark.parametrize(
    "text",
    ['"""SELECT what people may choose FROM the menu."""\n', 'x = "Select a ticket from the list"\n', 'x = "UPDATE"\n'],
)
def test_a_sentence_about_it_is_let_be(text: str) -> None:
    assert not list(written([Source("bot/plant.py", text)]))
