"""Every tag cited anywhere has its row in docs/requirements.md, every paragraph of the contract its heading there."""

import ast
import io
import re
import tokenize
from collections.abc import Collection, Iterable, Iterator
from functools import cache

import pytest

from backend.delivery.kinds import KINDS
from backend.domain.move_table import TRANSITIONS
from backend.domain.script_files import load_script
from tests.house.source import ROOT, nothing

#: Highest number of each family that is numbered without a gap.
LAST = {"A": 40, "B": 57, "Q": 52, "T": 31, "FT": 36, "FW": 33, "FD": 22, "FS": 19, "FM": 15, "FR": 21, "FF": 15, "FA": 12,
        "P": 14, "XD": 23, "XM": 32, "XS": 15, "XR": 15, "XT": 2, "M": 34, "S": 7, "V": 8}  # fmt: skip
READ = (".py", ".md", ".mmd", ".toml", ".html", ".css", ".js", ".typ", ".mako")
FOLDERS = ("backend", "bot", "notify", "storage", "sandbox", "tests", "bench", "docs", ".ci")

NUMBER = r"(?:[1-9][0-9]*|(?<=V)0)[a-z]?"
#: A zero in front makes it something else: a person's code, a check of the linter. So does a neighbour that goes on the word.
TAG = re.compile(rf"(?<![A-Za-z0-9_#])(?<![a-z]-)[A-Z]{{1,2}}{NUMBER}(?![A-Za-z0-9_])")
#: Families of two letters are seen even where they are new; of one letter, those that have rows.
TWO_LETTERS = re.compile(r"[FX][A-Z][1-9]")
ROW = re.compile(rf"^\| ([A-Z]{{1,2}}{NUMBER}) \| (\S.*) \|$", re.MULTILINE)
CHAPTER_ROW = re.compile(
    r"^\| ((?:readings|lifecycle|texts|practice) §?[\d.]+|how it is reached \d) \| \S.* \|$", re.MULTILINE
)
PARAGRAPH = re.compile(r"^## ([1-9]\d*)\. \S", re.MULTILINE)

NOQA = re.compile(r"noqa: [A-Z]+\d+(?:, ?[A-Z]+\d+)*")
NUMBERS = r"((?:§ ?\d+(?:, | and |–|-)?)+)"
CONTRACT = re.compile(rf"[Cc]ontract(?:\.md)?,? {NUMBERS}")
OF_CONTRACT = re.compile(rf"{NUMBERS} of the contract")
CHAPTER = re.compile(r"\b(readings|lifecycle|texts|practice)(?:\.md)? ((?:(?:§\d+(?:\.\d+)?|\d+\.\d+)(?:, | and )?)+)")
LONE = re.compile(r"(?<!\w )§(\d+\.\d+)")
REACHED = re.compile(r'"How it is reached" (\d)')


def parts(tag: str) -> tuple[str, int, str]:
    """The letters, the number and the small letter of a tag: `M`, 9, `a` of `M9a`."""
    found = re.fullmatch(r"([A-Z]+)(\d+)([a-z]?)", tag)
    assert found is not None, tag
    return found[1], int(found[2]), found[3]


def family(tag: str) -> str:
    """The letters of a tag: `FW` of `FW14`."""
    return parts(tag)[0]


def citing(name: str, text: str) -> Iterator[tuple[int, str]]:
    """The parts of a file in which tags are cited, each with its line.

    Of Python: comments, docstrings, and names of tests with their words set apart; a string may hold a person's code (A1). The
    families of two letters are looked for in its strings too. Of pyproject.toml: comments. Of everything else: all of it.
    """
    if not name.endswith(".py"):
        lines = enumerate(text.splitlines(), 1)
        yield from lines if name != "pyproject.toml" else ((n, line.partition("#")[2]) for n, line in lines)
        return
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.COMMENT:
            yield token.start[0], NOQA.sub("", token.string)
    for node in ast.walk(ast.parse(text)):
        match node:
            case ast.Expr(value=ast.Constant(value=str(words))):
                yield from enumerate(words.splitlines(), node.lineno)
            case ast.Constant(value=str(words)):
                yield from ((node.lineno, tag) for tag in TAG.findall(words) if TWO_LETTERS.match(tag))
            case ast.FunctionDef() | ast.AsyncFunctionDef() if node.name.startswith("test_"):
                yield node.lineno, node.name.replace("_", " ")


