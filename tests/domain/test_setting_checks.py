"""A setting that makes no sense is refused when it is written; one stored before is read as it is."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.domain.profiles import parse_profile
from backend.domain.refusals import Refused
from backend.domain.setting_checks import LONGEST, NOT_ABOVE, SUMS, refuse_nonsense
from backend.domain.settings import Settings, SettingSpec, load_catalogue
from backend.domain.texts import Texts
from backend.office.phone_numbers import check_countries
from tests.domain.test_profiles import GOOD


def write(key: str, value: str) -> None:
    changed = Settings().with_changes({key: value})
    refuse_nonsense(key, changed.overrides[key], changed.to_dict())


@pytest.mark.parametrize(
    ("key", "value", "code"),
    [
        ("escalation.order", "", "setting_empty"), ("ticket.channels", "", "setting_empty"),
        ("calls.countries", "", "setting_empty"), ("settlement_day", "99wd", "setting_too_long"),
        ("sign.urgent.limit", "500d", "setting_too_long"), ("sign.urgent.limit", "9999m", "setting_too_long"),
        ("bulletin.peer_small", "101", "setting_above"), ("bulletin.peer_large", "29", "setting_above"),
        ("scoring.total_floor", "900", "bad_setting"),
    ],
)  # fmt: skip
def test_a_setting_that_makes_no_sense_is_refused_in_words(key: str, value: str, code: str) -> None:
    with pytest.raises(Refused) as why:
        write(key, value)
    assert why.value.code == code
    assert "{" not in Texts("zh_CN").render_refusal(code, why.value.facts)


def test_every_default_makes_sense() -> None:
    for key, row in load_catalogue().items():
        if row.default is not None:
            write(key, row.default)


def test_what_was_stored_before_is_read_as_it_is() -> None:
    assert Settings({"sign.urgent.limit": "500d"}).text("sign.urgent.limit") == "500d"
    assert set(NOT_ABOVE) | set(NOT_ABOVE.values()) <= set(load_catalogue()) and len(LONGEST) == 5


@pytest.mark.parametrize("written", ["中国", "XX", "cn", "CHN"])
def test_what_is_no_country_that_can_be_rung_is_refused(written: str) -> None:
    check_countries(["CN", "HK", "MO", "TW", "US"])
    with pytest.raises(Refused, match="unknown_country"):
        check_countries(["CN", written])


def test_no_two_settings_have_the_same_label() -> None:
    labels = [row.label for row in load_catalogue().values()]
    assert sorted({label for label in labels if labels.count(label) > 1}) == []


NUMBERS = st.decimals(0, 1, places=2)


@given(NUMBERS, NUMBERS)
@pytest.mark.parametrize(("pair", "total"), SUMS.items())
def test_settings_that_make_a_whole_are_taken_just_when_they_do_B10(
    pair: tuple[str, str], total: Decimal, one: Decimal, other: Decimal
) -> None:
    changed = Settings().with_changes({pair[0]: str(one), pair[1]: str(other)})
    for key in pair:
        if one + other == total:
            refuse_nonsense(key, changed.overrides[key], changed.to_dict())
        else:
            assert_refused("setting_sum", key, pair, changed)


@given(st.integers(1, 9), st.integers(1, 9))
@pytest.mark.parametrize(("low", "high"), NOT_ABOVE.items())
def test_of_two_settings_in_order_the_lower_one_is_never_above(low: str, high: str, one: int, other: int) -> None:
    rows = load_catalogue()
    values = {low: str(_fit(rows[low], one)), high: str(_fit(rows[high], other))}
    changed = Settings().with_changes(values)
    for key in (low, high):
        if int(values[low]) <= int(values[high]):
            refuse_nonsense(key, values[key], changed.to_dict())
        else:
            assert_refused("setting_above", key, (low, high), changed)


def _fit(row: SettingSpec, number: int) -> int:
    """A whole number the setting may be by itself."""
    low, high = row.low if row.low is not None else 0, row.high if row.high is not None else 1000
    return int(max(low, min(high, low + number)))


def assert_refused(code: str, key: str, pair: tuple[str, str], changed: Settings) -> None:
    """Refused, by the labels of both in either language's sentence, and no key."""
    with pytest.raises(Refused, match=code) as why:
        refuse_nonsense(key, changed.overrides[key], changed.to_dict())
    for language in ("zh_CN", "en"):
        sentence = Texts(language).render_refusal(code, why.value.facts)
        assert all(load_catalogue()[each].label in sentence for each in pair)
        assert "region." not in sentence and "{" not in sentence


def test_a_profile_whose_settings_contradict_each_other_is_refused_by_both() -> None:
    text = GOOD + '"region.weight_units" = "0.7"\n'
    with pytest.raises(Refused, match="profile_bad_value") as why:
        parse_profile("somewhere", text.encode())
    sentence = Texts("zh_CN").render_refusal("profile_bad_value", why.value.facts)
    assert "somewhere.toml" in sentence and "管理机构的比重" in sentence and "承办单位的比重" in sentence
    parse_profile("somewhere", (text + '"region.weight_management" = "0.3"\n').encode())
