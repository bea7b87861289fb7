"""Features of demands, how similar two are, which form a group; which unit is suggested and why (A6, A18)."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.domain.hot_list import Mention, find_common_regions, rank_hot_topics
from backend.domain.similarity import (
    Lexicon,
    TicketFeatures,
    build_index_keys,
    compute_overlap,
    compute_similarity,
    extract_features,
    find_clusters,
    find_shared_terms,
    is_elsewhere,
    join_codes,
)
from backend.domain.suggestions import CatalogueEntry, Demand, Precedent, score_entry, suggest

LEXICON = Lexicon(
    frozenset({"请问", "反映"}),
    {"city": ("市",), "county": ("区", "县")},
    frozenset({"小区", "开发区"}),
    ("花园", "路"),
)


def weight(word: str) -> float:
    """Return how rare a word is; a word not listed is a name."""
    return {"路灯": 11.0, "不亮": 10.0, "维修": 8.0, "的": 3.0}.get(word, 14.0)


def about(title: str, text: str = "", region: str = "") -> TicketFeatures:
    """Return the features of words written with spaces."""
    return extract_features(title.split(), text.split(), (), region, weight, LEXICON)


def test_courtesy_numbers_and_common_words_are_left_out_and_the_title_counts_double() -> None:
    found = about("翠竹花园 路灯 不亮", "请问 的 路灯 123 维修 维修")
    assert set(found.terms) == {"翠竹花园", "路灯", "不亮", "维修"}
    assert next(iter(found.terms)) == "翠竹花园" and found.rare == {"翠竹花园"}
    assert found.terms["路灯"] > found.terms["维修"]


def test_a_coded_region_is_one_word_and_names_its_city_too() -> None:
    assert join_codes(["A3", "区", "路灯"], LEXICON) == ["A3区", "路灯"]
    assert about("A3 区 路灯").regions == {"county:A3区", "code:A"}
    assert about("开发区 路灯", region="东城区").regions == {"county:东城区"}


def test_the_same_matter_in_another_region_is_another_matter() -> None:
    here, there, nowhere = about("东城区 路灯 不亮"), about("西城区 路灯 不亮"), about("路灯 不亮")
    assert is_elsewhere(here, there) and not is_elsewhere(here, nowhere) and not is_elsewhere(here, here)
    assert compute_similarity(here, there, 1.0, LEXICON) < compute_similarity(here, nowhere, 1.0, LEXICON)


def test_a_shared_place_name_adds_and_two_demands_without_a_rare_word_are_less_similar() -> None:
    named = compute_similarity(about("翠竹花园 路灯 不亮"), about("翠竹花园 路灯 维修"), 0.5, LEXICON)
    vague = compute_similarity(about("路灯 不亮"), about("路灯 不亮"), 0.5, LEXICON)
    other = compute_similarity(about("钟离昧 路灯 不亮"), about("钟离昧 路灯 维修"), 0.5, LEXICON)
    assert named > other > 0.6 > vague
    assert find_shared_terms(about("翠竹花园 路灯"), about("路灯 翠竹花园"), 1) == ("翠竹花园",)


@given(st.lists(st.sampled_from(["翠竹花园", "路灯", "不亮", "维修", "供热", "公交", "学校", "水压"]), max_size=8))
def test_a_demand_is_similar_to_itself_and_similarity_has_no_direction(words: list[str]) -> None:
    one, other = about(" ".join(words)), about("翠竹花园 供热 不亮")
    assert compute_overlap(one, other) == pytest.approx(compute_overlap(other, one))
    assert set(build_index_keys(one)) == set(build_index_keys(about(" ".join(reversed(words)))))
    assert all(-(2**63) <= key < 2**63 for key in build_index_keys(one))
    if one.terms:
        assert compute_overlap(one, one) == pytest.approx(1.0)


_IDS = st.integers(0, 12)


@given(st.dictionaries(st.tuples(_IDS, _IDS).filter(lambda p: p[0] < p[1]), st.floats(0, 1), max_size=40))
def test_groups_share_no_member_and_each_member_is_similar_to_another_of_its_group(
    pairs: dict[tuple[int, int], float],
) -> None:
    groups = find_clusters(pairs, 0.5)
    members = [m for g in groups for m in g]
    assert len(members) == len(set(members)) and all(len(g) > 1 for g in groups)
    for group in groups:
        for m in group:
            assert any(v >= 0.5 for p, v in pairs.items() if m in p and set(p) <= group)


def test_a_chain_of_half_similar_demands_does_not_become_one_group() -> None:
    chain = {(i, i + 1): 0.55 for i in range(10)}
    assert max(map(len, find_clusters(chain, 0.5))) < 4
    ring = {(a, b): 0.6 for a in range(5) for b in range(a + 1, 5)}
    assert find_clusters(ring, 0.5) == [frozenset(range(5))]


STREET_LIGHTS = CatalogueEntry(1, "U1", keywords=("路灯", "照明"), region="云岭市")
TODAY = date(2026, 11, 9)


@pytest.mark.parametrize(
    ("entry", "demand", "fits"),
    [
        (STREET_LIGHTS, Demand("help", "云岭市东区", "路灯坏了"), True),
        (STREET_LIGHTS, Demand("help", "", "云岭市的照明"), True),
        (STREET_LIGHTS, Demand("help", "临江市", "路灯坏了"), False),
        (STREET_LIGHTS, Demand("help", "云岭市", "暖气不热"), False),
        (CatalogueEntry(2, "U1", category="complaint"), Demand("help", "", ""), False),
        (CatalogueEntry(3, "U1", category="help", valid_to=date(2026, 11, 8)), Demand("help", "", ""), False),
        (CatalogueEntry(4, "U1", category="help", valid_from=TODAY, valid_to=TODAY), Demand("help", "", ""), True),
    ],
)
def test_an_entry_of_the_catalogue_fits_by_keyword_region_category_and_day(
    entry: CatalogueEntry, demand: Demand, fits: bool
) -> None:
    assert (score_entry(entry, demand, TODAY) is not None) is fits


def test_suggestions_give_reasons_and_an_accepted_return_counts_against_a_unit() -> None:
    demand = Demand("help", "云岭市", "路灯坏了")
    similar = [Precedent("K1", 0.8, "U2", True), Precedent("K2", 0.7, "U2", True, ("U1",))]
    both = suggest([STREET_LIGHTS], demand, similar, TODAY, ["U1", "U2"])
    assert {s.unit for s in both} == {"U1", "U2"} and all(0 < s.score < 1 for s in both)
    by_unit = {s.unit: s for s in both}
    assert [r.kind for r in by_unit["U1"].reasons] == ["catalogue", "returned"] and by_unit["U2"].reasons[0].facts[
        "count"
    ] == 2
    assert by_unit["U1"].score < suggest([STREET_LIGHTS], demand, [], TODAY, ["U1"])[0].score
    assert suggest([STREET_LIGHTS], demand, similar, TODAY, []) == []


def test_a_region_that_most_tickets_name_is_the_offices_own_and_not_a_hot_place_A27() -> None:
    assert find_common_regions(["长春市"] * 9 + [""]) == {"长春市"}
    assert find_common_regions(["长春市"] * 8 + ["", "农安县"]) == frozenset() == find_common_regions([])


def test_the_hot_list_counts_a_ticket_once_and_compares_with_the_period_before() -> None:
    now = [Mention("K2", "help", ("路灯", "路灯"), ("人民路",)), Mention("K1", "help", ("路灯",), ())]
    (row,) = rank_hot_topics(now, [Mention("K0", "help", ("路灯",), ())], "topics")
    assert (row.name, row.count, row.before, row.tickets, row.growth) == ("路灯", 2, 1, ("K2", "K1"), "100.0")
    assert rank_hot_topics(now, [], "categories")[0].growth is None and rank_hot_topics(now, [], "places") == []
