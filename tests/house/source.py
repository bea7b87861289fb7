"""The house's own code as the house tests read it: files, syntax trees, docstrings, imports."""

import ast
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("backend", "bot", "notify", "storage", "sandbox")
#: Written by Alembic, read by a person, never edited again.
WRITTEN_BY_MACHINE = "storage/migrations/versions/"


@cache
def modules(*packages: str) -> tuple[Path, ...]:
    """Every Python file of these packages (default: all of ours), written by hand."""
    found = (file for package in packages or PACKAGES for file in sorted((ROOT / package).rglob("*.py")))
    return tuple(file for file in found if not name_of(file).startswith(WRITTEN_BY_MACHINE))


def name_of(file: Path) -> str:
    """The path of a file inside the repository, with slashes."""
    return file.relative_to(ROOT).as_posix()


@cache
def tree(file: Path) -> ast.Module:
    """The syntax tree of a file."""
    return ast.parse(file.read_text("utf-8"), filename=name_of(file))


def where(file: Path, node: ast.AST) -> str:
    """`backend/tickets/service.py:40`, for a message."""
    return f"{name_of(file)}:{getattr(node, 'lineno', 1)}"


def imports(file: Path) -> Iterator[tuple[str, ast.AST]]:
    """The dotted names a file imports, whether at the top or later."""
    for node in ast.walk(tree(file)):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            yield node.module, node


def docstrings(file: Path) -> set[int]:
    """Ids of the constant nodes that are docstrings, or strings standing alone as comments do."""
    return {
        id(node.value)
        for node in ast.walk(tree(file))
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
    }


def nothing(found: Iterable[object], why: str) -> None:
    """Fail with a line for each thing found."""
    lines = [f"  {one}" for one in found]
    assert not lines, "\n".join((f"{why} ({len(lines)}):", *lines))
