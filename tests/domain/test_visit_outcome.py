"""What a visit's answers mean for the ticket: final, visited again, or deemed (T24-T26, Q36)."""

from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.domain.ticket_enums import Answer
from backend.domain.visit_outcome import (
    AutoVisit,
    ManualRule,
    NextAction,
    Verdict,
    VisitOutcome,
    decide_after_auto,
    decide_final_answer,
    decide_verdict,
    find_missing,
    is_valid_answer,
)

FINAL = VisitOutcome(NextAction.FINALIZE)
OUTCOMES = [
    (AutoVisit(Answer.SATISFIED), 1, True, FINAL),
    (AutoVisit(Answer.BASICALLY_SATISFIED, complaint=True), 0, False, FINAL),
    (AutoVisit(Answer.UNSATISFIED), 1, False, VisitOutcome(NextAction.MANUAL, reason="unsatisfied")),
    (AutoVisit(Answer.UNCLEAR, complaint=True), 0, False, VisitOutcome(NextAction.MANUAL, reason="unclear")),
    (AutoVisit(Answer.NO_REPLY, complaint=True), 1, False, VisitOutcome(NextAction.MANUAL, reason="unclear")),
    (AutoVisit(Answer.UNCLEAR), 1, False, FINAL),
    (AutoVisit(None, want_person=True), 1, False, VisitOutcome(NextAction.MANUAL, reason="want_person")),
    (AutoVisit(None, danger=True), 1, False, VisitOutcome(NextAction.MANUAL, reason="danger")),
    (AutoVisit(Answer.NO_REPLY), 1, True, VisitOutcome(NextAction.AUTO)),
    (AutoVisit(Answer.NO_REPLY), 0, False, FINAL),
    (AutoVisit(Answer.UNREACHED), 0, False, FINAL),
    (AutoVisit(Answer.UNREACHED), 0, True, VisitOutcome(NextAction.MANUAL, reason="sampled")),
    (AutoVisit(None, refused=True), 1, True, FINAL),
    (AutoVisit(None, wrong_person=True), 1, False, FINAL),
]


@pytest.mark.parametrize(("visit", "attempts_left", "sampled", "expected"), OUTCOMES)
def test_T24_T25_an_automatic_visit_settles_is_deemed_or_is_handed_to_a_person(
    visit: AutoVisit, attempts_left: int, sampled: bool, expected: VisitOutcome
) -> None:
    assert decide_after_auto(visit, attempts_left, sampled) == expected


LOCAL = timezone(timedelta(hours=8))


def at(day: int, hour: int) -> datetime:
    """Return an instant of November 2026."""
    return datetime(2026, 11, day, hour, tzinfo=LOCAL)


@pytest.mark.parametrize(
    ("attempts", "enough"),
    [
        ([at(2, 9), at(2, 15), at(3, 19)], True),
        ([at(2, 9), at(3, 15)], False),  # two attempts
        ([at(2, 9), at(2, 15), at(2, 19)], False),  # one day
        ([at(2, 9), at(3, 10), at(4, 11)], False),  # one part of the day
    ],
)
def test_a_requester_is_deemed_unreached_after_three_attempts_on_two_days_in_two_bands_Q36(
    attempts: list[datetime], enough: bool
) -> None:
    assert bool(find_missing(attempts, ManualRule())) is not enough


YES, SO, NO, EH = Answer.SATISFIED, Answer.BASICALLY_SATISFIED, Answer.UNSATISFIED, Answer.UNCLEAR
MUTE, GONE = Answer.NO_REPLY, Answer.UNREACHED


@pytest.mark.parametrize(
    ("visits", "final"),
    [  # (by a person, answer)
        ([], None),
        ([(False, YES)], YES),
        ([(False, SO)], SO),
        ([(False, GONE), (False, MUTE)], "deemed"),
        ([(False, EH)], EH),
        ([(False, NO)], None),
        ([(False, NO), (True, YES)], YES),
        ([(False, NO), (True, NO)], NO),
        ([(False, NO), (True, EH)], NO),
        ([(False, NO), (False, YES)], None),
        ([(True, NO), (True, EH)], NO),
        ([(False, NO), (True, MUTE)], "deemed"),
        ([(False, NO), (True, GONE)], "deemed"),
        ([(False, NO), (True, NO), (True, GONE)], NO),
        ([(False, NO), (True, NO), (True, SO)], SO),
        ([(True, NO)], NO),
    ],
)
def test_a_manual_answer_replaces_an_automatic_one_and_a_no_is_never_lost_by_itself_B42(
    visits: list[tuple[bool, Answer]], final: str | None
) -> None:
    assert decide_final_answer(visits) == final


