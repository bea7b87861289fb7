"""Each refusal code has a sentence in every language."""

import ast
import re
import tomllib
from collections import defaultdict
from collections.abc import Iterator
from functools import cache

import pytest

from backend.domain.refusals import HTTP_STATUS
from backend.domain.texts import Texts, find_placeholders, list_languages
from backend.domain.verb_fields import FIELDS
from tests.house.source import ROOT, Source, nothing, sources

CODE = re.compile(r"[a-z][a-z_0-9]+")
#: Files whose refusals a person in a chat may get.
CHAT_FILES = (
    "bot/", "backend/domain/moves/", "backend/domain/calendar.py", "backend/domain/decision.py", "backend/domain/offered_verbs.py",
    "backend/domain/verb_fields.py", "backend/calls/bridge.py", "backend/calls/queue.py", "backend/tickets/files.py",
    "backend/office/people.py", "backend/scoring/contests.py", "backend/reporting/service.py", "backend/reporting/typesetting.py",
)  # fmt: skip
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


def find_facts(code: Source) -> Iterator[tuple[str, str | None]]:
    """Yield each code a file makes a `Refused` of with each fact it gives; None for facts that only running it tells."""
    for node, _ in code.nodes:
        if isinstance(node, ast.Call) and ast.unparse(node.func).split(".")[-1] == "Refused" and node.args:
            for refusal in find_strings(node.args[0]):
                yield from ((refusal, keyword.arg) for keyword in node.keywords)


@pytest.mark.parametrize("language", list_languages())
def test_a_sentence_asks_for_no_fact_that_nobody_gives(language: str) -> None:
    texts, given = Texts(language), defaultdict[str, set[str | None]](set)
    for source in sources("backend", "bot", "notify", "storage"):
        for refusal, fact in find_facts(source):
            given[refusal].add(fact)
    wrong = (
        f"{section}.{refusal}: {name}"
        for refusal, facts in given.items()
        for section in ("refusal", "chat_refusal")
        if None not in facts and texts.has(f"{section}.{refusal}")
        for name in find_placeholders(texts.get_template(f"{section}.{refusal}")) - facts
    )
    nothing(wrong, "such a piece is always left out: give the fact, or mend its name")


@pytest.mark.parametrize("language", list_languages())
def test_what_is_not_found_is_named_by_a_sentence_of_its_own(language: str) -> None:
    texts = Texts(language)
    given = {
        fact
        for source in sources("backend", "bot")
        for code, fact in find_facts(source)
        if code == "not_found" and fact
    } - {"id", "field"}  # an id that is no number, of whatever it is; a column beside its ticket
    nothing([fact for fact in sorted(given) if not texts.has(f"not_found.{fact}")], "add its sentence to [not_found]")
    sentences = {texts.render_refusal("not_found", {fact: "1"}) for fact in given} | {
        texts.render_refusal("not_found", {})
    }
    assert len(sentences) == len(given)  # an assignment is its ticket


def test_a_misspelt_fact_is_found() -> None:
    text = "raise Refused('plant', until=1)\nraise Refused('other', **facts)\n"
    assert set(find_facts(Source("bot/plant.py", text))) == {("plant", "until"), ("other", None)}


#: Words that speak to whoever sets the system up; nobody in a chat does.
OF_ADMINISTRATORS = (
    "JIESU_",
    "jiesu ",
    "pip install",
    "请导入",
    "请先导入",
    "工作日历",
    "设置中",
    "设置值",
    "由管理员恢复",
)


@pytest.mark.parametrize("code", sorted({code for code, at in find_codes() if at.startswith(CHAT_FILES)}))
def test_nobody_in_a_chat_is_told_what_an_administrator_should_do(code: str) -> None:
    sentence = Texts("zh_CN").render_refusal(code, {}, first="chat_refusal")
    assert not any(word in sentence for word in OF_ADMINISTRATORS), f"{code} needs a sentence under [chat_refusal]"


def test_every_refusal_code_is_one_lower_case_word() -> None:
    nothing((f"{code} ({at})" for code, at in find_codes() if not CODE.fullmatch(code)), "not a code")