def cited(words: str, families: Collection[str]) -> Iterator[str]:
    """What a line cites: tags, paragraphs of the contract (`contract §5`), chapters (`readings §4`, `§6.3`)."""
    for tag in TAG.findall(words):
        if family(tag) in families or TWO_LETTERS.match(tag):
            yield tag
    for found in (*CONTRACT.finditer(words), *OF_CONTRACT.finditer(words)):
        yield from (f"contract §{number}" for number in re.findall(r"\d+", found[1]))
    for found in CHAPTER.finditer(words):
        yield from (f"{found[1]} {number}" for number in re.findall(r"[\d.]*\d", found[2]))
    yield from (f"§{number}" for number in LONE.findall(words))
    yield from (f"how it is reached {number}" for number in REACHED.findall(words))


def known(requirements: str, contract: str) -> frozenset[str]:
    """Everything that may be cited, by the two documents."""
    chapters = [chapter.replace("§", "") for chapter in CHAPTER_ROW.findall(requirements)]
    return frozenset((
        *(tag for tag, _ in ROW.findall(requirements)),
        *(f"contract §{number}" for number in PARAGRAPH.findall(contract)),
        *chapters,
        *(f"§{chapter.split()[-1]}" for chapter in chapters),
    ))  # fmt: skip


def unresolved(files: Iterable[tuple[str, str]], rows: frozenset[str]) -> list[str]:
    """What these files (name, text) cite and nobody explains, as `name:line: what`."""
    families = {family(row) for row in rows if TAG.fullmatch(row)}
    found = set()
    for name, text in files:
        if rows.issuperset(cited(f"{text} {text.replace('_', ' ')}", families)):
            continue  # all is explained, even what only looks like a tag: no need to parse it
        for line, words in citing(name, text):
            found |= {(name, line, what) for what in cited(words, families) if what not in rows}
    return [f"{name}:{line}: {what}" for name, line, what in sorted(found)]


REQUIREMENTS = (ROOT / "docs" / "requirements.md").read_text("utf-8")
PROMISED = (ROOT / "docs" / "contract.md").read_text("utf-8")
KNOWN = known(REQUIREMENTS, PROMISED)


@cache
def _files() -> tuple[tuple[str, str], ...]:
    """Every text file of the repository that a person writes, with its name."""
    places = [file for folder in FOLDERS for file in sorted((ROOT / folder).rglob("*")) if file.is_file()]
    places += [file for file in sorted(ROOT.iterdir()) if file.is_file()]
    wanted = [file for file in places if file.suffix in READ or file.name == "Makefile" or file.parent.name == ".ci"]
    return tuple((file.relative_to(ROOT).as_posix(), file.read_text("utf-8")) for file in wanted)


def test_whatever_is_cited_is_explained() -> None:
    nothing(unresolved(_files(), KNOWN), "give it a row in docs/requirements.md, or a heading in docs/contract.md")


