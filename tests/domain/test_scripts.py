"""Scripts of calls to handlers: keys, speech, silence, invalid keys, and the effects of each."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.domain.script_files import SCRIPT_NAMES, load_script
from backend.domain.scripts import (
    CallInput,
    Effect,
    EffectKind,
    Position,
    advance,
    clean_digits,
    end_as_stale,
    start,
)
from backend.domain.texts import Texts, list_languages
from tests.domain.call import FACTS, SILENCE, Call

OUTCOMES = (
    "completed", "confirmed", "signed", "partial", "refused", "wrong_person", "no_reply", "no_answer", "carrier_failed",
)  # fmt: skip


@pytest.mark.parametrize("name", SCRIPT_NAMES)
def test_every_script_has_a_name_in_each_language(name: str) -> None:
    assert all(Texts(language).get_word("script", name) for language in list_languages())


@pytest.mark.parametrize("name", SCRIPT_NAMES)
def test_every_prompt_of_a_script_exists(name: str) -> None:
    script = load_script(name)
    prompts = {
        key for step in script.steps.values() for key in (*step.say, *step.again, *step.wrong, *step.ask, step.odd_say)
    }
    prompts |= {script.keys_only_say}
    for language in ("zh_CN", "en"):
        catalogue = Texts(language)
        assert all(catalogue.render(key, **FACTS) for key in prompts - {""})
    assert all(step.end in OUTCOMES for step in script.steps.values() if step.end)


def test_key_1_confirms_without_signing_Q43() -> None:
    call = Call("notice").press("1")
    assert (call.kinds, call.turn.end, call.prompts[-1]) == (["notified"], "confirmed", "phone.sign_noted")


def test_key_2_and_the_pin_sign_also_in_full_width_digits_FW8() -> None:
    call = Call("notice").press("２")
    assert call.turn.ask is not None
    assert (call.turn.ask.digits, call.turn.ask.finish_on) == (4, "#")
    call.press("１２３４#")
    assert call.turn.needs == "pin"
    assert call.effects[-1] == Effect(EffectKind.SIGN_REQUESTED, {"pin": "1234"})
    assert "1234" not in repr(call.turn)
    call.give_verdict("ok")
    assert (call.turn.end, call.prompts[-1]) == ("signed", "phone.sign_signed")


def test_three_wrong_pins_end_the_call_politely() -> None:
    call = Call("notice").press("2")
    for _ in range(3):
        call.press("1111").give_verdict("wrong")
    assert (call.turn.end, call.prompts[-1]) == ("confirmed", "phone.sign_pin_failed")
    assert call.prompts.count("phone.sign_pin_again") == 2
    assert call.kinds[-1] == "pin_failed"
    assert Call("notice").press("2", "1111").give_verdict("locked").turn.end == "confirmed"


def test_a_handler_without_a_pin_learns_how_to_set_one_and_is_not_asked_for_it_Q43() -> None:
    call = Call("notice", has_pin=False).press("2")
    assert (call.turn.end, call.prompts[-1], call.kinds) == ("confirmed", "phone.sign_no_pin", ["notified"])
    inbound = Call("inbound_handler", has_pin=False)
    assert (inbound.turn.end, inbound.prompts, inbound.kinds) == ("no_reply", ["phone.inbound_no_pin"], [])


def test_a_ticket_signed_meanwhile_ends_the_call_with_a_polite_prompt_FW9() -> None:
    call = Call("notice").press("2", "1234").give_verdict("refused")
    assert (call.prompts[-1], "signed" in call.kinds) == ("phone.over", False)
    over = end_as_stale(load_script("visit"), FACTS)
    assert (over.effects, over.say[0].key, over.end) == ((), "visit.over", "completed")
    done = Call("visit").press("3")
    assert done.press("1").prompts[-1] == "visit.over"
    assert done.kinds == ["no_more_visits"]


def test_key_2_is_neither_offered_nor_accepted_when_phone_signing_is_off() -> None:
    assert "签收请按" not in Texts().render("phone.call_to_sign", **{**FACTS, "sign_key": None})
    assert "签收请按2" in Texts().render("phone.call_to_sign", **FACTS)
    call = Call("notice", sign_key=None).press("2")
    assert (call.turn.position.step, call.kinds) == ("offer", [])


def test_key_9_repeats_the_notice_at_most_twice() -> None:
    call = Call("notice").press("9", "9")
    assert call.prompts == ["phone.call_to_sign"] * 4
    assert (call.press("9").prompts[4:], call.turn.end) == (["phone.nothing_heard"], "no_reply")


@pytest.mark.parametrize("mixed", [("", "*", "abc"), ("*", "", "7"), ("x", "x", "")])
@pytest.mark.parametrize("name", ["notice", "supervise", "visit"])
def test_invalid_keys_and_silence_together_are_tolerated_twice_FW8(name: str, mixed: tuple[str, ...]) -> None:
    call = Call(name)
    for key in mixed:
        assert call.turn.ask
        call.receive(CallInput(digits=key, timed_out=not key))
    assert call.turn.end == "no_reply"


def test_key_0_reaches_the_duty_phone_or_announces_a_callback() -> None:
    assert Call("notice").press("0").turn.bridge == "duty"
    alone = Call("notice", has_duty=False).press("0")
    assert (alone.turn.bridge, alone.prompts[-1], alone.kinds) == ("", "phone.no_duty", ["bridge_duty"])
    assert Call("supervise").press("0").turn.bridge == "supervisor"


def test_a_silent_callee_is_not_notified() -> None:
    call = Call("notice").stay_silent(2)
    assert (call.turn.end, call.kinds, call.prompts[-1]) == ("no_reply", [], "phone.nothing_heard")


def test_the_notice_is_spoken_twice_and_lasts_fifteen_seconds() -> None:
    turn = start(load_script("notice"), FACTS)
    text = "".join(Texts().render(say.key, **say.facts) for say in turn.say)
    assert len(turn.say) == 2
    assert len(text) / 6 >= 15  # six syllables a second is fast speech


@pytest.mark.parametrize("odd", ["*", "#", "7", "abc", "5" * 50, "５", "11", " ", "\x00"])
@pytest.mark.parametrize("name", ["notice", "supervise", "visit", "inbound_caller", "inbound_handler"])
def test_invalid_keys_are_tolerated_twice_and_then_end_the_call_FW8(name: str, odd: str) -> None:
    call = Call(name)
    first = call.turn.position.step
    call.press(odd, odd)
    assert call.turn.position.step == first
    call.press(odd)
    assert call.turn.end == "no_reply"
    assert "answer" not in call.kinds


def test_empty_digits_are_silence_FW8() -> None:
    assert Call("notice").press("", "").turn.end == "no_reply"


def test_speech_has_the_effect_of_its_key() -> None:
    assert Call("notice").speak("收到").kinds == ["notified"]
    assert Call("notice").speak("没收到").kinds == []
    assert Call("notice").speak("转人工").turn.bridge == "duty"
    keys_only = Call("notice", speech=False)
    assert keys_only.turn.ask is not None
    assert not keys_only.turn.ask.speech


INPUTS = st.one_of(
    st.builds(CallInput, digits=st.text(max_size=6)),
    st.builds(CallInput, digits=st.sampled_from("0123459*#")),
    st.builds(CallInput, speech=st.text(max_size=12), confidence=st.floats(0, 1)),
    st.builds(CallInput, speech=st.sampled_from(["满意", "不满意", "一般", "嗯", "报警", "人工"])),
    st.builds(CallInput, verdict=st.sampled_from(["ok", "wrong", "locked", "refused", "", "?"])),
    st.just(SILENCE),
)


@given(st.sampled_from(SCRIPT_NAMES), st.lists(INPUTS, min_size=60, max_size=60))
def test_every_call_ends_whatever_the_callee_does(name: str, inputs: list[CallInput]) -> None:
    call = Call(name)
    for given_input in inputs:
        if call.turn.end:
            return
        call.receive(given_input)
    raise AssertionError(f"{name} has not ended at {call.turn.position}")


@pytest.mark.parametrize("name", SCRIPT_NAMES)
def test_a_prompt_asks_for_the_hash_key_just_where_it_ends_the_input_XM10(name: str) -> None:
    for key, step in load_script(name).steps.items():
        if not (step.end or step.wait or step.connect):
            words = [Texts().render(text, **FACTS) for text in (*step.say, *step.again, *step.wrong, *step.ask)]
            assert {("井号" in word) for word in words} == {step.finish_on == "#"}, (name, key)


OPENINGS = ("您好", "您单位有一件", "Hello", "Your unit has")


@pytest.mark.parametrize("language", ["zh_CN", "en"])
@pytest.mark.parametrize("name", SCRIPT_NAMES)
@given(st.sampled_from([CallInput(digits="7"), CallInput(digits="55"), CallInput(speech="天气", confidence=0.9)]))
def test_after_a_wrong_key_or_word_only_the_question_is_spoken_again_XM24(
    name: str, language: str, wrong: CallInput
) -> None:
    script, catalogue = load_script(name), Texts(language)
    for key, step in script.steps.items():
        if step.end or step.wait or step.connect or step.record or (wrong.speech and not step.question):
            continue
        turn = advance(script, Position(key), wrong, FACTS)
        assert turn.position.step == key and turn.ask, key
        spoken = "".join(catalogue.render(say.key, **FACTS) for say in turn.say)
        assert not any(opening in spoken for opening in OPENINGS), (key, spoken)
        whole, question = (catalogue.render(text, **FACTS) for text in (step.say[0], (step.ask or step.say)[0]))
        keys = re.split("[？?]", question)[-1]
        assert whole.endswith(keys), key


def test_silence_and_key_9_repeat_the_whole_since_nothing_was_understood_XM24() -> None:
    for call in (Call("notice").press("9"), Call("notice").stay_silent()):
        assert call.prompts == ["phone.call_to_sign"] * 3
    assert Call("notice").press("7").prompts[2:] == ["phone.key_unknown", "phone.sign_ask"]
    assert Call("visit").speak("天气").prompts[1:] == ["visit.V7", "visit.V0_ask"]


def test_keys_are_normalised() -> None:
    assert clean_digits(" １２ ３４#", "#") == "1234"
    assert clean_digits("#", "") == "#"
