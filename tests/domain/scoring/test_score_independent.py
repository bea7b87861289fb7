"""The independent reckoning agrees with the worked month E1, built ticket by ticket."""

import json
from datetime import datetime, timedelta

from tests.domain.scoring.independent import LOCAL, count, next_month, read

SETTLED = datetime(2026, 11, 9, 12, tzinfo=LOCAL)
OCT = "2026-10"


def due(kind, grade, category, at):
    return at + {"sign": timedelta(days=1), "return": timedelta(days=1), "dispatch": timedelta(hours=12)}.get(
        kind, timedelta(days=5)
    )


def at(day, hour=9, month=10):
    return datetime(2026, month, day, hour, tzinfo=LOCAL).isoformat()


def assignment(**more):
    return {"unit": "U01", "lead": True, "dispatched_at": at(8), "signed_at": at(8, 11), "signed": "manual", **more}


def ticket(*assignments, **more):
    return {"category": "report", "grade": "general", "region": "朝阳区", "generated_at": at(8, 8), **more,
            "assignments": list(assignments)}  # fmt: skip


def visits(*answers):
    return [{"kind": kind, "at": at(13 + n), "answer": answer} for n, (kind, answer) in enumerate(answers)]


def the_month_of_e1():
    """15 carried in, 120 dispatched (8 auto-signed), 10 returned (1 late), 111 closed, 6 red cards."""
    tickets = []
    september = {"dispatched_at": at(28, 9, 9), "signed_at": at(28, 10, 9), "close_due_at": at(15)}
    for n in range(15):  # carried in, still open unless closed below
        tickets.append(ticket(assignment(**september), generated_at=at(28, 8, 9), tag=n))
    for n in range(120):
        signed = {"signed": "auto", "signed_at": at(9)} if n < 8 else {}
        tickets.append(ticket(assignment(close_due_at=at(13), **signed)))
    for n in range(30, 40):
        tickets[n]["assignments"][0]["return"] = {
            "submitted_at": at(8, 15) if n < 39 else at(12), "decision": "accepted", "decided_at": at(12, 18),
        }  # fmt: skip
    closing = [t for t in tickets if "return" not in t["assignments"][0]][:111]
    for n, t in enumerate(closing):
        a = t["assignments"][0]
        a["closed_at"] = at(12)
        t["category"] = "complaint" if n < 100 else "suggestion"
        if 20 <= n < 29:
            a["extensions"] = [{"granted_at": at(9), "new_due_at": at(20)}]
        if 29 <= n < 32:
            a["extensions"] = [
                {"granted_at": at(9), "new_due_at": at(20)},
                {"granted_at": at(10), "new_due_at": at(25)},
            ]
        if 40 <= n < 46:
            a["closed_at"] = at(14)
    closing[110]["mass_incident"] = True
    chains = [[("auto", "unsatisfied"), ("manual", "satisfied")]] * 3
    chains += [[("auto", "unsatisfied"), ("manual", "unreached")]]
    chains += [[("auto", "unsatisfied"), ("manual", "unsatisfied")]] * 5
    for t, chain in zip(closing[:9], chains, strict=True):
        t["visits"] = visits(*chain)
    closing[8]["unreasonable"] = {"decision": "recognised", "decided_at": at(20)}
    for t in tickets:
        if "closed_at" not in t["assignments"][0]:
            t["assignments"][0]["close_due_at"] = at(3, 9, 11)
    return tickets


def october(tickets, **settings):
    counts = count(tickets, due, SETTLED, {f"scoring.{key}": value for key, value in settings.items()})
    return {measure: tuple(pair) for measure, pair in counts[OCT, "U01"].items()}


def test_e1_is_counted_as_the_example_says():
    found = october(the_month_of_e1())
    assert found["assignments"] == (120, 120)
    assert found["sign"] == (112, 120)
    assert found["return"] == (9, 10)
    assert found["on_time"] == (104, 110)
    assert found["extension"] == (15, 110)
    assert found["red_card"] == (6, 125)
    assert found["satisfaction"] == (96, 100)


def test_the_readings_of_satisfaction_change_the_count():
    tickets = the_month_of_e1()
    assert october(tickets, second_visit_unreached="keep_first")["satisfaction"] == (95, 100)
    assert october(tickets, unreasonable_mode="remove_both")["satisfaction"] == (95, 99)


def test_a_refused_return_counts_only_under_the_submitted_basis_and_a_withdrawn_one_never():
    back = {"submitted_at": at(8, 15), "decided_at": at(9)}
    tickets = [ticket(assignment(**{"return": {**back, "decision": word}})) for word in ("refused", "withdrawn")]
    assert "return" not in october(tickets)
    assert october(tickets, return_basis="submitted")["return"] == (1, 1)


def test_an_overdue_ticket_never_closed_escapes_only_the_literal_reading():
    tickets = [ticket(assignment(close_due_at=at(13))), ticket(assignment(close_due_at=at(13), closed_at=at(12)))]
    assert october(tickets)["on_time"] == (1, 1)
    assert october(tickets, closure_basis="due")["on_time"] == (1, 2)
    assert october(tickets)["red_card"] == (1, 2)


def test_an_assisting_unit_is_scored_for_signing_only():
    found = october([ticket(assignment(lead=False, close_due_at=at(9)))])
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
    found = october([t])
    assert (found["response"], found["closure"]) == ((1, 1), (1, 1))
    assert (found["resolution"], found["answered_satisfaction"]) == ((0, 1), (1, 1))
