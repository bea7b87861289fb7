"""A manual answer replaces an automatic one; silence is not a no, and a no is never lost by itself."""

from datetime import UTC, datetime, timedelta

import pytest

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
        ("a:no m:eh", Verdict.DEEMED, Verdict.DEEMED),
        ("a:no m:mute", Verdict.DEEMED, Verdict.DEEMED),
        ("a:no m:gone", Verdict.DEEMED_UNREACHED, Verdict.UNSATISFIED),
        ("a:no m:no m:gone", Verdict.UNSATISFIED, Verdict.UNSATISFIED),
        ("a:no m:no m:so", Verdict.EXPLICIT, Verdict.EXPLICIT),
        ("m:no", Verdict.UNSATISFIED, Verdict.UNSATISFIED),
    ],
)
def test_a_series_of_visits_has_one_verdict(visits, literal, keep_first):
    assert decide_verdict(reversed(build_visits(visits))) is literal
    assert decide_verdict(build_visits(visits), "keep_first") is keep_first
