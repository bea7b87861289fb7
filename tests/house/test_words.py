"""Refusals are answers: each code has its sentence in every language; each setting is asked for somewhere."""

import ast
import re
import tomllib
from collections.abc import Iterator
from functools import cache

import pytest

from backend.domain.refusals import HTTP_STATUS
from backend.domain.settings import load_catalogue
from backend.domain.texts import Texts, list_languages
from backend.domain.verb_fields import FIELDS
from tests.house.source import ROOT, modules, name_of, nothing, tree, where

CODE = re.compile(r"[a-z][a-z_0-9]+")
#: These call a helper that makes the refusal; the codes stand in their tables.
TABLES_OF_CODES = {
    "backend/domain/verb_fields.py": {
        field.missing_code for fields in FIELDS.values() for field in fields if field.missing_code
    },
    "backend/domain/refusals.py": set(HTTP_STATUS),
}


def _constants(said: ast.expr) -> Iterator[str]:
    """The words an expression may come to: itself, or either side of a choice."""
    match said:
        case ast.Constant(value=str(word)):
            yield word
        case ast.IfExp(body=one, orelse=other):
            yield from (*_constants(one), *_constants(other))
        case ast.BoolOp(values=values):
            for value in values:
                yield from _constants(value)


def _codes() -> Iterator[tuple[str, str]]:
    """Each refusal code raised anywhere, and where."""
    for file in modules("backend", "bot", "notify", "storage"):
        for node in ast.walk(tree(file)):
            if not (isinstance(node, ast.Call) and ast.unparse(node.func).split(".")[-1] == "Refused"):
                continue
            for code in _constants(node.args[0]) if node.args else ():
                yield code, where(file, node)
    for name, codes in TABLES_OF_CODES.items():
        yield from ((code, name) for code in codes)


@pytest.mark.parametrize("language", list_languages())
def test_every_refusal_has_a_sentence(language: str) -> None:
    words = Texts(language)
    silent = sorted(f"{code} ({at})" for code, at in set(_codes()) if not words.has(f"refusal.{code}"))
    nothing(silent, f"add them to [refusal] in backend/data/texts/{language}.toml")


@pytest.mark.parametrize("language", list_languages())
def test_every_refusal_can_be_said_without_any_fact(language: str) -> None:
    words = Texts(language)
    book = tomllib.loads((ROOT / "backend" / "data" / "texts" / f"{language}.toml").read_text("utf-8"))
    for code in book["refusal"]:
        said = words.render_refusal(code, {})
        assert said.strip(), code
        assert not set(said) & set("{}[]"), code


@cache
def _asked() -> tuple[frozenset[str], tuple[re.Pattern[str], ...]]:
    """Every dotted word in the code and in the data, and every pattern of one."""
    words: set[str] = set()
    patterns: set[str] = set()
    for file in modules("backend", "bot"):
        if name_of(file) == "backend/domain/settings_catalogue.py":
            continue
        for node in ast.walk(tree(file)):
            if isinstance(node, ast.JoinedStr):
                parts = [p.value if isinstance(p, ast.Constant) else None for p in node.values]
                patterns.add("".join("[^ ]+" if p is None else re.escape(str(p)) for p in parts))
            elif isinstance(node, ast.Constant) and isinstance(node.value, str) and " " not in node.value:
                words.add(node.value)
                if "{" in node.value:
                    patterns.add(re.sub(r"\\{[a-z_]*\\}", "[^ ]+", re.escape(node.value)))
    for data in (ROOT / "backend" / "data").rglob("*.toml"):
        if data.name != "settings.toml":
            words |= set(re.findall(r"[a-z_]+(?:\.[a-z_]+)+", data.read_text("utf-8")))
    telling = [p for p in patterns if len(re.sub(r"\[\^ \]\+|[^a-z]", "", p)) > 3 and "." in p]
    return frozenset(words), tuple(re.compile(p) for p in telling)


def test_every_setting_is_asked_for_somewhere() -> None:
    words, patterns = _asked()
    idle = [key for key in load_catalogue() if key not in words and not any(p.fullmatch(key) for p in patterns)]
    nothing(idle, "a setting that nobody reads promises what is not done")


def test_no_word_of_a_refusal_is_hidden_in_a_long_code() -> None:
    assert [code for code, _ in _codes() if not CODE.fullmatch(code)] == []
