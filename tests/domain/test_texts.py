"""The catalogue says every sentence the house needs, in both languages, and is loud about a gap."""

import re
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.domain import ticket
from backend.domain.scripts import EffectKind
from backend.domain.texts import MissingText, Texts, find_placeholders, list_languages, make_sayable
from backend.domain.time_words import format_time_left, spell_tail

ZH, EN = Texts("zh_CN"), Texts("en")
CHAT = [f"chat.M{n}" for n in range(1, 26)] + ["chat.M9a", "chat.M9b", "chat.M9_reviewer"]
PHONE = ["phone.P1", "phone.P2", "phone.P3_handler", "phone.P3_requester"]
VISIT = [f"visit.V{n}" for n in range(9)]
SMS = [f"sms.S{n}" for n in range(1, 8)]
CONTRACT_BUTTONS = [
    "签收",
    "查看详情",
    "申请退单",
    "联系诉求人",
    "填写答复",
    "办结",
    "申请延期",
    "反馈进展",
    "同意",
    "不同意",
    "公章",
    "领导签字",
]
OWN = EN.list_keys()
TYPICAL = {
    "sign": "长春市总工会12351", "grade": "紧急", "ticket_no": "JS20261108001", "sign_due": "11月25日（周三）17:00",
    "close_due": "11月25日（周三）17:00", "new_due": "11月25日（周三）17:00", "duty_phone": "0431-88881234",
    "hotline": "12351", "reason_short": "多部门协调", "what": "已自动签收",
}  # fmt: skip


@pytest.mark.parametrize("key", CHAT + PHONE + VISIT + SMS)
def test_every_text_of_the_specification_has_words_in_both_languages(key: str) -> None:
    assert ZH.get_template(key).strip()
    assert EN.get_template(key).strip()


def test_both_languages_have_the_same_keys() -> None:
    extra = set(ZH.list_keys()) ^ set(EN.list_keys())
    assert not {key for key in extra if key.split(".")[0] in {k.split(".")[0] for k in OWN}}


@pytest.mark.parametrize("key", [k for k in OWN if not k.startswith("buttons.")])
def test_both_languages_ask_for_the_same_facts(key: str) -> None:
    if not key.startswith("meta."):
        assert find_placeholders(ZH.get_template(key)) == find_placeholders(EN.get_template(key))


def test_both_languages_put_the_same_buttons_under_a_card_and_each_has_a_label() -> None:
    for key in (k for k in OWN if k.startswith("buttons.")):
        name = key.removeprefix("buttons.")
        assert ZH.list_buttons(name) == EN.list_buttons(f"chat.{name}")
        assert all(ZH.has(f"button.{b}") and EN.has(f"button.{b}") for b in ZH.list_buttons(name))
        assert ZH.has(f"chat.{name}")


def test_the_buttons_of_the_contract_are_there() -> None:
    labels = {ZH.get_template(k) for k in ZH.list_keys() if k.startswith("button.")}
    assert labels >= set(CONTRACT_BUTTONS)


@pytest.mark.parametrize("key", SMS)
def test_a_text_message_fits_in_seventy_characters_and_has_no_link(key: str) -> None:
    said = ZH.render(key, **TYPICAL)
    assert len(said) <= 70, said
    assert not re.search(r"https?:|www\.|\.(cn|com)", said)


def test_a_card_in_strict_privacy_shows_neither_place_nor_text() -> None:
    facts = {"ticket_no": "T1", "category": "求助", "dispatched_at": "今天", "sign_due": "明天", "close_due": "周五"}
    shown = ZH.render("chat.M1", **facts, place="人民大街", masked_text="屋顶漏水")
    strict = ZH.render("chat.M1", **facts, place=None, masked_text="")
    assert "　地点：人民大街\n" in shown
    assert "诉求：屋顶漏水" in shown
    assert "地点" not in strict
    assert "诉求" not in strict
    assert "\n\n" not in strict


