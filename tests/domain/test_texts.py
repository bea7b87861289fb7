"""The text catalogues have every sentence, in both languages, and raise where one or a fact is missing."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.delivery.kinds import KINDS
from backend.domain import ticket_enums
from backend.domain.settings_catalogue import load_catalogue
from backend.domain.texts import MissingText, Texts, find_placeholders, list_languages, make_sayable
from backend.domain.verb_fields import FIELDS

ZH, EN = Texts("zh_CN"), Texts("en")
CHAT = [
    *(kind.text for kind in KINDS.values() if kind.text.startswith("message.")), "message.ticket_dispatched",
    "message.urgent_dispatched", "message.score_trial", "message.bound", "message.not_bound", "message.stale_card",
    "message.signed", "message.late_return_warning", "message.return_incomplete", "message.return_reviewer",
]  # fmt: skip
PHONE = ["phone.call_to_sign", "phone.call_supervised", "phone.bridge_handler", "phone.bridge_requester"]
VISIT = [f"visit.V{n}" for n in range(9)]
SMS = [key for key in ZH.list_keys() if key.startswith("sms.")]
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
KEYS = EN.list_keys()
#: Groups about the files of Chinese offices, whose headings and cells are Chinese anyway.
ONLY_CHINESE = {"contradictions", "file_kinds", "files", "history_fields", "phone_reasons", "rows"}
TYPICAL = {
    "sign": "长春市总工会12351", "grade": "紧急", "ticket_no": "JS20261108001", "sign_due": "11月25日（周三）17:00",
    "close_due": "11月25日（周三）17:00", "new_due": "11月25日（周三）17:00", "duty_phone": "0431-88881234",
    "hotline": "12351", "reason_short": "多部门协调", "what": "已自动签收",
}  # fmt: skip


@pytest.mark.parametrize("key", CHAT + PHONE + VISIT + SMS)
def test_every_message_prompt_and_sms_has_a_text_in_both_languages(key: str) -> None:
    assert ZH.get_template(key).strip()
    assert EN.get_template(key).strip()


def test_both_languages_have_the_same_keys() -> None:
    assert {key.split(".")[0] for key in set(ZH.list_keys()) - set(KEYS)} == ONLY_CHINESE
    assert set(KEYS) <= set(ZH.list_keys())


def test_both_languages_use_the_same_facts() -> None:
    sentences = [key for key in KEYS if not key.startswith(("buttons.", "meta."))]
    facts = {
        key: (find_placeholders(ZH.get_template(key)), find_placeholders(EN.get_template(key))) for key in sentences
    }
    assert {key: both for key, both in facts.items() if both[0] != both[1]} == {}


def test_both_languages_put_the_same_buttons_under_a_card_and_each_has_a_label() -> None:
    for key in (k for k in KEYS if k.startswith("buttons.")):
        name = key.removeprefix("buttons.")
        assert ZH.list_buttons(name) == EN.list_buttons(f"message.{name}")
        assert all(ZH.has(f"button.{b}") and EN.has(f"button.{b}") for b in ZH.list_buttons(name))
        assert ZH.has(f"message.{name}")


def test_the_buttons_of_the_contract_are_there() -> None:
    labels = {ZH.get_template(k) for k in ZH.list_keys() if k.startswith("button.")}
    assert labels >= set(CONTRACT_BUTTONS)


@pytest.mark.parametrize("key", SMS)
def test_an_sms_has_at_most_seventy_characters_and_no_link(key: str) -> None:
    text = ZH.render(key, **TYPICAL)
    assert len(text) <= 70, text
    assert not re.search(r"https?:|www\.|\.(cn|com)", text)


@pytest.mark.parametrize("texts", [ZH, EN])
def test_an_sms_with_the_address_of_a_page_takes_two_messages_at_most_XM30(texts: Texts) -> None:
    address = f"https://12345.yunling.gov.cn/rate/{'x' * 22} "  # a space ends it for whoever makes it a link
    text = texts.render("visit_text.unreached_page", **TYPICAL | {"ticket_no": "8001", "address": address.strip()})
    assert len(text) <= 134 and address in text


def test_a_card_under_strict_privacy_shows_neither_place_nor_text() -> None:
    facts = {"ticket_no": "T1", "category": "求助", "dispatched_at": "今天", "sign_due": "明天", "close_due": "周五"}
    shown = ZH.render("message.ticket_dispatched", **facts, place="人民大街", masked_text="屋顶漏水")
    strict = ZH.render("message.ticket_dispatched", **facts, place=None, masked_text="")
    assert "　地点：人民大街\n" in shown
    assert "诉求：屋顶漏水" in shown
    assert "地点" not in strict
    assert "诉求" not in strict
    assert "\n\n" not in strict


def test_a_missing_fact_or_text_raises() -> None:
    with pytest.raises(MissingText, match="ticket_no"):
        ZH.render("message.return_accepted")
    with pytest.raises(MissingText):
        ZH.render("message.unheard_of")
    with pytest.raises(MissingText):
        Texts("xx")


def test_braces_in_a_fact_are_not_interpreted() -> None:
    assert "{score} [[x]]" in ZH.render("message.sent_back", ticket_no="T1", reason="{score} [[x]]", due="明天")


@given(st.text())
def test_any_fact_in_a_spoken_text_is_cleaned_and_cut_FW13(fact: str) -> None:
    text = ZH.render("phone.call_supervised", org_name=fact, tail="1 2 3 4", due_spoken="今天下午三点")
    assert not any(ord(c) < 32 or 0xD800 <= ord(c) <= 0xDFFF for c in text)
    assert len(make_sayable(fact * 50)) <= 121


def test_a_hostile_five_thousand_characters_are_cut_FW13() -> None:
    assert len(make_sayable("<&\x0b" * 2000)) <= 121
    assert "\x0b" not in make_sayable("a\x0bb")


@pytest.mark.parametrize(
    ("group", "words"),
    [
        ("state", ticket_enums.State), ("grade", ticket_enums.Grade), ("category", ticket_enums.Category), ("role", ticket_enums.Role),
        ("channel", ticket_enums.Channel), ("source", ticket_enums.Source), ("obligation", ticket_enums.Obligation),
        ("outcome", ticket_enums.Outcome), ("answer", ticket_enums.Answer), ("contacted", ticket_enums.Contacted),
        ("resolved", ticket_enums.Resolved), ("unit_kind", ticket_enums.UnitKind),
    ],
)  # fmt: skip
def test_every_stored_word_has_a_text(group: str, words: type) -> None:
    for value in words:  # type: ignore[attr-defined]
        assert ZH.get_word(group, value)
        assert EN.get_word(group, value)


def test_every_verb_has_a_text() -> None:
    assert all(ZH.has(f"word.verb.{verb}") for verb in FIELDS)


def test_a_refusal_reads_well_without_its_facts_and_names_the_state() -> None:
    assert ZH.render_refusal("not_now", {"state": "closed"}) == "工单当前状态为已办结，不能进行此项操作。请刷新后处理。"
    for texts in (ZH, EN):
        for key in (k for k in texts.list_keys() if k.startswith("refusal.")):
            assert "{" not in texts.render_refusal(key.removeprefix("refusal."), {})
    assert ZH.render_refusal("no such code", {}) == ZH.render("refusal.bad_request")
    assert "电话" in ZH.render_refusal("bad_phone", {"reason": "没有号码"})


def test_a_toast_has_at_most_two_hundred_characters_FT26() -> None:
    for texts in (ZH, EN):
        for key in (k for k in texts.list_keys() if k.startswith(("toast.", "refusal."))):
            assert len(texts.get_template(key)) <= 200


def test_no_visit_prompt_asks_for_a_good_rating() -> None:
    for key in (k for k in ZH.list_keys() if k.startswith("visit.")):
        assert not re.search("好评|给个满意|请您?给予?|期待您?的满意", ZH.get_template(key))


def test_languages_are_found_by_their_files() -> None:
    assert {"en", "zh_CN"} <= set(list_languages())


def test_no_text_outside_the_command_line_names_a_setting_by_its_key() -> None:
    dotted = [key for key in load_catalogue() if "." in key]
    for texts in map(Texts, list_languages()):
        told = {key: texts.get_template(key) for key in texts.list_keys() if not key.startswith(("cli.", "buttons."))}
        assert [key for key, text in told.items() if any(one in text for one in dotted)] == []
