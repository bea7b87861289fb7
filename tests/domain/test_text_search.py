"""What a search reads is what the least reader is shown: no hidden span stands in a stored masked text."""

from hypothesis import given
from hypothesis import strategies as st

from backend.domain.masked_texts import COLUMNS, MASK_RULES, build_masked_texts, get_mask_version
from backend.domain.masking import PHONE_MASK
from backend.domain.showing import show_place, show_text
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
#: Spans of every kind, and how MASK_RULES 1 shows them.
SHOWN_BY_RULES_1 = {
    "电话13912345678": "电话139****5678", "电话１３９-1234 5678": "电话139****5678", "身份证22010219900307851X": "身份证********",
    "卡号6222021234567890123": "卡号****0123", "座机0431-81234567": "座机0431****4567", "QQ 12345678": "QQ ****5678",
    "我叫张小三，住幸福小区3号楼2单元501室": "我叫张**，住幸福小区3号楼2单元*室", "邮箱zhang.san@example.com": "邮箱***@example.com",
}  # fmt: skip


@given(before=WORDS, hidden=HIDDEN, after=WORDS)
def test_the_stored_masked_texts_are_what_the_least_reader_is_shown_XS1(before: str, hidden: str, after: str) -> None:
    name = hidden if hidden in ("张小三", "欧阳明明") else None
    text = f"{before}，电话{hidden}，{after}"
    stored = build_masked_texts({"title": text[:20], "place": text, "text": text}, name, PHONE_MASK)
    shown = (show_text(text[:20], name), show_place(text, name), show_text(text, name), get_mask_version(PHONE_MASK))
    assert tuple(stored) == COLUMNS and tuple(stored.values()) == shown
    assert hidden not in stored["masked_text"] and hidden not in stored["masked_place"]


def test_masked_texts_name_the_rules_and_the_setting_they_were_made_by() -> None:
    assert TextSearch("x", "139***").mask_version == f"{MASK_RULES}:139***" != TextSearch("x").mask_version


def test_whoever_changes_what_is_masked_raises_the_version_of_the_rules() -> None:
    assert (MASK_RULES, {span: show_text(span, "张小三") for span in SHOWN_BY_RULES_1}) == (1, SHOWN_BY_RULES_1)