def test_a_missing_fact_or_text_is_loud() -> None:
    with pytest.raises(MissingText, match="ticket_no"):
        ZH.render("chat.M10")
    with pytest.raises(MissingText):
        ZH.render("chat.M99")
    with pytest.raises(MissingText):
        Texts("xx")


def test_braces_in_a_fact_are_only_braces() -> None:
    assert "{score} [[x]]" in ZH.render("chat.M18", ticket_no="T1", reason="{score} [[x]]", due="明天")


@given(st.text())
def test_any_fact_read_aloud_is_sayable_and_cut_FW13(fact: str) -> None:
    said = ZH.render("phone.P2", org_name=fact, tail="1 2 3 4", due_spoken="今天下午三点")
    assert not any(ord(c) < 32 or 0xD800 <= ord(c) <= 0xDFFF for c in said)
    assert len(make_sayable(fact * 50)) <= 121


def test_a_hostile_five_thousand_characters_are_cut_FW13() -> None:
    assert len(make_sayable("<&\x0b" * 2000)) <= 121
    assert "\x0b" not in make_sayable("a\x0bb")


@pytest.mark.parametrize(
    ("group", "words"),
    [
        ("state", ticket.State), ("grade", ticket.Grade), ("category", ticket.Category), ("role", ticket.Role),
        ("channel", ticket.Channel), ("source", ticket.Source), ("obligation", ticket.Obligation),
        ("outcome", ticket.Outcome), ("answer", ticket.Answer), ("contacted", ticket.Contacted),
        ("resolved", ticket.Resolved), ("unit_kind", ticket.UnitKind),
    ],
)  # fmt: skip
def test_every_stored_word_is_spoken(group: str, words: type) -> None:
    for value in words:  # type: ignore[attr-defined]
        assert ZH.get_word(group, value)
        assert EN.get_word(group, value)


def test_every_verb_is_spoken() -> None:
    from backend.domain.verb_fields import FIELDS

    assert all(ZH.has(f"word.verb.{verb}") for verb in FIELDS)


def test_a_refusal_speaks_without_all_its_facts_and_names_the_state() -> None:
    assert ZH.render_refusal("not_now", {"state": "closed"}) == "工单当前状态为已办结，不能进行此项操作。请刷新后处理。"
    for language in (ZH, EN):
        for key in (k for k in language.list_keys() if k.startswith("refusal.")):
            assert "{" not in language.render_refusal(key.removeprefix("refusal."), {})
    assert ZH.render_refusal("no such code", {}) == ZH.render("refusal.bad_request")
    assert "电话" in ZH.render_refusal("bad_phone", {"reason": "没有号码"})


def test_a_toast_fits_two_hundred_characters_FT26() -> None:
    for catalogue in (ZH, EN):
        for key in (k for k in catalogue.list_keys() if k.startswith(("toast.", "refusal."))):
            assert len(catalogue.get_template(key)) <= 200


def test_no_visit_text_wishes_for_a_good_rating() -> None:
    for key in (k for k in ZH.list_keys() if k.startswith("visit.")):
        assert not re.search("好评|给个满意|请您?给予?|期待您?的满意", ZH.get_template(key))


def test_what_is_left_is_said_in_two_units() -> None:
    assert format_time_left(ZH, timedelta(minutes=80)) == "1小时20分钟"
    assert format_time_left(ZH, timedelta(hours=2)) == "2小时"
    assert format_time_left(ZH, timedelta(days=2, hours=3, minutes=9)) == "2天3小时"
    assert format_time_left(ZH, timedelta(minutes=45, seconds=59)) == "45分钟"
    assert format_time_left(ZH, -timedelta(1)) == "已到时限"


def test_the_tail_of_a_ticket_is_read_digit_by_digit() -> None:
    assert spell_tail("JS-2026-110801") == "0 8 0 1"
    assert spell_tail("T1") == "T 1"


def test_languages_are_found_by_their_files() -> None:
    assert {"en", "zh_CN"} <= set(list_languages())
    assert EffectKind.NOTIFIED == "notified"
