"""The product's own code as these tests read it: files, syntax trees, docstrings, imports, and what breaks a rule."""

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import NamedTuple

from tests.house.exceptions import EXCEPTIONS
from tests.house.origins import list_origins

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("backend", "bot", "notify", "storage", "sandbox")
#: Written by Alembic, read by a person, never edited again.
WRITTEN_BY_MACHINE = "storage/migrations/versions/"


class Breach(NamedTuple):
    """A place that breaks a rule: file, the function around it (`<module>` outside any), line, and what it is."""

    name: str
    function: str
    line: int
    what: str

    @property
    def key(self) -> str:
        """How exceptions.py names the place: it stays the same when lines move."""
        return f"{self.name}:{self.function}"

    def __str__(self) -> str:
        return f"{self.name}:{self.line} in {self.function}: {self.what}"


@dataclass(frozen=True)
class Source:
    """A Python file as the checkers see it: its path inside the repository, and its text."""

    name: str
    text: str

    @cached_property
    def tree(self) -> ast.Module:
        """The syntax tree."""
        return ast.parse(self.text, filename=self.name)

    @cached_property
    def nodes(self) -> tuple[tuple[ast.AST, str], ...]:
        """Every node below the module with the function (`Class.method`) it stands in."""
        return tuple(_list_nodes(self.tree))

    @cached_property
    def origins(self) -> tuple[tuple[ast.expr, str, str], ...]:
        """Each name or attribute that is read and leads to an import: node, function, dotted name."""
        return tuple(list_origins(self.nodes, self.find_origin))

    @cached_property
    def origin_of(self) -> dict[int, str]:
        """The dotted name of a node, by the id of the node."""
        return {id(node): origin for node, _, origin in self.origins}

    @cached_property
    def docstrings(self) -> frozenset[int]:
        """Ids of the constant nodes that are docstrings, or strings standing alone as comments do."""
        return frozenset(
            id(node.value)
            for node, _ in self.nodes
            if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
        )

    @cached_property
    def module(self) -> str:
        """Its dotted name: `backend.tickets` for backend/tickets/__init__.py."""
        return self.name.removesuffix(".py").removesuffix("/__init__").replace("/", ".")

    def find_origin(self, node: ast.ImportFrom) -> str:
        """The dotted name of the module that `from … import …` reads, relative ones resolved."""
        if not node.level:
            return node.module or ""
        package = self.module.split(".") + [""] * self.name.endswith("/__init__.py")
        return ".".join((*package[: -node.level], *([node.module] if node.module else ())))

    def breach(self, node: ast.AST, function: str, what: str) -> Breach:
        """A breach at a node."""
        return Breach(self.name, function or "<module>", getattr(node, "lineno", 1), what)


def _list_nodes(module: ast.Module) -> Iterator[tuple[ast.AST, str]]:
    waiting: list[tuple[ast.AST, str]] = [(node, "") for node in reversed(module.body)]
    while waiting:
        node, inside = waiting.pop()
        yield node, inside
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            inside = f"{inside}.{node.name}".strip(".")
        waiting += [(child, inside) for child in ast.iter_child_nodes(node)][::-1]


@cache
def modules(*packages: str) -> tuple[Path, ...]:
    """Every Python file of these packages (default: all of ours), written by hand."""
    found = (file for package in packages or PACKAGES for file in sorted((ROOT / package).rglob("*.py")))
    return tuple(file for file in found if not name_of(file).startswith(WRITTEN_BY_MACHINE))


@cache
def source(file: Path) -> Source:
    """A file, read."""
    return Source(name_of(file), file.read_text("utf-8"))


def sources(*packages: str) -> tuple[Source, ...]:
    """Every Python file of these packages (default: all of ours), read."""
    return tuple(source(file) for file in modules(*packages))


def name_of(file: Path) -> str:
    """The path of a file inside the repository, with slashes."""
    return file.relative_to(ROOT).as_posix()


def tree(file: Path) -> ast.Module:
    """The syntax tree of a file."""
    return source(file).tree


def where(file: Path, node: ast.AST) -> str:
    """`backend/tickets/service.py:40`, for a message."""
    return f"{name_of(file)}:{getattr(node, 'lineno', 1)}"


def imports(code: Source) -> Iterator[tuple[str, ast.AST]]:
    """The dotted names a file imports, at the top or later, for types only or not: `a.b.c` of `from a.b import c`."""
    for node, _ in code.nodes:
        if isinstance(node, ast.Import):
            yield from ((alias.name, node) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from ((f"{code.find_origin(node)}.{alias.name}", node) for alias in node.names)


def docstrings(file: Path) -> frozenset[int]:
    """Ids of the constant nodes of a file that are docstrings."""
    return source(file).docstrings


def nothing(found: Iterable[object], why: str) -> None:
    """Fail with a line for each thing found."""
    lines = [f"  {one}" for one in found]
    assert not lines, "\n".join((f"{why} ({len(lines)}):", *lines))


def only_exceptions(fence: str, breaches: Iterable[Breach], why: str) -> None:
    """Fail for each breach that exceptions.py does not list, and for each exception that no longer applies."""
    found, listed = list(breaches), EXCEPTIONS[fence]
    nothing((one for one in found if one.key not in listed), why)
    nothing(
        sorted(listed - {one.key for one in found}), f"mended: delete it from {fence!r} in tests/house/exceptions.py"
    )