def test_silence_is_no_valid_answer_FW22() -> None:
    assert [a for a in Answer if not is_valid_answer(a)] == [Answer.NO_REPLY, Answer.UNREACHED]


Series = list[tuple[bool, Answer]]  # (by a person, answer)
WORDS = {"yes": YES, "so": SO, "no": NO, "eh": EH, "mute": MUTE, "gone": GONE}


def build_visits(text: str) -> Series:
    """Build visits from words such as `a:no m:yes` (a: automatic, m: manual)."""
    return [(kind == "m", WORDS[answer]) for kind, answer in (part.split(":") for part in text.split())]


@pytest.mark.parametrize(
    ("visits", "literal", "keep_first"),
    [
        ("", Verdict.DEEMED, Verdict.DEEMED),
        ("a:yes", Verdict.EXPLICIT, Verdict.EXPLICIT),
        ("a:so", Verdict.EXPLICIT, Verdict.EXPLICIT),
        ("a:gone a:mute", Verdict.DEEMED, Verdict.DEEMED),
        ("a:eh", Verdict.DEEMED, Verdict.DEEMED),
        ("a:no", Verdict.UNSATISFIED, Verdict.UNSATISFIED),
        ("a:no m:yes", Verdict.EXPLICIT, Verdict.EXPLICIT),
        ("a:no m:no", Verdict.UNSATISFIED, Verdict.UNSATISFIED),
        ("a:no m:eh", Verdict.UNSATISFIED, Verdict.UNSATISFIED),
        ("a:no m:mute", Verdict.DEEMED, Verdict.DEEMED),
        ("a:no m:gone", Verdict.DEEMED_UNREACHED, Verdict.UNSATISFIED),
        ("a:no m:no m:gone", Verdict.UNSATISFIED, Verdict.UNSATISFIED),
        ("a:no m:no m:so", Verdict.EXPLICIT, Verdict.EXPLICIT),
        ("m:no", Verdict.UNSATISFIED, Verdict.UNSATISFIED),
        ("a:no a:eh", Verdict.UNSATISFIED, Verdict.UNSATISFIED),
        ("a:no a:yes", Verdict.UNSATISFIED, Verdict.UNSATISFIED),
        ("a:no a:yes m:so", Verdict.EXPLICIT, Verdict.EXPLICIT),
        ("m:no m:eh", Verdict.UNSATISFIED, Verdict.UNSATISFIED),
        ("m:no m:mute", Verdict.UNSATISFIED, Verdict.UNSATISFIED),
        ("m:gone a:no", Verdict.UNSATISFIED, Verdict.UNSATISFIED),
        ("a:no m:gone m:eh", Verdict.UNSATISFIED, Verdict.UNSATISFIED),
        ("a:no m:eh m:gone", Verdict.UNSATISFIED, Verdict.UNSATISFIED),
        ("a:yes m:eh", Verdict.DEEMED, Verdict.DEEMED),
        ("m:eh a:yes", Verdict.DEEMED, Verdict.DEEMED),
    ],
)
def test_a_series_of_visits_has_one_verdict_XD6_XD7(visits: str, literal: Verdict, keep_first: Verdict) -> None:
    assert decide_verdict(build_visits(visits)) is literal
    assert decide_verdict(build_visits(visits), "keep_first") is keep_first


SERIES = st.lists(st.tuples(st.booleans(), st.sampled_from(Answer)), max_size=6)


@given(SERIES, SERIES)
def test_what_a_machine_hears_after_a_clear_no_changes_nothing_XD6(before: Series, heard: Series) -> None:
    complained = [*before, (False, Answer.UNSATISFIED)]
    assert decide_verdict([*complained, *((False, answer) for _, answer in heard)]) is decide_verdict(complained)


@given(SERIES, st.lists(st.booleans(), min_size=1, max_size=3))
def test_nothing_vague_overturns_a_clear_no_XD7(before: Series, asked: list[bool]) -> None:
    if decide_verdict(before) is Verdict.UNSATISFIED:
        assert decide_verdict([*before, *((manual, Answer.UNCLEAR) for manual in asked)]) is Verdict.UNSATISFIED
