"""Each refusal code has a sentence in every language."""

import ast
import re
import tomllib
from collections.abc import Iterator
from functools import cache

import pytest

from backend.domain.refusals import HTTP_STATUS
from backend.domain.texts import Texts, list_languages
from backend.domain.verb_fields import FIELDS
from tests.house.source import ROOT, Source, nothing, sources

CODE = re.compile(r"[a-z][a-z_0-9]+")
#: Tables whose codes are raised through a variable.
TABLES_OF_CODES = {
    "backend/domain/verb_fields.py": {
        field.missing_code for fields in FIELDS.values() for field in fields if field.missing_code
    },
    "backend/domain/refusals.py": set(HTTP_STATUS),
}


def find_strings(expression: ast.expr) -> Iterator[str]:
    """Yield the strings an expression may come to: itself, or either side of a choice."""
    match expression:
        case ast.Constant(value=str(text)):
            yield text
        case ast.IfExp(body=one, orelse=other):
            yield from (*find_strings(one), *find_strings(other))
        case ast.BoolOp(values=values):
            for value in values:
                yield from find_strings(value)


def find_raised(code: Source) -> Iterator[tuple[str, str]]:
    """Yield each refusal code that a file makes a `Refused` of, by whatever name it imported it, and where."""
    origins = code.origin_of
    for node, _ in code.nodes:
        if (
            isinstance(node, ast.Call)
            and origins.get(id(node.func), ast.unparse(node.func)).split(".")[-1] == "Refused"
        ):
            first = [*node.args[:1], *(keyword.value for keyword in node.keywords if keyword.arg == "code")]
            yield from ((refusal, f"{code.name}:{node.lineno}") for one in first for refusal in find_strings(one))


@cache
def find_codes() -> frozenset[tuple[str, str]]:
    """Return each refusal code raised anywhere, and where."""
    found = {(code, name) for name, codes in TABLES_OF_CODES.items() for code in codes}
    return frozenset(found.union(*map(find_raised, sources("backend", "bot", "notify", "storage"))))


@pytest.mark.parametrize(
    "text",
    [
        "raise Refused('plant')\n",
        "raise refusals.Refused('a' if x else 'plant', why=1)\n",
        "from backend.domain.refusals import Refused as R\nx = R('plant')\n",
        "raise Refused(code=x or 'plant')\n",
    ],
)
def test_a_code_that_is_raised_is_found(text: str) -> None:
    assert "plant" in dict(find_raised(Source("bot/plant.py", text)))


@pytest.mark.parametrize("language", list_languages())
def test_every_refusal_has_a_sentence(language: str) -> None:
    texts = Texts(language)
    missing = sorted(f"{code} ({at})" for code, at in find_codes() if not texts.has(f"refusal.{code}"))
    nothing(missing, f"add them to [refusal] in backend/data/texts/{language}.toml")


@pytest.mark.parametrize("language", list_languages())
def test_every_refusal_reads_well_without_any_fact(language: str) -> None:
    texts = Texts(language)
    catalogue = tomllib.loads((ROOT / "backend" / "data" / "texts" / f"{language}.toml").read_text("utf-8"))
    for code in catalogue["refusal"]:
        sentence = texts.render_refusal(code, {})
        assert sentence.strip(), code
        assert not set(sentence) & set("{}[]"), code


def test_every_refusal_code_is_one_lower_case_word() -> None:
    nothing((f"{code} ({at})" for code, at in find_codes() if not CODE.fullmatch(code)), "not a code")
