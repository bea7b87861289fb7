"""A manual answer replaces an automatic one; silence is not a no, and a no is never lost by itself."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.domain.scoring.satisfaction import Verdict, Visit, decide_verdict
from backend.domain.ticket import Answer

START = datetime(2026, 10, 8, tzinfo=UTC)


def build_visits(text):
    """Build visits from words such as `a:no m:yes` (a: automatic, m: manual)."""
    answers = {"yes": Answer.SATISFIED, "so": Answer.BASICALLY_SATISFIED, "no": Answer.UNSATISFIED,
               "eh": Answer.UNCLEAR, "mute": Answer.NO_REPLY, "gone": Answer.UNREACHED}  # fmt: skip
    parts = [part.split(":") for part in text.split()]
    return [Visit(kind == "m", START + timedelta(days=n), answers[answer]) for n, (kind, answer) in enumerate(parts)]


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
def test_a_series_of_visits_has_one_verdict_XD6_XD7(visits, literal, keep_first):
    assert decide_verdict(reversed(build_visits(visits))) is literal
    assert decide_verdict(build_visits(visits), "keep_first") is keep_first


SERIES = st.lists(st.tuples(st.booleans(), st.sampled_from(Answer)), max_size=6)


def judge(series):
    return decide_verdict(Visit(manual, START + timedelta(days=n), answer) for n, (manual, answer) in enumerate(series))


@given(SERIES, SERIES)
def test_what_a_machine_hears_after_a_clear_no_changes_nothing_XD6(before, heard):
    complained = [*before, (False, Answer.UNSATISFIED)]
    assert judge([*complained, *((False, answer) for _, answer in heard)]) is judge(complained)


@given(SERIES, st.lists(st.booleans(), min_size=1, max_size=3))
def test_nothing_vague_overturns_a_clear_no_XD7(before, asked):
    if judge(before) is Verdict.UNSATISFIED:
        assert judge([*before, *((manual, Answer.UNCLEAR) for manual in asked)]) is Verdict.UNSATISFIED
