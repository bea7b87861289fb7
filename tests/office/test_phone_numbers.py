"""Phone numbers as people write them (FF8, FW31)."""

import pytest

from backend.domain.refusals import Refused
from backend.office.phone_numbers import find_short_code, normalise_phone

GOOD = [
    ("13800001234", "+8613800001234", None),
    ("１３８００００１２３４", "+8613800001234", None),
    ("+86 138-0000-1234", "+8613800001234", None),
    ("0086 138 0000 1234", "+8613800001234", None),
    ("8613800001234", "+8613800001234", None),
    (13800001234.0, "+8613800001234", None),
    (13800001234, "+8613800001234", None),
    ("13800001234.0", "+8613800001234", None),
    ("1.3800001234E+10", "+8613800001234", None),
    ("'13800001234", "+8613800001234", None),
    ("010-12345678", "+861012345678", None),
    ("1012345678", "+861012345678", None),
    ("43188765432", "+8643188765432", None),
    ("(0431)88765432", "+8643188765432", None),
    ("0431-88765432转801", "+8643188765432", "801"),
    ("0431-88765432-801", "+8643188765432", "801"),
    ("0431-88765432 ext. 801", "+8643188765432", "801"),
]
BAD = [
    ("1.38E+10", "lost_digits"),
    ("138000012345", "invalid"),
    ("1380000123", "invalid"),
    ("12345678901", "invalid"),
    ("87654321", "invalid"),
    ("12345", "short_code"),
    ("110", "short_code"),
    ("13800001234/13900001234", "several"),
    ("无", "letters"),
    ("138****1234", "letters"),
    ("", "empty"),
    (True, "empty"),
    ("+1 202 555 0123", "country"),
    (0.5, "lost_digits"),
]


@pytest.mark.parametrize(("raw", "e164", "extension"), GOOD)
def test_a_number_is_read_as_people_write_it_FF8(raw: object, e164: str, extension: str | None) -> None:
    number = normalise_phone(raw)
    assert (number.e164, number.extension) == (e164, extension)


@pytest.mark.parametrize(("raw", "reason"), BAD)
def test_a_number_nobody_can_be_called_on_is_refused_FF8_FW31(raw: object, reason: str) -> None:
    with pytest.raises(Refused) as refusal:
        normalise_phone(raw)
    assert (refusal.value.code, refusal.value.facts["reason"]) == ("bad_phone", reason)


def test_a_foreign_number_needs_its_country_on_the_list_and_a_premium_number_never_passes_FW31() -> None:
    assert normalise_phone("+1 202 555 0123", countries=("CN", "US")).e164 == "+12025550123"
    with pytest.raises(Refused) as refusal:
        normalise_phone("+1 900 234 5678", countries=("CN", "US"))
    assert refusal.value.facts["reason"] == "premium"


def test_a_short_code_is_told_from_a_number() -> None:
    assert find_short_code("12345") == "12345"
    assert find_short_code("13800001234") is None
