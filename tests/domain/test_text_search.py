"""Search sees what the reader sees: hidden words never change what is found, shown words always do."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.domain.showing import show_text
from backend.domain.text_search import TextSearch

NUMBERS = st.from_regex(r"1[3-9][0-9]{9}", fullmatch=True)
HIDDEN = st.one_of(
    NUMBERS,
    NUMBERS.map(lambda n: f"{n[:3]}-{n[3:7]} {n[7:]}"),
    NUMBERS.map(lambda n: "".join(chr(ord(d) + 0xFEE0) for d in n)),
    st.from_regex(r"[1-9][0-9]{16}[0-9X]", fullmatch=True),
    st.from_regex(r"62[0-9]{14,17}", fullmatch=True),
    st.from_regex(r"0431-8[0-9]{7}", fullmatch=True),
    st.sampled_from(("张小三", "欧阳明明", "幸福小区3号楼2单元501室", "zhang.san@example.com")),
)
WORDS = st.text("路灯不亮电话我叫住请修abAB12 ，。", max_size=12)


@given(before=WORDS, hidden=HIDDEN, after=WORDS, data=st.data())
def test_no_part_of_a_masked_span_changes_the_result_XS1(
    before: str, hidden: str, after: str, data: st.DataObject
) -> None:
    names = hidden if hidden in ("张小三", "欧阳明明") else None
    text = f"{before}，电话{hidden}，{after}"
    shown = show_text(text, names)
    start = data.draw(st.integers(0, len(hidden) - 1))
    sought = hidden[start : data.draw(st.integers(start + 1, len(hidden)))]
    search = TextSearch(sought)
    assert search.matches("", "", text, names) is (sought.casefold() in shown.casefold())


@given(before=WORDS, hidden=HIDDEN, after=WORDS, data=st.data())
def test_whatever_is_shown_is_found_and_never_skipped_XS1(
    before: str, hidden: str, after: str, data: st.DataObject
) -> None:
    text = f"{before}，电话{hidden}，{after}"
    shown = show_text(text, None)
    start = data.draw(st.integers(0, len(shown) - 1))
    search = TextSearch(shown[start : data.draw(st.integers(start + 1, len(shown)))])
    assert search.matches("", "", text, None)
    assert search.may_match("", "", text)
    assert all(run.casefold() in text.casefold() for run in search.letters)


@pytest.mark.parametrize("words", ["****", "*", "，", "%_"])
def test_signs_alone_are_not_selective_XS1(words: str) -> None:
    assert not TextSearch(words).is_selective and TextSearch("a").is_selective
