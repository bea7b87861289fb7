"""Profiles: each file is whole and true to the catalogue, and one that is not says what is wrong with it, and where."""

from typing import Any

import pytest

from backend.domain.profiles import load_profiles, parse_profile, read_profile
from backend.domain.refusals import Refused
from backend.domain.setting_words import word_value
from backend.domain.settings import Settings, load_catalogue
from backend.domain.settings_catalogue import list_profile_ids
from backend.domain.texts import Texts, list_languages

GOOD = """
[name]
zh_CN = "某地接诉即办"
en = "Somewhere"
[basis]
zh_CN = "某地办法。"
en = "Measures of Somewhere."
[settings]
"scoring.unit_scheme" = "zhungeer-agency"
"scoring.institution_scheme" = "none"
"region.scheme" = "none"
"""


def test_every_file_is_a_profile_that_may_be_chosen_and_has_its_words_A1_A29() -> None:
    assert tuple(load_profiles()) == list_profile_ids() == load_catalogue()["profile"].items
    for name, profile in load_profiles().items():
        settings = Settings({"profile": name})
        assert settings.profile is profile and all(
            settings.get(key) == value for key, value in profile.settings.items()
        )
        for language in list_languages():
            assert word_value(Texts(language), "profile", name) == profile.name[language] != name
            assert profile.basis[language]


def test_what_a_person_sets_is_no_longer_the_profiles() -> None:
    settings = Settings({"profile": "zhungeer", "bulletin.ranking": "ranks"})
    assert settings.has_profiles("close.requires_feedback") and settings.flag("close.requires_feedback")
    assert not settings.has_profiles("bulletin.ranking") and settings.choice("bulletin.ranking") == "ranks"
    assert not settings.has_profiles("sign.general.limit")  # the general default


def test_values_may_be_written_as_toml_has_them_and_a_byte_order_mark_is_ignored() -> None:
    more = '"close.requires_cause" = true\n"extension.max" = 1\n"visit.categories" = ["help", "complaint"]\n'
    found = parse_profile("somewhere", b"\xef\xbb\xbf" + (GOOD + more).encode())
    assert [found.settings[key] for key in ("close.requires_cause", "extension.max", "visit.categories")] == [
        "true", "1", "help,complaint"
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "code", "facts"),
    [
        ("settings", "profile_malformed", {}),
        (GOOD.replace("某地办法", "\udcff"), "profile_malformed", {}),
        (GOOD + '"sign.genral.limit" = "1wd"', "profile_unknown_key", {"unknown": "sign.genral.limit"}),
        (GOOD + '"profile" = "jilin"', "profile_unknown_key", {"unknown": "profile"}),
        (GOOD + '"notify.quiet@U01" = "none"', "profile_unknown_key", {"unknown": "notify.quiet@U01"}),
        (GOOD.replace("[basis]", "[bases]"), "profile_unknown_key", {"unknown": "bases"}),
        (GOOD + '"extension.max" = "many"', "profile_bad_value", {"setting": "extension.max", "wrong": '"many"'}),
        (GOOD.replace("zhungeer-agency", "nowhere"), "profile_bad_value", {"setting": "scoring.unit_scheme"}),
        (GOOD + '"sign.general.limit" = "300wd"', "profile_bad_value", {"longest": "250wd"}),
        (GOOD + '"ticket.channels" = ""', "profile_bad_value", {"setting": "ticket.channels", "wrong": '""'}),
        (GOOD + '"bulletin.peer_small" = "900"', "profile_bad_value", {"setting": "bulletin.peer_small"}),
        (GOOD + '[settings."visit.window"]', "profile_bad_value", {"setting": "visit.window"}),
        (GOOD.replace('en = "Somewhere"', ""), "profile_incomplete", {"missing": "name.en"}),
        (GOOD.replace('"Measures of Somewhere."', '" "'), "profile_incomplete", {"missing": "basis.en"}),
        (GOOD.replace('"region.scheme" = "none"', ""), "profile_incomplete", {"missing": "region.scheme"}),
        (GOOD.partition("[settings]")[0], "profile_incomplete", {"missing": "scoring.unit_scheme"}),
    ],
)
def test_a_file_that_is_not_right_says_where_and_what_in_one_sentence(
    text: str, code: str, facts: dict[str, Any]
) -> None:
    with pytest.raises(Refused, match=code) as no:
        parse_profile("somewhere", text.encode("utf-8", "surrogateescape"))
    assert no.value.facts["file"] == "data/profiles/somewhere.toml" and no.value.facts.items() >= facts.items()
    for language in list_languages():
        said = Texts(language).render_refusal(no.value.code, no.value.facts)
        assert "data/profiles/somewhere.toml" in said and all(str(fact) in said for fact in facts.values())


def test_a_misspelt_key_is_answered_with_the_one_that_was_meant() -> None:
    with pytest.raises(Refused) as no:
        parse_profile("somewhere", (GOOD + '"sign.genral.limit" = "1wd"').encode())
    assert "是否为：sign.general.limit" in Texts("zh_CN").render_refusal(no.value.code, no.value.facts)


def test_a_profile_without_a_file_is_refused_with_those_that_there_are() -> None:
    with pytest.raises(Refused, match="unknown_profile") as no:
        read_profile("guangdong")
    said = Texts("zh_CN").render_refusal(no.value.code, no.value.facts)
    assert "guangdong" in said and all(name in said for name in list_profile_ids())
