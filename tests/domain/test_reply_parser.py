"""A chat reply to a card is parsed into a verb and its fields; curt wording gets a hint."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.domain.reply_parser import ParsedReply, find_curt_wording, guess_reason_code, parse_reply
from backend.domain.texts import Texts
from backend.domain.verb_fields import FIELDS, REASON_CODES

REPLIES = [
    ("签收", ParsedReply("sign")),
    ("【签收】", ParsedReply("sign")),
    ("　签收。", ParsedReply("sign")),
    ("签收了", ParsedReply("sign")),
    ("退单 不属于我单位职责", ParsedReply("return", "不属于我单位职责", None, "not_our_duty")),
    ("退单：属地应为宽城区", ParsedReply("return", "属地应为宽城区", None, "wrong_region")),
    ("退单", ParsedReply("return", "", None, "other")),
    ("答复 已联系诉求人，今日修复。", ParsedReply("reply", "已联系诉求人，今日修复。")),
    ("【答复】：已修复", ParsedReply("reply", "已修复")),
    ("答复：\n第一行\n第二行", ParsedReply("reply", "第一行\n第二行")),
    ("办结 诉求人表示认可", ParsedReply("close", "诉求人表示认可")),
    ("办结", ParsedReply("close")),
    ("延期 3 等待检测结果", ParsedReply("extend", "等待检测结果", 3)),
    ("延期　３　等待检测结果", ParsedReply("extend", "等待检测结果", 3)),
    ("延期5个工作日，等待材料", ParsedReply("extend", "等待材料", 5)),
    ("延期三天 天气原因", ParsedReply("extend", "天气原因", 3)),
    ("延期十五日：法定程序", ParsedReply("extend", "法定程序", 15)),
    ("延期 3 等待检测结果，已电话告知诉求人", ParsedReply("extend", "等待检测结果", 3, told="已电话告知诉求人")),
    ("延期 等待检测", ParsedReply("extend", "等待检测", None)),
    ("延期 0 等待", ParsedReply("extend", "0 等待", None)),
    ("延期 9999 等待", ParsedReply("extend", "9999 等待", None)),
    ("进展 已派人到场", ParsedReply("report_progress", "已派人到场")),
    ("反馈进展：已到场", ParsedReply("report_progress", "已到场")),
]


@pytest.mark.parametrize(("text", "parsed"), REPLIES)
def test_the_keywords_of_the_contract_are_understood(text: str, parsed: ParsedReply) -> None:
    assert parse_reply(text) == parsed


@pytest.mark.parametrize(
    "text", ["", "收到", "请问什么时候到", "我要签收", "签收单在哪里", "   ", "……", "好的，已签收"]
)
def test_a_reply_without_a_keyword_is_no_act(text: str) -> None:
    assert parse_reply(text) is None


@given(st.text())
def test_any_text_is_parsed_without_an_error(text: str) -> None:
    parsed = parse_reply(text)
    assert parsed is None or parsed.verb in FIELDS
    assert parsed is None or parsed.days is None or 1 <= parsed.days <= 365


@pytest.mark.parametrize(
    ("reason", "code"),
    [
        ("不属于本单位", "not_our_duty"), ("此事不归我局管", "not_our_duty"), ("超出职责范围", "not_our_duty"),
        ("不在我辖区", "wrong_region"), ("属地不符", "wrong_region"), ("与住建局职责交叉", "overlapping_duty"),
        ("与前一件重复", "duplicate"), ("信息不全，无法核实", "insufficient_information"),
        ("地址写得不清", "insufficient_information"), ("人手不足", "other"),
    ],
)  # fmt: skip
def test_the_reason_code_is_guessed_from_the_wording(reason: str, code: str) -> None:
    assert guess_reason_code(reason) == code
    assert code in REASON_CODES


def test_a_cause_is_found_in_a_reply_and_in_a_closing_A32() -> None:
    parsed = parse_reply("答复 已更换灯具。故障原因：线路老化")
    assert parsed is not None and (parsed.text, parsed.cause) == ("已更换灯具。故障原因：线路老化", "线路老化")
    parsed = parse_reply("办结 表示满意，原因:水管冻裂")
    assert parsed is not None and (parsed.text, parsed.cause) == ("表示满意", "水管冻裂")
    parsed = parse_reply("办结 表示满意")
    assert parsed is not None and parsed.cause == ""


def test_curt_and_blaming_wording_gets_a_hint_A20() -> None:
    assert ("blame", "无理取闹") in find_curt_wording("诉求人无理取闹，不予办理，请知悉。")
    assert [code for code, _ in find_curt_wording("办不了")] == ["curt", "too_short"]
    assert find_curt_wording("已于今日上午上门维修，诉求人现场确认恢复供水。") == []
    for text in ("办不了", "此事不归我们管，请自行解决。", "领导高度重视此事并已研究。"):
        hints = find_curt_wording(text)
        assert hints and all(Texts().render(f"advice.{code}", word=word) for code, word in hints)
