"""A call is walked by its script: keys, speech, silence, odd keys, and what each means for the room."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.domain.script_files import SCRIPT_NAMES, load_script
from backend.domain.scripts import (
    CallInput,
    Effect,
    EffectKind,
    Position,
    Turn,
    advance,
    clean_digits,
    end_as_stale,
    find_hang_up_outcome,
    start,
)
from backend.domain.texts import Texts, find_placeholders

FACTS = {
    "org_name": "市总工会", "grade": "紧急", "tail": "1 0 0 1", "category": "求助", "hotline_name": "12351",
    "sign_due_spoken": "今天下午三点", "close_due_spoken": "明天下午五点", "due_spoken": "今天下午五点", "hotline": "12351",
    "date_spoken": "十一月八日", "sign_key": "2", "has_pin": True, "has_duty": True, "pending": True,
}  # fmt: skip
SILENCE = CallInput(timed_out=True)
CALLS = (
    "completed", "confirmed", "signed", "partial", "refused", "wrong_person", "no_reply", "no_answer", "carrier_failed",
)  # fmt: skip


class Call:
    """Somebody on the telephone, pressing and speaking; remembers every effect and text."""

    def __init__(self, name: str, **facts: object) -> None:
        self.script, self.facts = load_script(name), {**FACTS, **facts}
        self.effects: list[Effect] = []
        self.said: list[str] = []
        self.turn = self._take(start(self.script, self.facts))

    def _take(self, turn: Turn) -> Turn:
        self.effects += turn.effects
        self.said += [say.key for say in turn.say]
        assert sum(map(bool, (turn.ask, turn.needs, turn.end or turn.bridge))) == 1
        assert Position.from_text(turn.position.as_text()) == turn.position
        return turn

    def hear(self, *all_heard: CallInput) -> "Call":
        for heard in all_heard:
            self.turn = self._take(advance(self.script, self.turn.position, heard, self.facts))
        return self

    def press(self, *keys: str) -> "Call":
        return self.hear(*(CallInput(digits=key) for key in keys))

    def speak(self, *words: str, confidence: float = 0.9) -> "Call":
        return self.hear(*(CallInput(speech=word, confidence=confidence) for word in words))

    def silent(self, times: int = 1) -> "Call":
        return self.hear(*[SILENCE] * times)

    def told(self, verdict: str) -> "Call":
        return self.hear(CallInput(verdict=verdict))

    @property
    def kinds(self) -> list[str]:
        return [e.kind.value for e in self.effects]

    @property
    def answers(self) -> dict[str, str]:
        return {k: v for e in self.effects if e.kind is EffectKind.ANSWER for k, v in e.facts.items()}


@pytest.mark.parametrize("name", SCRIPT_NAMES)
def test_every_text_a_script_says_exists(name: str) -> None:
    book = load_script(name)
    spoken = {key for step in book.steps.values() for key in (*step.say, *step.again, *step.wrong, step.odd_say)}
    spoken |= {book.keys_only_say}
    for language in ("zh_CN", "en"):
        catalogue = Texts(language)
        assert all(catalogue.render(key, **FACTS) for key in spoken - {""})
    assert all(step.end in CALLS for step in book.steps.values() if step.end)


# ── P1 ──


def test_one_confirms_without_signing_Q43() -> None:
    call = Call("notice").press("1")
    assert (call.kinds, call.turn.end, call.said[-1]) == (["notified"], "confirmed", "phone.P1_noted")


def test_two_and_the_pin_sign_FW8_full_width() -> None:
    call = Call("notice").press("２")
    assert call.turn.ask is not None
    assert (call.turn.ask.digits, call.turn.ask.finish_on) == (4, "#")
    call.press("１２３４#")
    assert call.turn.needs == "pin"
    assert call.effects[-1] == Effect(EffectKind.SIGN_REQUESTED, {"pin": "1234"})
    assert "1234" not in repr(call.turn)
    call.told("ok")
    assert (call.turn.end, call.said[-1]) == ("signed", "phone.P1_signed")


def test_three_wrong_pins_end_politely() -> None:
    call = Call("notice").press("2")
    for _ in range(3):
        call.press("1111").told("wrong")
    assert (call.turn.end, call.said[-1]) == ("confirmed", "phone.P1_pin_failed")
    assert call.said.count("phone.P1_pin_again") == 2
    assert call.kinds[-1] == "pin_failed"
    assert Call("notice").press("2", "1111").told("locked").turn.end == "confirmed"


def test_who_has_no_pin_is_told_how_to_set_one_and_never_asked_for_it_Q43() -> None:
    call = Call("notice", has_pin=False).press("2")
    assert (call.turn.end, call.said[-1], call.kinds) == ("confirmed", "phone.P1_no_pin", ["notified"])
    inbound = Call("inbound_handler", has_pin=False)
    assert (inbound.turn.end, inbound.said, inbound.kinds) == ("no_reply", ["phone.inbound_no_pin"], [])


def test_a_ticket_signed_meanwhile_is_a_polite_message_FW9() -> None:
    call = Call("notice").press("2", "1234").told("refused")
    assert (call.said[-1], "signed" in call.kinds) == ("phone.over", False)
    over = end_as_stale(load_script("visit"), FACTS)
    assert (over.effects, over.say[0].key, over.end) == ((), "visit.over", "completed")
    done = Call("visit").press("3")
    assert done.press("1").said[-1] == "visit.over"
    assert done.kinds == ["no_more_visits"]


def test_two_is_neither_offered_nor_taken_when_phone_signing_is_off() -> None:
    assert "签收请按" not in Texts().render("phone.P1", **{**FACTS, "sign_key": None})
    assert "签收请按2" in Texts().render("phone.P1", **FACTS)
    call = Call("notice", sign_key=None).press("2")
    assert (call.turn.position.step, call.kinds) == ("offer", [])


def test_nine_repeats_at_most_twice() -> None:
    call = Call("notice").press("9", "9")
    assert call.said == ["phone.P1"] * 4
    assert (call.press("9").said[4:], call.turn.end) == (["phone.P1_nothing"], "no_reply")


@pytest.mark.parametrize("mixed", [("", "*", "abc"), ("*", "", "7"), ("x", "x", "")])
@pytest.mark.parametrize("name", ["notice", "supervise", "visit"])
def test_odd_keys_and_silence_together_are_forgiven_twice_FW8(name: str, mixed: tuple[str, ...]) -> None:
    call = Call(name)
    for key in mixed:
        assert call.turn.ask
        call.hear(CallInput(digits=key, timed_out=not key))
    assert call.turn.end == "no_reply"


def test_zero_reaches_the_duty_phone_or_says_somebody_will_call() -> None:
    assert Call("notice").press("0").turn.bridge == "duty"
    alone = Call("notice", has_duty=False).press("0")
    assert (alone.turn.bridge, alone.said[-1], alone.kinds) == ("", "phone.P1_no_duty", ["bridge_duty"])
    assert Call("supervise").press("0").turn.bridge == "supervisor"


def test_nothing_twice_is_not_notified() -> None:
    call = Call("notice").silent(2)
    assert (call.turn.end, call.kinds, call.said[-1]) == ("no_reply", [], "phone.P1_nothing")


def test_the_notice_is_said_twice_and_lasts_fifteen_seconds() -> None:
    turn = start(load_script("notice"), FACTS)
    heard = "".join(Texts().render(say.key, **say.facts) for say in turn.say)
    assert len(turn.say) == 2
    assert len(heard) / 6 >= 15  # six syllables a second is fast speech


@pytest.mark.parametrize("odd", ["*", "#", "7", "abc", "5" * 50, "５", "11", " ", "\x00"])
@pytest.mark.parametrize("name", ["notice", "supervise", "visit", "inbound_caller", "inbound_handler"])
def test_odd_keys_are_forgiven_twice_then_goodbye_FW8(name: str, odd: str) -> None:
    call = Call(name)
    first = call.turn.position.step
    call.press(odd, odd)
    assert call.turn.position.step == first
    call.press(odd)
    assert call.turn.end == "no_reply"
    assert "answer" not in call.kinds


def test_empty_digits_are_silence_FW8() -> None:
    assert Call("notice").press("", "").turn.end == "no_reply"


def test_speech_does_what_the_key_does() -> None:
    assert Call("notice").speak("收到").kinds == ["notified"]
    assert Call("notice").speak("没收到").kinds == []
    assert Call("notice").speak("转人工").turn.bridge == "duty"
    deaf = Call("notice", speech=False)
    assert deaf.turn.ask is not None
    assert not deaf.turn.ask.speech


# ── V0-V8 ──


def test_a_whole_visit_by_keys() -> None:
    call = Call("visit").press("1", "1", "1", "1", "1")
    assert call.answers == {"contacted": "yes", "resolved": "resolved", "satisfaction": "satisfied"}
    assert (call.turn.end, call.said[-1]) == ("completed", "visit.V6")


def test_a_key_for_unsatisfied_needs_no_confirmation_and_asks_why() -> None:
    call = Call("visit").press("1", "1", "2", "3", "3")
    assert call.answers["satisfaction"] == "unsatisfied"
    assert call.turn.ask is not None
    assert call.turn.ask.record
    assert find_hang_up_outcome(call.script, call.turn.position) == "completed"
    call.hear(CallInput(recording="rec1", digits="#"))
    assert call.effects[-1] == Effect(EffectKind.RECORD_REASON, {"recording": "rec1"})
    assert call.turn.end == "completed"


def test_unsatisfied_by_speech_is_confirmed_once() -> None:
    call = Call("visit").press("1", "1", "1", "2").speak("不太满意")
    assert call.said[-1] == "visit.V4_confirm_unsatisfied"
    assert call.answers["satisfaction"] == "unclear"  # kept if the line is cut now
    assert "complaint" in call.kinds
    assert call.press("1").answers["satisfaction"] == "unsatisfied"


def test_a_denied_confirmation_is_asked_again_by_keys_only() -> None:
    call = Call("visit").press("1", "1", "1", "2").speak("不满意").press("2")
    assert call.turn.position.step == "V4"
    assert call.turn.ask is not None
    assert not call.turn.ask.speech
    assert call.press("1").answers["satisfaction"] == "satisfied"


def test_so_so_is_confirmed_and_unsatisfied_is_no_yes_to_it() -> None:
    call = Call("visit").press("1", "1", "1", "2").speak("一般般")
    assert call.said[-1] == "visit.V4_confirm_basically"
    assert call.speak("不满意").turn.position.step == "V4"
    assert "satisfaction" not in call.answers


def test_good_and_bad_words_together_are_settled_by_keys() -> None:
    call = Call("visit").press("1", "1", "1", "1").speak("挺好，不满意")
    assert call.said[-3:] == ["visit.V7", "visit.keys_only", "visit.V4"]
    assert call.turn.ask is not None
    assert not call.turn.ask.speech


def test_no_clear_word_is_asked_once_more_then_unclear() -> None:
    call = Call("visit").press("1", "1", "1", "1").speak("随便", "没有不满意")
    assert call.answers["satisfaction"] == "unclear"
    assert call.turn.end == "completed"


def test_silence_is_never_an_answer() -> None:
    call = Call("visit").press("1", "1", "1", "1").silent(3)
    assert call.turn.end == "no_reply"
    assert call.said[-1] == "visit.V8"
    assert "satisfaction" not in call.answers


@pytest.mark.parametrize(
    ("keys", "outcome", "kind"),
    [(["2"], "partial", "call_later"), (["3"], "refused", "no_more_visits"), (["1", "2"], "wrong_person", "wrong_person")],
)  # fmt: skip
def test_the_person_may_decline(keys: list[str], outcome: str, kind: str) -> None:
    call = Call("visit").press(*keys)
    assert (call.turn.end, call.kinds) == (outcome, [kind])


def test_a_person_or_danger_is_heard_at_any_step() -> None:
    assert Call("visit").press("1").speak("我听不懂").kinds == ["want_person"]
    danger = Call("visit").press("1", "1").speak("我不想活了")
    assert (danger.kinds, danger.turn.end, danger.said[-1]) == (["danger"], "partial", "visit.person")
    assert Call("visit").press("1", "1", "1", "1", "0").kinds[-1] == "want_person"


def test_a_hang_up_keeps_what_was_said_FW21() -> None:
    call = Call("visit").press("1", "1", "2")
    assert call.answers == {"contacted": "no"}
    assert find_hang_up_outcome(call.script, call.turn.position) == "partial"
    assert find_hang_up_outcome(call.script, start(call.script, FACTS).position) == "no_reply"
    assert find_hang_up_outcome(load_script("notice"), Position("pin")) == "confirmed"


def test_nothing_of_the_matter_is_said_before_the_person_confirms() -> None:
    assert find_placeholders(Texts().get_template("visit.V0")) == {"hotline_name"}
    assert find_placeholders(Texts().get_template("visit.inbound")) == {"hotline_name"}
    assert find_placeholders(Texts().get_template("visit.tail")) == {"hotline_name"}
    known = Call("inbound_caller").press("1001")
    known.told("ok")
    assert "visit.V1" not in known.press("1", "1", "1", "1").said


# ── those who ring back ──


def test_a_handler_who_rings_back_shows_his_pin_first_FW25() -> None:
    call = Call("inbound_handler")
    assert call.said == ["phone.inbound"]
    call.press("1234")
    assert call.effects == [Effect(EffectKind.CHECK_PIN, {"pin": "1234"})]
    call.told("ok")
    assert call.said[-1] == "phone.inbound_offer"
    call.press("2")
    assert (call.turn.needs, call.kinds[-1]) == ("sign", "sign_requested")
    assert call.told("ok").turn.end == "signed"
    assert Call("inbound_handler").press("1234").told("none").said[-1] == "phone.inbound_none"


def test_a_requester_who_rings_back_answers_by_the_same_keys() -> None:
    call = Call("inbound_caller").press("1001")
    assert call.said == ["visit.tail"] and call.effects == [Effect(EffectKind.CHECK_TAIL, {"pin": "1001"})]
    call.told("ok")
    call.press("1", "1", "1", "2")
    assert call.answers["satisfaction"] == "basically_satisfied"
    assert Call("inbound_caller", pending=False).turn.end == "completed"


def test_a_position_of_an_unknown_step_ends_politely() -> None:
    assert advance(load_script("visit"), Position("V99"), CallInput(digits="1"), FACTS).end == "completed"
    with pytest.raises(ValueError, match="position"):
        Position.from_text("V0.1.x.0.0.0")


HEARD = st.one_of(
    st.builds(CallInput, digits=st.text(max_size=6)),
    st.builds(CallInput, digits=st.sampled_from("0123459*#")),
    st.builds(CallInput, speech=st.text(max_size=12), confidence=st.floats(0, 1)),
    st.builds(CallInput, speech=st.sampled_from(["满意", "不满意", "一般", "嗯", "报警", "人工"])),
    st.builds(CallInput, verdict=st.sampled_from(["ok", "wrong", "locked", "refused", "", "?"])),
    st.just(SILENCE),
)


@given(st.sampled_from(SCRIPT_NAMES), st.lists(HEARD, min_size=60, max_size=60))
def test_every_call_ends_whatever_is_heard(name: str, heard: list[CallInput]) -> None:
    call = Call(name)
    for one in heard:
        if call.turn.end:
            return
        call.hear(one)
    raise AssertionError(f"{name} goes on at {call.turn.position}")


def test_digits_are_cleaned() -> None:
    assert clean_digits(" １２ ３４#", "#") == "1234"
    assert clean_digits("#", "") == "#"
