"""Spoken answers are understood as they were meant; 不满意 never becomes 满意 (Q39)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.domain.speech_parser import Meaning, interpret_answer, interpret_satisfaction, is_opt_out, normalise

UNSATISFIED = Meaning(key="3", confirm=True, complaint=True)
BASICALLY, DOUBTFULLY = Meaning(key="2"), Meaning(key="2", confirm=True)
SATISFIED, AGAIN = Meaning(key="1"), Meaning()
BOTH = Meaning(keys_only=True, complaint=True)

ANSWERS = [
    (AGAIN, "没有不满意 不是不满意 没什么不满意 谈不上不满意 没有什么不满意的 并没有不满意"),
    (AGAIN, "随便 不知道 没意见 嗯 满意不满意 满不满意 嗯嗯啊"),
    (UNSATISFIED, "不满意 不太满意 很不满意 不怎么满意 没解决 没用 糟糕 投诉你们 还没人管 我就是不满意"),
    (UNSATISFIED, "不滿意 不是很满意 不能满意 说不上满意 基本都不满意 不基本满意 不那个满意 没有，不满意 哪能满意"),
    (UNSATISFIED, "不咋地 不咋样 白扯 差劲 太差 不得劲 糊弄 没有满意 还那样"),
    (BASICALLY, "基本满意 还行 差不多 基本上满意 基本上还满意 比较满意"),
    (DOUBTFULLY, "还可以 一般般 一般 凑合"),
    (SATISFIED, "满意 很满意 挺好 非常好 谢谢你们 滿意 满　意 嗯满意吧 巴适 杠杠的 不错 不错，挺满意 都解决了，谢谢你们"),
    (BOTH, "挺好不满意 满意，不是，不满意 还行吧就是没解决"),
    (Meaning(want_person=True), "转人工 找人 人工 听不懂 我说方言 年纪大了"),
    (Meaning(danger=True, complaint=True), "我不想活了 报警 他妈的 我要跳楼 满意你妈的"),
]  # fmt: skip


@pytest.mark.parametrize(("meaning", "speech"), [(m, w) for m, row in ANSWERS for w in row.split(" ")])
def test_answers_about_satisfaction_are_understood(meaning: Meaning, speech: str) -> None:
    assert interpret_satisfaction(speech, 0.9) == meaning


@given(st.text(max_size=40), st.text(max_size=40))
def test_unsatisfied_within_any_text_is_never_satisfied(before: str, behind: str) -> None:
    assert interpret_satisfaction(before + "不满意" + behind).key not in {"1", "2"}


WORDS = st.lists(
    st.sampled_from(["满意", "很", "挺好", "基本满意", "谢谢你们", "还行", "没有", "不", "嗯", "，", "不是", "一般", "没问题", "解决了", "都", "太", "随便"]), max_size=6
)  # fmt: skip


@given(WORDS, WORDS)
def test_unsatisfied_among_kind_words_is_never_satisfied(before: list[str], behind: list[str]) -> None:
    assert interpret_satisfaction("".join(before) + "不满意" + "".join(behind)).key not in {"1", "2"}


def test_speech_recognised_with_low_confidence_is_asked_again_by_keys_Q39() -> None:
    assert interpret_satisfaction("满意", 0.3) == BOTH
    assert interpret_answer("V2", "联系了", 0.2).keys_only


def test_very_long_speech_decides_nothing() -> None:
    assert interpret_satisfaction("好" * 5000 + "不满意").key is None


@pytest.mark.parametrize(
    ("question", "key", "answers"),
    [
        ("V0", "1", "方便 可以 你说 可以你说"), ("V0", "2", "不方便 在忙 我在开车 等会"), ("V0", "3", "不要再打 别打了"),
        ("V1", "1", "是 对 是我 没错"), ("V1", "2", "不是 打错了 不是我 不对"),
        ("V2", "1", "联系了 打过电话 联系过了"), ("V2", "2", "没有 没人联系 没打过电话 没有人联系过我"), ("V2", "3", "记不清 忘了"),
        ("V3", "1", "解决了 好了 修好了"), ("V3", "2", "部分 解决一点 解决了一部分"), ("V3", "3", "没解决 还那样 还没解决"),
        ("notice", "1", "收到 知道了 好的 好的收到"), ("notice", "2", "签收"), ("notice", "9", "再说一遍 没听清"),
        ("notice", "0", "转人工 找值班"),
        ("yes_unsatisfied", "1", "是 对 不满意"), ("yes_unsatisfied", "2", "不是 满意"),
        ("yes_basically", "1", "是 对 基本满意"), ("yes_basically", "2", "不是 不满意"),
    ],
)  # fmt: skip
def test_each_questionunderstands_its_answers(question: str, key: str, answers: str) -> None:
    for speech in answers.split():
        assert interpret_answer(question, speech).key == key, speech


@pytest.mark.parametrize(
    ("question", "speech"), [("notice", "没收到"), ("notice", "不签收"), ("V3", "不好了"), ("V1", "苹果")]
)
def test_a_negated_word_is_not_taken_for_the_word(question: str, speech: str) -> None:
    assert interpret_answer(question, speech).key is None


def test_normalising_removes_fillers_and_traditional_forms() -> None:
    assert normalise("嗯，那個…滿意！") == "满意"


NEGATIONS = st.sampled_from(
    ["不满意", "不太满意", "很不满意", "没有满意", "不是很满意", "谈不上满意", "不怎么满意", "不滿意", "未满意"]
)
KIND_WORDS = st.lists(
    st.sampled_from(
        ["很", "挺好", "谢谢你们", "还行", "都", "，", "嗯", "你们态度好", "解决了", "基本满意", "一般", "但是"]
    ),
    max_size=5,
)


@given(KIND_WORDS, NEGATIONS, KIND_WORDS, st.sampled_from([None, 0.61, 0.95, 1.0]))
def test_no_sentence_with_a_plain_negation_is_ever_taken_for_satisfied_Q39(
    before: list[str], no: str, behind: list[str], confidence: float | None
) -> None:
    meaning = interpret_satisfaction("".join(before) + no + "".join(behind), confidence)
    assert meaning.key not in {"1", "2"}


@pytest.mark.parametrize("words", ["没有不满意", "不是不满意", "没什么不满意", "谈不上不满意", "我没有不满意啊"])
@given(before=st.sampled_from(["", "嗯，", "怎么说呢，", "其实"]))
def test_a_double_negative_is_asked_again_and_never_decides(words: str, before: str) -> None:
    assert interpret_satisfaction(before + words) == AGAIN


@pytest.mark.parametrize("words", ["还可以", "还可以吧", "也还可以", "一般般", "凑合"])
def test_lukewarm_words_are_confirmed(words: str) -> None:
    assert interpret_satisfaction(words) == DOUBTFULLY


@pytest.mark.parametrize("confidence", [0.0, 0.3, 0.59])
@given(words=st.sampled_from(["满意", "不满意", "还可以", "随便", "谢谢你们"]))
def test_speech_recognised_with_low_confidence_decides_nothing(words: str, confidence: float) -> None:
    meaning = interpret_satisfaction(words, confidence)
    assert meaning.keys_only and meaning.key is None


@pytest.mark.parametrize("question", ["V0", "V1", "V2", "V3", "V4"])
@pytest.mark.parametrize("words", ["我要自杀", "我报警了", "他妈的", "我不想活了"])
def test_words_of_danger_are_recognised_at_every_question(question: str, words: str) -> None:
    assert interpret_answer(question, words).danger


@pytest.mark.parametrize("question", ["V0", "V1", "V2", "V3", "V4"])
@pytest.mark.parametrize("words", ["听不懂", "我说方言", "我年纪大了", "转人工"])
def test_a_requester_who_cannot_follow_is_handed_to_a_person_at_every_question(question: str, words: str) -> None:
    assert interpret_answer(question, words).want_person


@pytest.mark.parametrize(
    ("text", "opts_out"), [("T", True), ("td", True), ("退订", True), ("STOP", True), ("不满意", False), ("1", False)]
)
def test_an_sms_may_opt_out_of_visits(text: str, opts_out: bool) -> None:
    assert is_opt_out(text) is opts_out
