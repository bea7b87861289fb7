"""The style of the code as far as a machine can see it."""

import ast
import re
from collections.abc import Iterable, Iterator

import pytest

from tests.house.source import PACKAGES, ROOT, Source, docstrings, modules, name_of, nothing, sources, tree, where

LONGEST = 300
NAMELESS = ("helpers", "utils", "util", "common", "misc")
CHINESE = re.compile(r"[\u3400-\u9fff]")
#: Files that hold Chinese words as data: words people write to us are read here; none is a sentence of ours.
WORDS_WE_READ = {
    "backend/domain/masking.py": "what a name, a card number or a plate looks like in Chinese prose",
    "backend/domain/reply_parser.py": "how people write numbers and days in a reply",
    "backend/domain/spoken_time.py": "how a time of day is spoken",
    "backend/domain/speech_parser.py": "what people answer",
    "backend/app/config.py": "a default that an installation changes",
    "backend/tickets/form_fields.py": "how dates and numbers are written",
    "backend/importing/files/forms.py": "headings of the official forms",
    "backend/office/phone_numbers.py": "how extensions are written",
    "backend/tickets/cell_values.py": "how yes and no are written in a cell",
    "backend/importing/files/vocabulary.py": "spellings of stored words",
    "backend/tickets/new_ticket.py": "headings of the official forms",
    "backend/tickets/spellings.py": "spellings of stored words",
}


def test_the_names_of_the_design_card_stand_at_the_top() -> None:
    for name in (*PACKAGES, "tests", "bench", "docs"):
        assert (ROOT / name).is_dir(), name
    for name in ("pyproject.toml", "README.md", "README.en.md", "ARCHITECTURE.md", "GLOSSARY.md", "LICENSE",
                 "CONTRIBUTING.md", "Makefile"):  # fmt: skip
        assert (ROOT / name).is_file(), name


def overlong(codes: Iterable[Source]) -> Iterator[str]:
    """The files of more than 300 lines, the longest first."""
    lengths = [(len(code.text.splitlines()), code.name) for code in codes]
    yield from (f"{name}: {length}" for length, name in sorted(lengths, reverse=True) if length > LONGEST)


def unexplained(codes: Iterable[Source]) -> Iterator[str]:
    """The files whose first line is no docstring of one sentence."""
    for code in codes:
        first = (ast.get_docstring(code.tree) or "").split("\n\n")[0].strip()
        begins = code.tree.body[0].lineno if code.tree.body else 0
        if begins != 1 or not first.endswith((".", ":", "…")) or "\n" in first or len(first.split()) < 3:
            yield f"{code.name}: {first[:60]!r}"


def test_no_file_has_grown_past_what_can_be_read_in_one_sitting() -> None:
    nothing(overlong(sources()), "split these")


def test_a_file_of_301_lines_is_found() -> None:
    codes = [Source("bot/plant.py", "x = 1\n" * 301), Source("bot/last.py", "x = 1\n" * 299 + "x = 1")]
    assert list(overlong(codes)) == ["bot/plant.py: 301"]


def test_every_file_says_in_its_first_line_what_it_is_for() -> None:
    nothing(unexplained(sources()), "a one-sentence docstring on one line, what the file is for or refuses to know")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "import os\n",
        "# Sends what is due to people.\nx = 1\n",
        '# licence\n"""Sends what is due."""\n',
        '\n"""Sends what is due."""\n',
        '"""Sends what\nis due."""\n',
        '"""Sender."""\n',
        '"""Sends what is due"""\n',
        'x = 1\n"""Sends what is due."""\n',
        'f"""Sends what is due."""\n',
    ],
)
def test_a_file_that_does_not_say_what_it_is_for_is_found(text: str) -> None:
    assert list(unexplained([Source("bot/plant.py", text)]))


def test_a_first_line_with_more_below_is_let_be() -> None:
    assert not list(unexplained([Source("bot/plant.py", '"""Sends what is due.\n\nAnd more.\n"""\nimport os\n')]))


