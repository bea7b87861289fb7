"""Scripts of calls to requesters: the questions V0 to V8, and requesters and handlers who call back."""

import pytest

from backend.domain.script_files import load_script
from backend.domain.scripts import CallInput, Effect, EffectKind, Position, advance, find_hang_up_outcome, start
from backend.domain.texts import Texts, find_placeholders
from tests.domain.call import FACTS, Call


def test_a_whole_visit_is_answered_by_keys() -> None:
    call = Call("visit").press("1", "1", "1", "1", "1")
    assert call.answers == {"contacted": "yes", "resolved": "resolved", "satisfaction": "satisfied"}
    assert (call.turn.end, call.prompts[-1]) == ("completed", "visit.V6")


def test_the_key_for_unsatisfied_needs_no_confirmation_and_the_reason_is_asked() -> None:
    call = Call("visit").press("1", "1", "2", "3", "3")
    assert call.answers["satisfaction"] == "unsatisfied"
    assert call.turn.ask is not None
    assert call.turn.ask.record
    assert find_hang_up_outcome(call.script, call.turn.position) == "completed"
    call.receive(CallInput(recording="rec1", digits="#"))
    assert call.effects[-1] == Effect(EffectKind.RECORD_REASON, {"recording": "rec1"})
    assert call.turn.end == "completed"


def test_unsatisfied_by_speech_is_confirmed_once() -> None:
    call = Call("visit").press("1", "1", "1", "2").speak("不太满意")
    assert call.prompts[-1] == "visit.V4_confirm_unsatisfied"
    assert call.answers["satisfaction"] == "unclear"  # kept if the call ends now
    assert "complaint" in call.kinds
    assert call.press("1").answers["satisfaction"] == "unsatisfied"


def test_a_denied_confirmation_is_asked_again_by_keys_only() -> None:
    call = Call("visit").press("1", "1", "1", "2").speak("不满意").press("2")
    assert call.turn.position.step == "V4"
    assert call.turn.ask is not None
    assert not call.turn.ask.speech
    assert call.press("1").answers["satisfaction"] == "satisfied"


def test_a_lukewarm_answer_is_confirmed_and_unsatisfied_does_not_confirm_it() -> None:
    call = Call("visit").press("1", "1", "1", "2").speak("一般般")
    assert call.prompts[-1] == "visit.V4_confirm_basically"
    assert call.speak("不满意").turn.position.step == "V4"
    assert "satisfaction" not in call.answers


def test_good_and_bad_words_together_are_asked_again_by_keys() -> None:
    call = Call("visit").press("1", "1", "1", "1").speak("挺好，不满意")
    assert call.prompts[-3:] == ["visit.V7", "visit.keys_only", "visit.V4"]
    assert call.turn.ask is not None
    assert not call.turn.ask.speech


def test_an_unclear_answer_is_asked_once_more_and_then_stays_unclear() -> None:
    call = Call("visit").press("1", "1", "1", "1").speak("随便", "没有不满意")
    assert call.answers["satisfaction"] == "unclear"
    assert call.turn.end == "completed"


def test_silence_is_never_an_answer() -> None:
    call = Call("visit").press("1", "1", "1", "1").stay_silent(3)
    assert call.turn.end == "no_reply"
    assert call.prompts[-1] == "visit.V8"
    assert "satisfaction" not in call.answers


@pytest.mark.parametrize(
    ("keys", "outcome", "kind"),
    [(["2"], "partial", "call_later"), (["3"], "refused", "no_more_visits"), (["1", "2"], "wrong_person", "wrong_person")],
)  # fmt: skip
def test_the_requester_may_decline(keys: list[str], outcome: str, kind: str) -> None:
    call = Call("visit").press(*keys)
    assert (call.turn.end, call.kinds) == (outcome, [kind])


def test_danger_and_the_wish_for_a_person_are_recognised_at_every_step() -> None:
    assert Call("visit").press("1").speak("我听不懂").kinds == ["want_person"]
    danger = Call("visit").press("1", "1").speak("我不想活了")
    assert (danger.kinds, danger.turn.end, danger.prompts[-1]) == (["danger"], "partial", "visit.person")
    assert Call("visit").press("1", "1", "1", "1", "0").kinds[-1] == "want_person"


def test_hanging_up_keeps_the_answers_given_FW21() -> None:
    call = Call("visit").press("1", "1", "2")
    assert call.answers == {"contacted": "no"}
    assert find_hang_up_outcome(call.script, call.turn.position) == "partial"
    assert find_hang_up_outcome(call.script, start(call.script, FACTS).position) == "no_reply"
    assert find_hang_up_outcome(load_script("notice"), Position("pin")) == "confirmed"


def test_nothing_about_the_ticket_is_spoken_before_the_requester_confirms_who_they_are() -> None:
    assert find_placeholders(Texts().get_template("visit.V0")) == {"hotline_name"}
    assert find_placeholders(Texts().get_template("visit.inbound")) == {"hotline_name"}
    assert find_placeholders(Texts().get_template("visit.tail")) == {"hotline_name"}
    known = Call("inbound_caller").press("1001")
    known.give_verdict("ok")
    assert "visit.V1" not in known.press("1", "1", "1", "1").prompts


def test_a_handler_who_calls_back_enters_their_pin_first_FW25() -> None:
    call = Call("inbound_handler")
    assert call.prompts == ["phone.inbound"]
    call.press("1234")
    assert call.effects == [Effect(EffectKind.CHECK_PIN, {"pin": "1234"})]
    call.give_verdict("ok")
    assert call.prompts[-1] == "phone.inbound_offer"
    call.press("2")
    assert (call.turn.needs, call.kinds[-1]) == ("sign", "sign_requested")
    assert call.give_verdict("ok").turn.end == "signed"
    assert Call("inbound_handler").press("1234").give_verdict("none").prompts[-1] == "phone.inbound_none"


def test_a_requester_who_calls_back_answers_with_the_same_keys() -> None:
    call = Call("inbound_caller").press("1001")
    assert call.prompts == ["visit.tail"] and call.effects == [Effect(EffectKind.CHECK_TAIL, {"pin": "1001"})]
    call.give_verdict("ok")
    call.press("1", "1", "1", "2")
    assert call.answers["satisfaction"] == "basically_satisfied"
    assert Call("inbound_caller", pending=False).turn.end == "completed"


def test_a_position_of_an_unknown_step_ends_the_call_politely() -> None:
    assert advance(load_script("visit"), Position("V99"), CallInput(digits="1"), FACTS).end == "completed"
    with pytest.raises(ValueError, match="position"):
        Position.from_text("V0.1.x.0.0.0")
