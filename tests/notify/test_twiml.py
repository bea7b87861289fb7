"""What is said on the telephone: prompts become TwiML that is always valid and can be spoken."""

import random
from typing import Any

import pytest
from defusedxml.ElementTree import fromstring
from hypothesis import given
from hypothesis import strategies as st

from notify.message import Ask, Connect, Prompt, Record
from notify.voice.twilio.carrier import TwilioCarrier
from sandbox.twilio.twiml import parse
from tests.figures import SIZES, Figures, choose_size
from tests.notify.fake_twilio import ACCOUNT

NEXT = "https://h/hooks/twilio/next?call=7&turn=2"


def render(prompt: Prompt) -> str:
    return TwilioCarrier(ACCOUNT, "token").render(prompt, next_url=NEXT)


def list_spoken(twiml: str) -> list[str]:
    return [say.text or "" for say in fromstring(twiml).iter("Say")]


def test_a_question_is_spoken_while_keys_and_speech_are_already_taken() -> None:
    ask = Ask("12390", speech=True, hints=("满意", "不满意"))
    root = fromstring(render(Prompt(("您好。", "请按键。"), ask=ask)))
    [gather] = root
    assert gather.tag == "Gather"
    assert gather.attrib == {
        "input": "dtmf speech",
        "action": NEXT,
        "method": "POST",
        "actionOnEmptyResult": "true",
        "numDigits": "1",
        "finishOnKey": "",
        "timeout": "6",
        "language": "zh-CN",
        "hints": "满意,不满意",
        "speechTimeout": "auto",
    }
    assert [say.attrib for say in gather] == [{"language": "zh-CN"}] * 2


def test_a_pin_is_ended_by_the_hash_key_alone_so_that_none_is_left_for_the_next_question_XM10() -> None:
    root = fromstring(render(Prompt(("请输入",), ask=Ask("0123456789", 4, "#", 10))))
    [gather] = root
    assert (gather.get("numDigits"), gather.get("finishOnKey"), gather.get("input")) == (None, "#", "dtmf")


def test_the_call_goes_on_after_a_recording_of_nothing() -> None:
    root = fromstring(render(Prompt(("请说",), record=Record(30))))
    assert [verb.tag for verb in root] == ["Say", "Record", "Redirect"]
    assert root[1].get("maxLength") == "30"
    assert root[2].text == NEXT


def test_a_bridge_calls_the_other_person_and_comes_back() -> None:
    connect = Connect("+8613900000000", announce_url="https://h/announce", record=True)
    root = fromstring(render(Prompt(("正在接通",), connect=connect)))
    assert [verb.tag for verb in root] == ["Say", "Dial"]
    assert root[1].get("action") == NEXT
    assert root[1].get("record") == "record-from-answer-dual"
    assert (root[1][0].text, root[1][0].get("url")) == ("+8613900000000", "https://h/announce")


@pytest.mark.parametrize(("then", "last"), [("next", "Redirect"), ("hangup", "Hangup")])
def test_a_prompt_that_asks_nothing_goes_on_or_ends_the_call(then: Any, last: str) -> None:
    root = fromstring(render(Prompt(("请稍候",), pause=2, then=then)))
    assert [verb.tag for verb in root] == ["Pause", "Say", last]


def test_a_prompt_does_one_thing_at_a_time() -> None:
    with pytest.raises(ValueError, match="one at a time"):
        Prompt((), ask=Ask("1"), record=Record(5))


@pytest.mark.parametrize(
    ("text", "heard"),
    [
        ("A&B <b>急</b>", "A&B <b>急</b>"),
        ("坏\x0b了\x00\ud800", "坏了"),
        ("一\n二\t三", "一 二 三"),
        ("零\u200b宽 😀好", "零宽 好"),
        ("字" * 5000, "字" * 499 + "…"),
    ],
)
def test_hostile_text_is_valid_sayable_and_cut_FW13(text: str, heard: str) -> None:
    assert list_spoken(render(Prompt((text,)))) == [heard]


@given(st.lists(st.text(st.characters(), max_size=200), max_size=8))
def test_every_prompt_is_well_formed_G15(say: list[str]) -> None:
    twiml = render(Prompt(tuple(say), ask=Ask("1", speech=True, hints=tuple(say))))
    assert sum(map(len, list_spoken(twiml))) <= 1500
    assert len(twiml.encode()) < 64_000


@SIZES
def test_hostile_texts_are_well_formed_and_sayable_to_the_last_G15(size: str, figures: Figures) -> None:
    wanted, dice, broken = choose_size(size, small=300, quick=3_000, full=10_000), random.Random(15), 0
    alphabet = [chr(n) for n in (*range(32), 0x7F, 0x85, 0x202E, 0x200B, 0xD800, 0xFFFE, 0x1F469)] + list(
        "<>&'\"]] 字a"
    )
    for _ in range(wanted):
        say = tuple("".join(dice.choices(alphabet, k=dice.randrange(60))) for _ in range(dice.randrange(4)))
        try:
            document = render(Prompt(say, ask=Ask("1", speech=True, hints=say)))
            assert sum(map(len, list_spoken(document))) <= 1500
            parse(document)
        except Exception:
            broken += 1
    figures.report("G15", texts=wanted, broken=broken)