def test_every_package_of_the_backend_stands_in_the_architecture() -> None:
    plan = (ROOT / "ARCHITECTURE.md").read_text("utf-8")
    packages = {file.relative_to(ROOT / "backend").parts[0] for file in modules("backend")} - {"__init__.py"}
    nothing((package for package in sorted(packages) if f"backend/{package}" not in plan), "add it to ARCHITECTURE.md")


def test_nothing_is_left_for_later() -> None:
    later = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b|raise NotImplemented")
    found = [
        f"{name_of(file)}:{number}"
        for file in modules()
        for number, line in enumerate(file.read_text("utf-8").splitlines(), 1)
        if later.search(line)
    ]
    nothing(found, "do it now, or leave it out")


def test_no_file_is_named_for_nothing_in_particular() -> None:
    nameless = [name_of(file) for file in modules() if {*file.relative_to(ROOT).with_suffix("").parts} & {*NAMELESS}]
    nothing(nameless, "name it for what is in it")


#: How many arguments each way of asking the time needs to know its zone; 0: it never does.
NAIVE = {
    "datetime.datetime.utcnow": 0, "datetime.datetime.utcfromtimestamp": 0, "datetime.datetime.today": 0,
    "datetime.date.today": 0, "datetime.datetime.now": 1, "datetime.datetime.fromtimestamp": 2,
}  # fmt: skip


def naive(codes: Iterable[Source]) -> Iterator[str]:
    """Where these files ask for an instant without its zone."""
    for code in codes:
        origins = code.origin_of
        for node, function in code.nodes:
            needs = NAIVE.get(origins.get(id(node.func), "")) if isinstance(node, ast.Call) else None
            if needs is not None and (needs == 0 or len(node.args) + len(node.keywords) < needs):
                yield str(code.breach(node, function, ast.unparse(node)))


@pytest.mark.parametrize("packages", [PACKAGES, ("tests", "bench")])
def test_no_datetime_is_without_its_zone(packages: tuple[str, ...]) -> None:
    nothing(naive(sources(*packages)), "an instant has a zone")


@pytest.mark.parametrize(
    ("text", "is_found"),
    [
        ("from datetime import datetime\nx = datetime.now()\n", True),
        ("import datetime as d\nx = d.datetime.utcnow()\n", True),
        ("from datetime import date as day\nx = day.today()\n", True),
        ("from datetime import datetime as d\nx = d.fromtimestamp(0)\n", True),
        ("from datetime import UTC, datetime\nx = datetime.now(UTC), datetime.fromtimestamp(0, tz=UTC)\n", False),
    ],
)
def test_an_instant_without_its_zone_is_found(text: str, is_found: bool) -> None:
    assert bool(list(naive([Source("bot/plant.py", text)]))) is is_found


def test_no_sentence_stands_in_the_code() -> None:
    """Sentences live in backend/data/texts; the sandbox speaks for the networks, not for us."""
    found = []
    for file in modules(*(p for p in PACKAGES if p != "sandbox")):
        if name_of(file) in WORDS_WE_READ:
            continue
        spoken = docstrings(file)
        for node in ast.walk(tree(file)):
            if not (isinstance(node, ast.Constant) and isinstance(node.value, str)):
                continue
            if id(node) not in spoken and CHINESE.search(node.value):
                found.append(f"{where(file, node)} {node.value[:24]!r}")
    nothing(found, "give it a key in backend/data/texts")


def test_tests_use_fakes_and_no_patches() -> None:
    patched = [
        where(file, node)
        for file in modules("tests")
        for node in ast.walk(tree(file))
        if (isinstance(node, ast.ImportFrom) and node.module in ("unittest.mock", "mock"))
        or (isinstance(node, ast.Import) and any(a.name.startswith("unittest.mock") for a in node.names))
    ]
    nothing(patched, "give it a fake")
