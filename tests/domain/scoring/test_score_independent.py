"""The independent counts agree with the worked month E1, built ticket by ticket."""

import json
from datetime import datetime, timedelta

from tests.domain.scoring.independent import LOCAL, count, next_month, read
from tests.domain.scoring.month_e1 import assignment, at, build_month_e1, ticket

SETTLED = datetime(2026, 11, 9, 12, tzinfo=LOCAL)
OCT = "2026-10"


def due(kind, grade, category, at):
    return at + {"sign": timedelta(days=1), "return": timedelta(days=1), "dispatch": timedelta(hours=12)}.get(
        kind, timedelta(days=5)
    )


def count_october(tickets, **settings):
    counts = count(tickets, due, SETTLED, {f"scoring.{key}": value for key, value in settings.items()})
    return {measure: tuple(pair) for measure, pair in counts[OCT, "U01"].items()}


def test_e1_is_counted_as_in_the_example():
    found = count_october(build_month_e1())
    assert found["assignments"] == (120, 120)
    assert found["sign"] == (112, 120)
    assert found["return"] == (9, 10)
    assert found["on_time"] == (104, 110)
    assert found["extension"] == (15, 110)
    assert found["red_card"] == (6, 125)
    assert found["satisfaction"] == (96, 100)


def test_the_settings_of_satisfaction_change_the_count():
    tickets = build_month_e1()
    assert count_october(tickets, second_visit_unreached="keep_first")["satisfaction"] == (95, 100)
    assert count_october(tickets, unreasonable_mode="remove_both")["satisfaction"] == (95, 99)


def test_a_refused_return_counts_only_under_the_submitted_basis_and_a_withdrawn_one_never():
    request = {"submitted_at": at(8, 15), "decided_at": at(9)}
    tickets = [ticket(assignment(**{"return": {**request, "decision": word}})) for word in ("refused", "withdrawn")]
    assert "return" not in count_october(tickets)
    assert count_october(tickets, return_basis="submitted")["return"] == (1, 1)


def test_an_overdue_ticket_never_closed_counts_as_late_only_by_its_due_time():
    tickets = [ticket(assignment(close_due_at=at(13))), ticket(assignment(close_due_at=at(13), closed_at=at(12)))]
    assert count_october(tickets)["on_time"] == (1, 1)
    assert count_october(tickets, closure_basis="due")["on_time"] == (1, 2)
    assert count_october(tickets)["red_card"] == (1, 2)


def test_an_assisting_unit_is_scored_for_signing_only():
    found = count_october([ticket(assignment(lead=False, close_due_at=at(9)))])
    assert found == {"assignments": (1, 1), "sign": (1, 1)}


def test_an_assignment_in_hand_over_new_year_is_in_hand_in_both_months():
    a = assignment(dispatched_at="2026-12-30T09:00:00+08:00", close_due_at="2027-01-04T09:00:00+08:00",
                   signed_at="2026-12-30T10:00:00+08:00", closed_at="2027-01-05T09:00:00+08:00")  # fmt: skip
    counts = count([ticket(a)], due, datetime(2027, 2, 5, tzinfo=LOCAL))
    assert counts["2026-12", "U01"]["red_card"] == [0, 1]
    assert counts["2027-01", "U01"]["red_card"] == [1, 1]
    assert next_month("2026-12") == "2027-01"


def test_a_month_is_local_and_later_events_have_not_happened():
    late_utc = "2026-09-30T16:30:00+00:00"  # 1 October, 00:30 in Changchun
    lines = [json.dumps(ticket(assignment(dispatched_at=late_utc, closed_at=at(12)), generated_at=late_utc)), ""]
    counts = count(read(lines), due, datetime(2026, 10, 10, tzinfo=LOCAL))
    assert counts[OCT, "U01"]["assignments"] == [1, 1]
    assert "on_time" not in counts[OCT, "U01"]
    assert counts[OCT, "region:朝阳区"]["dispatch"] == [1, 1]


def test_the_three_rates_come_from_the_last_visit_that_answered():
    t = ticket(assignment(closed_at=at(9), close_due_at=at(13)), visits=[
        {"kind": "auto", "at": at(14), "answer": "no_reply", "contacted": "no"},
        {"kind": "manual", "at": at(15), "answer": "basically_satisfied", "contacted": "yes", "resolved": "unresolved"},
    ])  # fmt: skip
    found = count_october([t])
    assert (found["response"], found["closure"]) == ((1, 1), (1, 1))
    assert (found["resolution"], found["answered_satisfaction"]) == ((0, 1), (1, 1))
