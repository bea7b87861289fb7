"""Which tests name which rows of the index, and the page that lists them (XT2).

A test names a row by a tag in its name, in its docstring or in that of its class: `test_nobody_is_rung_twice_FW14`.
`python -m tests.house.faults` prints docs/faults.md; `make picture` writes it.
"""

import ast
import re
from collections.abc import Iterable, Iterator

from tests.house.source import ROOT, Source, sources

#: the families of rows that say what must hold whatever goes wrong; the others say what is built
FAMILIES = ("FT", "FW", "FD", "FS", "FM", "FR", "FF", "FA", "G", "XD", "XM", "XS", "XR", "XT")
ROW = re.compile(rf"^\| ((?:{'|'.join(FAMILIES)})[1-9]\d*) \| (\S.*) \|$", re.MULTILINE)
TAG = re.compile(rf"(?<![A-Za-z0-9])(?:{'|'.join(FAMILIES)})[1-9]\d*(?![A-Za-z0-9])")
HEAD = """# Faults, and the tests that prove what happens then

Each row is a promise of [requirements.md](requirements.md): what must hold whatever goes wrong. Beside it are the tests that
name it. `make picture` writes this page; `tests/house/test_faults.py` fails if it is out of date or a row has no test.
"""


def list_rows(requirements: str) -> dict[str, str]:
    """Return the rows of the index, in its order: tag → meaning."""
    return dict(ROW.findall(requirements))


def list_named(code: Source) -> Iterator[tuple[str, str]]:
    """Yield each row that a test of this file names, with the test: `FW14`, `tests/calls/test_hooks.py::test_…`."""
    for node in code.tree.body:
        inside = node.body if isinstance(node, ast.ClassDef) else [node]
        of_class = ast.get_docstring(node) or "" if isinstance(node, ast.ClassDef) else ""
        for one in inside:
            if isinstance(one, (ast.FunctionDef, ast.AsyncFunctionDef)) and one.name.startswith("test_"):
                said = f"{one.name.replace('_', ' ')} {ast.get_docstring(one) or ''} {of_class}"
                yield from ((tag, f"{code.name}::{one.name}") for tag in dict.fromkeys(TAG.findall(said)))


def find_proofs(codes: Iterable[Source]) -> dict[str, list[str]]:
    """Return the tests that name each row, in order of their files."""
    proofs: dict[str, list[str]] = {}
    for code in codes:
        for tag, test in list_named(code):
            proofs.setdefault(tag, []).append(test)
    return proofs


def render_page(rows: dict[str, str], proofs: dict[str, list[str]]) -> str:
    """Render docs/faults.md."""
    lines = [HEAD]
    family = ""
    for tag, meaning in rows.items():
        letters = tag.rstrip("0123456789")
        if letters != family:
            family = letters
            lines += ["", f"## {family}", "", "| row | promise | tests |", "|---|---|---|"]
        tests = "<br>".join(f"`{test.removeprefix('tests/')}`" for test in proofs.get(tag, []))
        lines.append(f"| {tag} | {meaning} | {tests} |")
    return "\n".join(lines) + "\n"


def render_current_page() -> str:
    """Render docs/faults.md as it must be now."""
    return render_page(list_rows((ROOT / "docs" / "requirements.md").read_text("utf-8")), find_proofs(sources("tests")))


if __name__ == "__main__":
    print(render_current_page(), end="")
