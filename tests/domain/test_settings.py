"""Settings: every default is itself allowed, unit over office over profile over default, and mistakes are refused."""

from decimal import Decimal

import pytest

from backend.domain.limits import Limit
from backend.domain.refusals import Refused
from backend.domain.scoring import readings
from backend.domain.scoring.scheme_file import list_scheme_settings
from backend.domain.settings import Settings, ValueKind, load_catalogue, parse_value

DEFAULTS = {
    "profile": "jilin", "system_of_record": "self", "office_hours": "08:30-11:30,13:30-17:00",
    "sign.general.limit": "1wd", "return.general.limit": "1wd", "sign.urgent.limit": "2h", "return.urgent.limit": "2h",
    "workday.mode": "next_workday_close", "urgent.pause_off_hours": "false",
    "dispatch.general.limit": "12h", "dispatch.urgent.limit": "2h",
    "contact.general.limit": "1wd", "contact.urgent.limit": "2h", "reply.limit": "close",
    "close.limit.consult": "2wd", "close.limit.help": "5wd", "close.limit.complaint": "5wd",
    "close.limit.report": "10wd", "close.limit.suggestion": "10wd", "close.limit.praise": "2wd",
    "close.limit.urgent": "24h", "card.yellow_lead": "1wd", "card.red_at": "due",
    "extension.max": "2", "extension.max_length": "7wd", "extension.request_before_due": "true",
    "return.requires_statement": "true", "return.requires_signature": "true", "return.arbitrate_after": "2",
    "review.general.limit": "4wh", "review.urgent.limit": "30m", "notify.phone.on_dispatch": "urgent_or_unopened",
    "notify.phone.unopened_after": "4wh", "notify.phone.attempts": "3", "notify.phone.gap.general": "10m",
    "notify.phone.gap.urgent": "5m", "notify.quiet": "20:00-08:00", "phone_sign.enabled": "true",
    "remind.max_per_obligation": "3", "remind.merge_over": "5", "visit.window": "09:00-12:00,14:00-20:00",
    "visit.start_after_close": "4h", "visit.finish_within": "5wd", "visit.auto.attempts": "2",
    "visit.manual.attempts": "3", "visit.manual.min_days": "2", "visit.manual.sample": "0.1",
    "visit.cap_per_person": "1/7d", "visit.categories": "consult,help,complaint",
    "scoring.slope_mode": "proportional", "scoring.sign.slope_mode": "proportional", "scoring.zero_denominator": "full",
    "scoring.small_sample_min": "10", "scoring.tolerance_count": "0", "scoring.connect.cap": "15",
    "scoring.total_floor": "0", "scoring.total_max": "none", "scoring.rounding": "half_up_2",
    "scoring.rounding_stage": "published", "scoring.closure_basis": "closed", "scoring.return_basis": "accepted",
    "scoring.unreasonable_mode": "keep_in_denominator", "scoring.second_visit_unreached": "satisfied",
    "scoring.task_cap": "3", "region.weight_management": "0.4", "region.weight_units": "0.6",
    "region.aggregation": "mean", "period.quarter": "mean_of_scored_months", "period.year": "mean_of_scored_months",
    "settlement_day": "5wd", "check_period": "3wd", "appeal_window": "3wd", "unreasonable_window": "3wd",
    "privacy.chat": "masked", "privacy.phone_mask": "138****1234", "recording.keep": "180d",
}  # fmt: skip


@pytest.mark.parametrize(("key", "value"), DEFAULTS.items())
def test_the_default_is_the_decided_one(key: str, value: str) -> None:
    assert Settings().get(key) == value


def test_every_default_is_allowed_and_every_key_is_labelled() -> None:
    for key, value in Settings().to_dict().items():
        assert parse_value(key, value) == value
        assert load_catalogue()[key].label
        assert load_catalogue()[key].allowed


def test_six_posts_and_four_rules_are_required() -> None:
    assert len(Settings().strings("scoring.required_posts")) == 6
    assert len(Settings().strings("scoring.required_rules")) == 4


