"""The month of example E1: as counts with its ledger, and as a history, ticket by ticket."""

from datetime import datetime

from tests.domain.scoring.independent import LOCAL

E1_LEDGER = [
    {"kind": "contact_unreported"}, {"kind": "absence"}, {"kind": "praise", "count": 3},
    {"kind": "honour", "matter": "m1", "level": "county"}, {"kind": "media", "matter": "p1", "level": "city"},
    {"kind": "media", "matter": "p1", "level": "province"}, {"kind": "knowledge", "count": 22},
]  # fmt: skip
E1 = {
    "scheme": "jilin-unit", "assignments": 120, "ledger": E1_LEDGER,
    "rates": {"sign": [112, 120], "return": [9, 10], "on_time": [104, 110], "extension": [15, 110],
              "red_card": [6, 125], "satisfaction": [96, 100]},
}  # fmt: skip


def at(day, hour=9, month=10):
    return datetime(2026, month, day, hour, tzinfo=LOCAL).isoformat()


def assignment(**more):
    return {"unit": "U01", "lead": True, "dispatched_at": at(8), "signed_at": at(8, 11), "signed": "manual", **more}


def ticket(*assignments, **more):
    return {"category": "report", "grade": "general", "region": "朝阳区", "generated_at": at(8, 8), **more,
            "assignments": list(assignments)}  # fmt: skip


def build_visits(*answers):
    return [{"kind": kind, "at": at(13 + n), "answer": answer} for n, (kind, answer) in enumerate(answers)]


def build_month_e1():
    """Build E1: 15 tickets carried in, 120 dispatched (8 auto-signed), 10 returned (1 late), 111 closed, 6 red cards."""
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
        t["visits"] = build_visits(*chain)
    closing[8]["unreasonable"] = {"decision": "recognised", "decided_at": at(20)}
    for t in tickets:
        if "closed_at" not in t["assignments"][0]:
            t["assignments"][0]["close_due_at"] = at(3, 9, 11)
    return tickets
