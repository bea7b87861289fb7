"""Nothing is written twice: no twelve lines of code stand in two places."""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator

from tests.house.source import Breach, Source, only_exceptions, sources

WINDOW = 12
#: Lines that say nothing by themselves: a comment, an import, lone punctuation.
SILENT = re.compile(r"(#|import |from \S+ import ).*|[\W_]*")
NOTE = re.compile(r"\s#\s.*$")
SPACE = re.compile(r"\s")
IMPORTED = re.compile(r"from \S+ import \($")


def _list_lines(text: str) -> Iterator[tuple[int, str]]:
    """The lines that count, each with its number, without white space and the comment at its end."""
    is_importing = False
    for number, line in enumerate(text.splitlines(), 1):
        folded = " ".join(line.split())
        if is_importing or IMPORTED.match(folded):
            is_importing = ")" not in folded
        elif not SILENT.fullmatch(folded):
            yield number, SPACE.sub("", NOTE.sub("", folded))


def _find_function(code: Source, line: int) -> str:
    """The function a line stands in."""
    inside = [
        (function, node)
        for node, function in code.nodes
        if getattr(node, "lineno", line + 1) <= line <= (getattr(node, "end_lineno", 0) or 0)
    ]
    return max((function for function, _ in inside), key=len, default="")


def repeated(codes: Iterable[Source]) -> Iterator[Breach]:
    """The places where twelve lines stand that stand somewhere else too; one for each run of them."""
    places: dict[tuple[str, ...], list[tuple[Source, int]]] = defaultdict(list)
    windows: list[tuple[Source, int, tuple[str, ...]]] = []
    for code in codes:
        lines = list(_list_lines(code.text))
        for first in range(len(lines) - WINDOW + 1):
            window = tuple(line for _, line in lines[first : first + WINDOW])
            places[window].append((code, lines[first][0]))
            windows.append((code, lines[first][0], window))
    last = None  # the file whose lines before these were repeated too
    for code, number, window in windows:
        others = [(other.name, line) for other, line in places[window] if (other, line) != (code, number)]
        if others and last is not code:
            name, line = others[0]
            yield Breach(code.name, _find_function(code, number) or "<module>", number, f"as {name}:{line}")
        last = code if others else None


def test_no_twelve_lines_stand_in_two_places() -> None:
    only_exceptions("duplicates", repeated(sources()), "write it once and call it twice")


def _lines(*, indent: str = "", end: str = "") -> str:
    return "".join(f"{indent}x{n} = call({n}){end}\n" for n in range(WINDOW))


def _plant(*texts: str) -> list[str]:
    return [one.name for one in repeated([Source(f"bot/plant{n}.py", text) for n, text in enumerate(texts)])]


def test_twelve_equal_lines_are_found_however_they_are_indented_and_commented() -> None:
    again = "import os\n\n\ndef f():\n" + _lines(indent="    ").replace("\n", "\n\n    # and then\n")
    assert _plant(_lines(), again) == ["bot/plant0.py", "bot/plant1.py"]
    assert _plant(_lines() + "y = 1\n" + _lines()) == ["bot/plant0.py"] * 2
    spaced = "if x:\n" + _lines(indent="    ", end="  # as it was").replace("(", "( ").replace(" = ", "=")
    assert _plant(_lines(), spaced) == ["bot/plant0.py", "bot/plant1.py"]
    found = list(repeated([Source("bot/a.py", _lines()), Source("bot/b.py", again)]))
    assert [one.key for one in found] == ["bot/a.py:<module>", "bot/b.py:f"]


def test_eleven_equal_lines_and_equal_imports_are_let_be() -> None:
    short = _lines().removesuffix("x11 = call(11)\n")
    names = "".join(f"    name{n},\n" for n in range(WINDOW + 1))
    assert not _plant(short, short)
    assert not _plant(f"from bot import (\n{names})\n", f"from bot import (\n{names})\n")
    assert not _plant("import os\n" * 20, ")\n" * 20, "import os\n" * 20)