@pytest.mark.parametrize(
    ("key", "value", "normal"),
    [
        ("sign.general.limit", " 8WH ", "8wh"),
        ("reply.limit", "close", "close"),
        ("reply.limit", "3wd", "3wd"),
        ("phone_sign.enabled", False, "false"),
        ("phone_sign.enabled", "Yes", "true"),
        ("extension.max", 1, "1"),
        ("visit.manual.sample", "0.250", "0.25"),
        ("scoring.total_max", "none", "none"),
        ("scoring.total_max", "100", "100"),
        ("visit.categories", ["help", "complaint", "help"], "help,complaint"),
        ("visit.categories", "help，complaint", "help,complaint"),
        ("visit.categories", "", ""),
        ("office_hours", "05-01..09-30=09:00-18:00; *=08:30-17:00", "05-01..09-30=09:00-18:00;*=08:30-17:00"),
        ("office_hours@U01", "09:00-17:00", "09:00-17:00"),
        ("notify.quiet", "none", "none"),
        ("visit.cap_per_person", "02/7d", "2/7d"),
        ("privacy.phone_mask", "***********", "***********"),
    ],
)
def test_values_are_normalised(key: str, value: object, normal: str) -> None:
    assert parse_value(key, value) == normal


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("profile", "guangdong"),
        ("sign.general.limit", "soon"),
        ("sign.general.limit", "close"),
        ("notify.phone.gap.urgent", "1wd"),
        ("settlement_day", "5h"),
        ("recording.keep", "6wd"),
        ("phone_sign.enabled", "maybe"),
        ("extension.max", "-1"),
        ("extension.max", "two"),
        ("extension.max", "10"),
        ("extension.max", "٣"),
        ("visit.manual.sample", "1.5"),
        ("visit.manual.sample", "NaN"),
        ("visit.categories", "help,gossip"),
        ("office_hours", "20:00-08:00"),
        ("notify.quiet", "00:00-24:00"),
        ("visit.cap_per_person", "1/7wd"),
        ("visit.cap_per_person", "1/0d"),
        ("privacy.phone_mask", "13800001234"),
        ("workday.mode", ""),
    ],
)
def test_a_value_that_is_not_allowed_is_refused_with_the_allowed_ones(key: str, value: str) -> None:
    with pytest.raises(Refused) as no:
        parse_value(key, value)
    assert no.value.code == "bad_setting"
    assert no.value.facts["key"] == key
    assert no.value.facts["allowed"] == load_catalogue()[key].allowed


def test_an_unknown_key_is_refused_with_similar_keys() -> None:
    with pytest.raises(Refused) as no:
        Settings().with_changes({"sign.genral.limit": "1wd"})
    assert no.value.code == "unknown_setting"
    assert "sign.general.limit" in no.value.facts["near"]
    for ask in (
        lambda: Settings().get("nonsense"),
        lambda: parse_value("nonsense@U01", "1"),
        lambda: parse_value("notify.quiet@", "none"),
    ):
        with pytest.raises(Refused, match="unknown_setting"):
            ask()


def test_only_marked_keys_may_differ_by_unit() -> None:
    with pytest.raises(Refused, match="not_per_unit"):
        parse_value("sign.general.limit@U01", "2wd")
    assert {key for key, row in load_catalogue().items() if row.per_unit} == {
        "office_hours",
        "notify.quiet",
        "escalation.order",
        "chat.prefer",
    }


def test_a_set_value_wins_over_the_profile_and_the_profile_over_the_default() -> None:
    beijing = Settings({"profile": "beijing_mutual_aid"})
    assert beijing.choice("notify.phone.on_dispatch") == "always"
    assert len(beijing.strings("visit.categories")) == 6
    assert beijing.with_changes({"notify.phone.on_dispatch": "never"}).choice("notify.phone.on_dispatch") == "never"
    assert beijing.with_changes({"profile": None}).choice("notify.phone.on_dispatch") == "urgent_or_unopened"


def test_the_value_of_a_unit_wins_for_that_unit() -> None:
    own = Settings({"notify.quiet": "21:00-07:00", "notify.quiet@U01": "none"})
    assert (own.get("notify.quiet", "U01"), own.get("notify.quiet", "U02")) == ("none", "21:00-07:00")
    assert own.to_dict()["notify.quiet@U01"] == "none"


def test_an_item_follows_the_common_slope_until_it_has_its_own() -> None:
    common = Settings({"scoring.slope_mode": "step_floor"})
    assert common.choice("scoring.extension.slope_mode") == "step_floor"
    own = common.with_changes({"scoring.extension.slope_mode": "proportional"})
    assert own.choice("scoring.extension.slope_mode") == "proportional"
    assert own.choice("scoring.sign.slope_mode") == "step_floor"


def test_every_setting_of_scoring_can_be_set_and_has_the_same_default() -> None:
    settings = Settings()
    for key, default in (dict(readings.DEFAULTS) | list_scheme_settings()).items():
        assert settings.get(key) == default, key
    for key, choices in readings.CHOICES.items():
        assert load_catalogue()[key].items == choices, key


def test_changed_settings_leave_the_old_object_as_it_was() -> None:
    old = Settings()
    new = old.with_changes({"extension.max": 1})
    assert (old.integer("extension.max"), new.integer("extension.max")) == (2, 1)
    assert new.with_changes({"extension.max": None}).overrides == {}


def test_each_kind_of_value_has_a_typed_reader() -> None:
    settings = Settings()
    assert settings.limit("sign.general.limit") == Limit.parse("1wd")
    assert settings.limit_or_none("reply.limit") is None
    assert settings.flag("phone_sign.enabled") is True
    assert settings.decimal("visit.manual.sample") == Decimal("0.1")
    assert settings.rate("visit.cap_per_person") == (1, Limit.parse("7d"))
    assert settings.periods("notify.quiet").text == "20:00-08:00"
    assert settings.text("privacy.phone_mask") == "138****1234"
    assert {row.kind for row in load_catalogue().values()} == set(ValueKind)
