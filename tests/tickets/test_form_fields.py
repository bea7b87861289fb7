"""Single cells become values or refusals (FF9, A40)."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.domain.refusals import Refused
from backend.importing.files import vocabulary
from backend.importing.files.messages import render_refusal
from backend.tickets import form_fields, spellings
from backend.tickets.form_fields import SHANGHAI, FileContext

CONTEXT = FileContext()
MAC_CONTEXT = FileContext(epoch=datetime(1904, 1, 1))  # noqa: DTZ001
MORNING = datetime(2020, 1, 2, 10, 5, 12, tzinfo=SHANGHAI)
INSTANTS = [
    ("2020/1/2 10:05:12", MORNING),
    ("2020-01-02 10:05:12", MORNING),
    ("2020-01-02T10:05:12", MORNING),
    ("2020-01-02T10:05:12+08:00", MORNING),
    ("2020-01-02T02:05:12Z", MORNING),
    ("2020-1-2T02:05:12+0000", MORNING),
    ("2020年1月2日 10时05分12秒", MORNING),
    ("２０２０／１／２　１０：０５：１２", MORNING),
    ("2020.1.2 上午10:05:12", MORNING),
    ("2020/1/2 10:05:12 AM", MORNING),
    ("20200102100512", MORNING),
    (43832.42027777778, MORNING.replace(second=12)),
    ("43832.42027777778", MORNING),
    ("2020-01-02 10:05", MORNING.replace(second=0)),
    ("2020/1/2", MORNING.replace(hour=0, minute=0, second=0)),
    ("2020年1月2日", MORNING.replace(hour=0, minute=0, second=0)),
    (20200102, MORNING.replace(hour=0, minute=0, second=0)),
    (datetime(2020, 1, 2, 10, 5, 12), MORNING),  # noqa: DTZ001
    ("2020/1/2 下午3:00", MORNING.replace(hour=15, minute=0, second=0)),
]
NOT_INSTANTS = [
    "2020年2月30日", "2020-02-30 10:00", "20/1/2", "1/2/20", "20-01-02", "2020-13-01", "2020-1-2 25:00", "下午", "43",
    12.5, float("nan"), float("inf"), 10**400,
    "2020-1-2 10:61", "0020-01-02 10:05:12", "9999999", True, "2020-01-02T10:05:12+99:99", "昨天",
]  # fmt: skip


@pytest.mark.parametrize(("written", "meant"), INSTANTS)
def test_an_instant_is_read_in_every_usual_spelling_FF9(written: Any, meant: datetime) -> None:
    assert form_fields.parse_instant(written, CONTEXT) == meant


@pytest.mark.parametrize("written", NOT_INSTANTS)
def test_a_day_that_does_not_exist_is_refused_FF9(written: Any) -> None:
    """2月30日, two-digit years."""
    with pytest.raises(Refused) as refusal:
        form_fields.parse_instant(written, CONTEXT)
    assert refusal.value.code == "bad_date"


def test_spreadsheet_dates_from_1904_are_read_as_such_FF9() -> None:
    assert form_fields.parse_instant(43832.5 - 1462, MAC_CONTEXT) == form_fields.parse_instant(43832.5, CONTEXT)


@given(st.datetimes(datetime(1960, 1, 1), datetime(2090, 1, 1)))  # noqa: DTZ001
def test_every_spelling_of_an_instant_means_the_same(naive: datetime) -> None:
    naive = naive.replace(microsecond=0)
    meant = naive.replace(tzinfo=SHANGHAI)
    serial = (naive - datetime(1899, 12, 30)) / timedelta(days=1)  # noqa: DTZ001
    for written in (
        naive.isoformat(),
        f"{naive:%Y/%m/%d %H:%M:%S}",
        f"{naive:%Y年%m月%d日%H时%M分%S秒}",
        serial,
    ):
        assert form_fields.parse_instant(written, CONTEXT) == meant


@given(st.one_of(st.text(max_size=40), st.floats(), st.integers(), st.booleans()))
def test_any_cell_is_read_or_refused_by_a_parser_of_fields(value: Any) -> None:
    for parse in (
        form_fields.parse_instant, form_fields.parse_day, form_fields.parse_month, form_fields.parse_phone,
        form_fields.parse_yes_no, form_fields.parse_code, form_fields.parse_key_subject, form_fields.text_parser(10),
        form_fields.integer_parser(0, 9), form_fields.decimal_parser("0", "9"),
        form_fields.enum_parser(spellings.CATEGORY),
    ):  # fmt: skip
        try:
            parse(value, CONTEXT)
        except Refused as refusal:
            assert render_refusal(refusal)


@pytest.mark.parametrize(
    ("written", "meant"),
    [("是", True), ("否", False), ("YES", True), ("0", False), (1, True), (False, False)],
)
def test_yes_and_no_are_read_in_both_languages(written: Any, meant: bool) -> None:
    assert form_fields.parse_yes_no(written, CONTEXT) is meant


@pytest.mark.parametrize(
    ("written", "meant"),
    [("2026-10", "2026-10"), ("2026年1月", "2026-01"), (202610, "2026-10"), ("2026/10/01", "2026-10")],
)
def test_a_month_is_read(written: Any, meant: str) -> None:
    assert form_fields.parse_month(written, CONTEXT) == meant


def test_stored_words_are_read_in_chinese_and_english() -> None:
    assert form_fields.enum_parser(spellings.CATEGORY)(" 投诉 ", CONTEXT) == "complaint"
    assert form_fields.enum_parser(vocabulary.ROLE)("经办人员", CONTEXT) == "handler"
    assert form_fields.enum_parser(vocabulary.UNIT_KIND)("承办单位", CONTEXT) == "handling"
    with pytest.raises(Refused) as refusal:
        form_fields.enum_parser(spellings.GRADE)("很急", CONTEXT)
    assert refusal.value.facts["allowed"] == "一般、紧急"


def test_text_is_kept_whole_and_spoiled_text_is_refused_FF2() -> None:
    """65 000 characters are kept, one more is refused; NUL, lone surrogates and U+FFFD are refused."""
    assert len(form_fields.text_parser(65_000, multiline=True)("字" * 65_000, CONTEXT)) == 65_000
    assert form_fields.text_parser(20)("e\u0301\u202e\u200b 甲\n乙", CONTEXT) == "é 甲 乙"
    for spoiled, code in (
        ("字" * 65_001, "too_long"),
        ("a\0b", "bad_character"),
        ("\ud800", "bad_character"),
        ("\ufffd", "bad_character"),
    ):
        with pytest.raises(Refused) as refusal:
            form_fields.text_parser(65_000)(spoiled, CONTEXT)
        assert refusal.value.code == code


def test_the_key_name_stands_between_the_second_and_third_at_A40() -> None:
    assert form_fields.extract_key_name("011@2201@朝阳代办处张三@00000001") == "朝阳代办处张三"
    assert form_fields.extract_key_name("a＠b＠王五＠d@e") == "王五"
    for wrong in ("a@b@c", "张三", "a@b@ @c"):
        with pytest.raises(Refused, match="bad_key_subject"):
            form_fields.extract_key_name(wrong)
