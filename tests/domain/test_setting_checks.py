"""A setting that makes no sense is refused when it is written; one stored before is read as it is."""

import pytest

from backend.domain.refusals import Refused
from backend.domain.setting_checks import LONGEST, NOT_ABOVE, refuse_nonsense
from backend.domain.settings import Settings, load_catalogue
from backend.domain.texts import Texts
from backend.office.phone_numbers import check_countries


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
