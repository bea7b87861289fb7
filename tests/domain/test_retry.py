"""What follows a call or a message: again, the next contact, or nothing."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.domain.retry import (
    DELIVERY_ATTEMPTS,
    FailureKind,
    GiveUp,
    NextContact,
    Reconcile,
    Retry,
    decide_after_call,
    decide_after_delivery,
    decide_after_placing,
    decide_after_visit_call,
    parse_span,
    proves_unreachable,
)
from backend.domain.settings import Settings
from backend.domain.ticket_enums import Grade

DEFAULT_SETTINGS = Settings()
MINUTE = timedelta(minutes=1)


@pytest.mark.parametrize(
    "outcome", ["busy", "no_answer", "failed", "canceled", "no_reply", "machine", "carrier_failed"]
)
def test_a_call_is_tried_three_times_then_the_next_contact_FW20(outcome: str) -> None:
    assert decide_after_call(outcome, 1, Grade.GENERAL, DEFAULT_SETTINGS) == Retry(10 * MINUTE)
    assert decide_after_call(outcome, 2, Grade.URGENT, DEFAULT_SETTINGS) == Retry(5 * MINUTE)
    assert decide_after_call(outcome, 3, Grade.URGENT, DEFAULT_SETTINGS) == NextContact(outcome)


@pytest.mark.proves(
    "notify.phone.attempts", "notify.phone.gap.general", "notify.phone.gap.urgent", "visit.auto.attempts"
)
def test_attempts_and_gaps_are_settings() -> None:
    once = Settings({"notify.phone.attempts": "1", "notify.phone.gap.general": "2h"})
    assert decide_after_call("busy", 1, Grade.GENERAL, once) == NextContact("busy")
    slow = Settings({"notify.phone.gap.general": "2h", "notify.phone.gap.urgent": "3m"})
    assert decide_after_call("busy", 1, Grade.GENERAL, slow) == Retry(timedelta(hours=2))
    assert decide_after_call("busy", 1, Grade.URGENT, slow) == Retry(3 * MINUTE)
    assert decide_after_visit_call("busy", 1, 1, Settings({"visit.auto.attempts": "1"})) == GiveUp("busy")


@pytest.mark.parametrize("outcome", ["confirmed", "signed", "completed", "refused"])
def test_a_call_that_reached_its_purpose_is_not_repeated(outcome: str) -> None:
    assert decide_after_call(outcome, 1, Grade.URGENT, DEFAULT_SETTINGS) == GiveUp(outcome, done=True)
    assert decide_after_visit_call(outcome, 1, 1, DEFAULT_SETTINGS) == GiveUp(outcome, done=True)


def test_an_invalid_number_is_marked_and_never_called_again_FW23() -> None:
    assert decide_after_call("dead_number", 1, Grade.URGENT, DEFAULT_SETTINGS) == NextContact(
        "dead_number", address_dead=True
    )
    assert decide_after_call("wrong_person", 1, Grade.URGENT, DEFAULT_SETTINGS) == NextContact("wrong_person")


def test_only_unanswered_calls_prove_that_nobody_can_be_reached_B46() -> None:
    assert proves_unreachable("no_answer")
    assert not any(proves_unreachable(o) for o in ("carrier_failed", "machine", "failed", "confirmed"))


def test_an_answering_machine_does_not_count_as_an_attempt_but_calls_end_all_the_same_FW19() -> None:
    again = decide_after_visit_call("machine", 1, 1, DEFAULT_SETTINGS)
    assert isinstance(again, Retry)
    assert not again.counts
    assert decide_after_visit_call("machine", 2, 4, DEFAULT_SETTINGS) == GiveUp("machine")
    assert decide_after_visit_call("no_answer", 2, 2, DEFAULT_SETTINGS) == GiveUp("no_answer")


def test_a_partial_visit_is_kept_unless_a_later_call_was_asked_for_FW21() -> None:
    assert decide_after_visit_call("partial", 1, 1, DEFAULT_SETTINGS) == GiveUp("partial")
    assert isinstance(decide_after_visit_call("partial", 1, 1, DEFAULT_SETTINGS, call_later=True), Retry)


def test_an_ambiguous_call_is_never_redialled_FW14() -> None:
    assert decide_after_placing(FailureKind.AMBIGUOUS, 1, 0.5) == Reconcile(timedelta(seconds=90))
    assert isinstance(decide_after_placing("transient", 1, 0.5), Retry)
    assert decide_after_placing("throttled", 1, 0.0, timedelta(seconds=3)) == Retry(timedelta(seconds=3), counts=False)


def test_an_ambiguous_message_is_sent_once_more_and_marked_FT24() -> None:
    again = decide_after_delivery("ambiguous", 1, 0.0)
    assert isinstance(again, Retry)
    assert again.marked
    assert decide_after_delivery("ambiguous", 3, 0.0) == NextContact("ambiguous")


def test_a_throttled_chat_waits_unless_it_must_wait_an_hour_FT17_FT18() -> None:
    wait = decide_after_delivery("throttled", 1, 0.5, timedelta(seconds=3))
    assert isinstance(wait, Retry)
    assert timedelta(seconds=3) <= wait.delay <= timedelta(seconds=4)
    assert decide_after_delivery("throttled", 1, 0.5, timedelta(hours=1)) == NextContact("throttled")


def test_an_address_that_no_longer_exists_is_marked_FT20() -> None:
    assert decide_after_delivery("dead_address", 1, 0.0) == NextContact("dead_address", address_dead=True)
    assert decide_after_delivery("permanent", 1, 0.0) == NextContact("permanent")


@given(st.integers(1, 10_000), st.floats(0, 1))
def test_retries_are_delayed_within_bounds_and_end(attempt: int, jitter: float) -> None:
    step = decide_after_delivery("transient", attempt, jitter)
    if attempt >= DELIVERY_ATTEMPTS:
        assert step == NextContact("transient")
    else:
        assert isinstance(step, Retry)
        assert timedelta(seconds=2) <= step.delay <= timedelta(seconds=450)


@pytest.mark.parametrize("text", ["", "5", "m", "5wd", "-5m", "5 m"])
def test_what_is_not_a_time_span_raises(text: str) -> None:
    with pytest.raises(ValueError, match="span"):
        parse_span(text)


def test_an_unknown_outcome_raises() -> None:
    with pytest.raises(KeyError):
        decide_after_call("nonsense", 1, Grade.GENERAL, DEFAULT_SETTINGS)
