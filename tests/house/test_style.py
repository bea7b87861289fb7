"""The style of the house as far as a machine can see it."""

import ast
import re

import pytest

from tests.house.source import PACKAGES, ROOT, docstrings, modules, name_of, nothing, tree, where

LONGEST = 300
NAMELESS = ("helpers", "utils", "util", "common", "misc")
CHINESE = re.compile(r"[\u4e00-\u9fff]")
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
}


def test_the_names_of_the_design_card_stand_at_the_top() -> None:
    for name in (*PACKAGES, "tests", "bench", "docs"):
        assert (ROOT / name).is_dir(), name
    for name in ("pyproject.toml", "README.md", "README.en.md", "ARCHITECTURE.md", "GLOSSARY.md", "LICENSE",
                 "CONTRIBUTING.md", "Makefile"):  # fmt: skip
        assert (ROOT / name).is_file(), name


def test_no_file_has_grown_past_what_can_be_read_in_one_sitting() -> None:
    lengths = {name_of(file): len(file.read_text("utf-8").splitlines()) for file in modules()}
    tail = sorted(((n, name) for name, n in lengths.items() if n > LONGEST), reverse=True)
    nothing(tail, "split these")


def test_every_room_has_a_sign_on_its_door() -> None:
    unsigned = []
    for file in modules():
        sign = (ast.get_docstring(tree(file)) or "").split("\n\n")[0].strip()
        if not sign.endswith((".", ":", "…")) or "\n" in sign or len(sign.split()) < 3:
            unsigned.append(f"{name_of(file)}: {sign[:60]!r}")
    nothing(unsigned, "a one-sentence docstring on one line, what the file is for or refuses to know")


def test_every_room_stands_in_the_plan_of_the_house() -> None:
    plan = (ROOT / "ARCHITECTURE.md").read_text("utf-8")
    rooms = {file.relative_to(ROOT / "backend").parts[0] for file in modules("backend")} - {"__init__.py"}
    nothing((room for room in sorted(rooms) if f"backend/{room}" not in plan), "add it to ARCHITECTURE.md")


def test_nothing_is_left_for_later() -> None:
    later = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b|raise NotImplemented")
    found = [
        f"{name_of(file)}:{number}"
        for file in modules()
        for number, line in enumerate(file.read_text("utf-8").splitlines(), 1)
        if later.search(line)
    ]
    nothing(found, "do it now, or leave it out")


def test_no_drawer_is_named_for_nothing_in_particular() -> None:
    drawers = [name_of(file) for file in modules() if {*file.relative_to(ROOT).with_suffix("").parts} & {*NAMELESS}]
    nothing(drawers, "name it for what is in it")


NAIVE = {"utcnow": 0, "utcfromtimestamp": 0, "today": 0, "now": 1, "fromtimestamp": 2}
"""How many words each way of asking the time needs to know its zone; 0: never does."""


@pytest.mark.parametrize("packages", [PACKAGES, ("tests", "bench")])
def test_no_datetime_is_without_its_zone(packages: tuple[str, ...]) -> None:
    naive = []
    for file in modules(*packages):
        for node in ast.walk(tree(file)):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
                continue
            needs = NAIVE.get(node.func.attr)
            on = ast.unparse(node.func.value)
            if needs is None or on.rsplit(".", 1)[-1] not in ("datetime", "date", "dt"):
                continue
            if needs == 0 or len(node.args) + len(node.keywords) < needs:
                naive.append(where(file, node))
    nothing(naive, "an instant has a zone")


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
