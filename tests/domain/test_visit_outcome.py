"""What a visit's answers mean for the ticket: final, visited again, or deemed (T23-T26, Q36)."""

from datetime import datetime, timedelta, timezone

import pytest

from backend.domain.ticket import Answer, Category
from backend.domain.visit_outcome import (
    AutoVisit,
    Deemed,
    ManualRule,
    NextAction,
    VisitOutcome,
    decide_after_auto,
    decide_after_manual,
    decide_opening,
    is_valid_answer,
)

FINAL = VisitOutcome(NextAction.FINALIZE)
OUTCOMES = [
    (AutoVisit(Answer.SATISFIED), 1, True, FINAL),
    (AutoVisit(Answer.BASICALLY_SATISFIED, complaint=True), 0, False, FINAL),
    (AutoVisit(Answer.UNSATISFIED), 1, False, VisitOutcome(NextAction.MANUAL, reason="unsatisfied")),
    (AutoVisit(Answer.UNCLEAR, complaint=True), 0, False, VisitOutcome(NextAction.MANUAL, reason="unclear")),
    (AutoVisit(Answer.NO_REPLY, complaint=True), 1, False, VisitOutcome(NextAction.MANUAL, reason="unclear")),
    (AutoVisit(Answer.UNCLEAR), 1, False, VisitOutcome(NextAction.FINALIZE, Deemed.SATISFIED)),
    (AutoVisit(None, want_person=True), 1, False, VisitOutcome(NextAction.MANUAL, reason="want_person")),
    (AutoVisit(None, danger=True), 1, False, VisitOutcome(NextAction.MANUAL, urgent=True, reason="danger")),
    (AutoVisit(Answer.NO_REPLY), 1, True, VisitOutcome(NextAction.AUTO)),
    (AutoVisit(Answer.NO_REPLY), 0, False, VisitOutcome(NextAction.FINALIZE, Deemed.SATISFIED)),
    (AutoVisit(Answer.UNREACHED), 0, False, VisitOutcome(NextAction.FINALIZE, Deemed.UNREACHED)),
    (AutoVisit(Answer.UNREACHED), 0, True, VisitOutcome(NextAction.MANUAL, reason="sampled")),
    (AutoVisit(None, refused=True), 1, True, VisitOutcome(NextAction.FINALIZE, Deemed.SATISFIED)),
    (AutoVisit(None, wrong_person=True), 1, False, VisitOutcome(NextAction.FINALIZE, Deemed.UNREACHED)),
]


@pytest.mark.parametrize(("visit", "attempts_left", "sampled", "expected"), OUTCOMES)
def test_T24_T25_an_automatic_visit_settles_is_deemed_or_is_handed_to_a_person(
    visit: AutoVisit, attempts_left: int, sampled: bool, expected: VisitOutcome
) -> None:
    assert decide_after_auto(visit, attempts_left, sampled) == expected


def test_T23_only_categories_in_scope_are_visited() -> None:
    scope = ("consult", "help", "complaint")
    assert decide_opening(Category.PRAISE, scope).next is NextAction.FINALIZE
    assert decide_opening(Category.HELP, scope).next is NextAction.AUTO
    assert decide_opening(Category.HELP, ("consult",)).next is NextAction.FINALIZE
    assert decide_opening(Category.HELP, scope, confidential=True) == VisitOutcome(
        NextAction.MANUAL, reason="confidential"
    )
    assert decide_opening(Category.HELP, scope, opted_out=True, confidential=True).next is NextAction.FINALIZE
    assert decide_opening(Category.HELP, scope, has_phone=False).next is NextAction.MANUAL
    assert decide_opening(Category.HELP, scope, visited=True) == FINAL


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
    outcome = decide_after_manual(Answer.UNREACHED, attempts, ManualRule())
    assert (outcome == VisitOutcome(NextAction.FINALIZE, Deemed.UNREACHED)) is enough
    assert (outcome.next is NextAction.MANUAL) is not enough


def test_the_result_of_a_manual_visit_is_final_T26() -> None:
    assert decide_after_manual(Answer.UNSATISFIED, [], ManualRule()) == FINAL
    assert decide_after_manual(Answer.UNCLEAR, [], ManualRule()).deemed is Deemed.SATISFIED


def test_silence_is_no_valid_answer_FW22() -> None:
    assert [a for a in Answer if not is_valid_answer(a)] == [Answer.NO_REPLY, Answer.UNREACHED]
