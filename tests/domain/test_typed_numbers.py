"""A ticket's number is read however it is typed: case, width, and marks that nobody sees."""

from hypothesis import given
from hypothesis import strategies as st

from backend.domain.reply_parser import parse_reply, parse_sole_number, split_number
from backend.domain.typed_numbers import list_spellings, narrow, split_word

NUMBERS = st.from_regex(r"[A-Z]{1,4}[0-9]{2,12}(-[0-9]{1,3})?", fullmatch=True)
MARKS = ("", "\u200b", "\u202d", "\u200e", "\u2066", "\ufeff")


def widen(text: str) -> str:
    """Write a text as an input method in full width does."""
    return "".join(chr(ord(sign) + 0xFEE0) if "!" <= sign <= "~" else sign for sign in text)


@st.composite
def type_numbers(draw: st.DrawFn) -> tuple[str, str]:
    """A number, and how somebody types it."""
    number = draw(NUMBERS)
    typed = draw(st.sampled_from([str, str.lower, widen, lambda text: widen(text.lower())]))(number)
    return number, "".join(draw(st.sampled_from(MARKS)) + sign for sign in typed) + draw(st.sampled_from(MARKS))


@given(type_numbers())
def test_a_number_is_meant_however_it_is_typed(example: tuple[str, str]) -> None:
    number, typed = example
    assert number in list_spellings(typed)
    alone = parse_sole_number(typed)
    assert alone is not None and number in list_spellings(alone)
    before, after = split_number(f"{typed} 进展 已派人（２名）"), split_number(f"进展 {typed} 已派人（２名）")
    for found in (before, after):
        assert found is not None and number in list_spellings(found[0])
        said = parse_reply(found[1])
        assert said is not None and said.text == "已派人（２名）", "what was said stays as it was written"


@given(st.text(max_size=20))
def test_a_number_as_it_is_written_is_meant_first(written: str) -> None:
    assert list_spellings(written)[0] == written and len(narrow(written)) == len(written)


def test_any_blank_parts_two_words() -> None:
    assert [split_word(text) for text in ("T1\u3000超期", " T1  超期 ", "T1", "")] == [
        ("T1", "超期"), ("T1", "超期"), ("T1", ""), ("", "")]  # fmt: skip