@pytest.mark.parametrize(
    ("name", "text", "what"),
    [
        ("a.py", '"""Rings the unit (A10, A99)."""\n', "1: A99"),
        ("a.py", "x = 1\ny = 2  # late (Q24, Q77)\n", "2: Q77"),
        ("a.py", '"""The rows B18-B99."""\n', "1: B99"),
        ("a.py", "def test_nobody_is_rung_twice_FW14_G99() -> None: ...\n", "1: G99"),
        ("a.py", f'ROWS = ["FW14", "{"FW"}{99}"]\n', f"1: {'FW'}{99}"),
        ("a.py", f'"""A family nobody knows ({"FZ"}{1})."""\n', f"1: {'FZ'}{1}"),
        ("pyproject.toml", 'ignore = ["B9", "C4"]  # as B99 says\n', "1: B99"),
        ("a.md", "| T5 | 派单 |\n待签收发S9，红牌发S3\n", "2: S9"),
        ("a.toml", '# the return visit\n"V0–V9" = 1\n', "2: V9"),
        ("a.py", f"# as {'contract'} §4, §9 writes it\n", "1: contract §9"),
        ("a.py", f"# as docs/{'contract'}.md §9 writes it\n", "1: contract §9"),
        ("a.py", f"# by §9 of the {'contract'}\n", "1: contract §9"),
        ("a.py", f"# the defaults of {'readings'} §5\n", "1: readings 5"),
        ("a.md", f"see {'texts'}.md 7.3, 7.9\n", "1: texts 7.9"),
        ("a.md", f"at its hour ({'§'}6.4)\n", "1: §6.4"),
        ("a.md", 'faults, "How it is reached" 0\n', "1: how it is reached 0"),
    ],
)
def test_what_nobody_explains_is_found(name: str, text: str, what: str) -> None:
    assert unresolved([(name, text)], KNOWN) == [f"{name}:{what}"]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.py", 'ACTORS = ["A99", "V1", "T1001"]\nB99 = E99 = None\n'),  # codes and names of tests' own
        ("a.py", "x = [lambda: i for i in y]  # noqa: B023, C416, E741 - used at once\n"),
        ("pyproject.toml", 'select = ["E501", "C4"]\n'),
        (
            "a.md",
            "U01 signs JS20261108001; H101, L201, R1 and chat-A99 are people, A00045581 is a name, #FF5733 a colour.\n",
        ),
        ("a.md", "FORMAT_E164, AB12, UTF-8, 民法典 §201, SHA256, YL0002\n"),
        (
            "a.py",
            '"""The steps V0-V8, T1–T31, the rows A36–A40; 待签收发S1; contract §4, §5; readings §4; texts 7.5."""\n',
        ),
    ],
)
def test_what_only_looks_like_a_tag_is_let_be(name: str, text: str) -> None:
    assert unresolved([(name, text)], KNOWN) == []


def test_every_table_of_the_index_is_in_order_and_without_a_gap() -> None:
    for section in REQUIREMENTS.split("\n## ")[1:]:
        tags = [tag for tag, _ in ROW.findall(section)]
        assert tags == sorted(set(tags), key=parts), section.splitlines()[0]
        assert len({family(tag) for tag in tags}) <= 1, section.splitlines()[0]
    gone = [
        f"{messages}{n}" for messages, last in LAST.items() for n in range(1, last + 1) if f"{messages}{n}" not in KNOWN
    ]
    nothing(gone, "a number is never used again, so its row stays")


def test_every_meaning_is_one_short_sentence() -> None:
    long = [
        f"{tag}: {len(meaning.split())} words"
        for tag, meaning in ROW.findall(REQUIREMENTS)
        if len(meaning.split()) > 20
    ]
    nothing(long, "say it in at most 20 words")


def test_rows_that_the_code_keeps_as_data_are_explained() -> None:
    steps = [step for step in load_script("visit").steps if TAG.fullmatch(step)]
    judged = [
        node.args[0].value
        for file in sorted((ROOT / "bench").glob("*.py"))
        for node in ast.walk(ast.parse(file.read_text("utf-8")))
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "judge" and isinstance(node.args[0], ast.Constant)
    ]
    assert steps and judged
    kept = {*(row.tag for row in TRANSITIONS), *steps, *map(str, judged)}
    named = {meaning.partition(":")[0].strip("`") for _, meaning in ROW.findall(REQUIREMENTS)}
    nothing([*sorted(kept - KNOWN), *sorted(KINDS.keys() - named)], "give it a row in docs/requirements.md")


def test_the_paragraphs_of_the_contract_keep_their_numbers() -> None:
    assert PARAGRAPH.findall(PROMISED) == [str(n) for n in range(1, 9)]
