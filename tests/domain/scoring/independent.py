"""A second opinion: counts per unit and month straight from a history file, by plain Python, without the product's rules.

Nothing of the product is imported here, on purpose: later tests compare the database's counts with these.
`due(kind, grade, category, at)` answers the due times the file does not give (kind: sign, return, dispatch, close).
"""

import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime, timedelta, timezone
from typing import Any

Due = Callable[[str, str, str, datetime], datetime]
Counts = dict[tuple[str, str], dict[str, list[int]]]  # (month, unit) -> measure -> [numerator, denominator]

LOCAL = timezone(timedelta(hours=8))
DEFAULTS = {
    "scoring.closure_basis": "closed",
    "scoring.return_basis": "accepted",
    "scoring.unreasonable_mode": "keep_in_denominator",
    "scoring.second_visit_unreached": "satisfied",
    "scoring.sign_month": "dispatched",
    "scoring.sign_returned": "keep",
    "scoring.assisting": "sign",
    "scoring.dispatch_month": "generated",
    "scoring.dispatch_basis": "requiring",
    "scoring.return_month": "submitted",
    "scoring.extension_month": "closed",
    "scoring.satisfaction_month": "closed",
    "scoring.red_card_month": "due",
    "scoring.red_card_basis": "in_hand",
}


def read(lines: Iterable[str]) -> Iterator[dict[str, Any]]:
    """Tickets of a JSONL file, blank lines skipped."""
    return (json.loads(line) for line in lines if line.strip())


def month_of(at: datetime) -> str:
    """The local month, "2026-10"."""
    return at.astimezone(LOCAL).strftime("%Y-%m")


def next_month(month: str) -> str:
    """The month after."""
    year, number = int(month[:4]), int(month[5:])
    return f"{year + number // 12}-{number % 12 + 1:02d}"


def count(
    tickets: Iterable[dict[str, Any]], due: Due, as_of: datetime, settings: Mapping[str, str] | None = None
) -> Counts:
    """Every count of a history as it stood at `as_of`.

    Measures: sign return on_time extension red_card satisfaction (Q14-Q23, Q31-Q37), response closure
    answered_satisfaction resolution (Q41), `assignments` as [n, n], and for the institution (`management`, else
    `region:NAME`) dispatch. A month in which a unit did nothing is absent.
    """
    chosen = {**DEFAULTS, **(settings or {})}
    counts: Counts = defaultdict(lambda: defaultdict(lambda: [0, 0]))
    for ticket in tickets:
        if ticket.get("merged_into"):
            continue
        _dispatching(counts, ticket, due, as_of, chosen)
        for assignment in ticket.get("assignments", []):
            if _happened(assignment.get("dispatched_at"), as_of):
                _one(counts, ticket, assignment, due, as_of, chosen)
    return counts


def _one(
    counts: Counts, ticket: dict[str, Any], a: dict[str, Any], due: Due, as_of: datetime, chosen: Mapping[str, str]
) -> None:
    unit, grade, category = a["unit"], ticket["grade"], ticket["category"]
    dispatched = _happened(a["dispatched_at"], as_of)
    assert dispatched
    by_hand = a.get("signed", "manual") == "manual"

    def add(month: str, measure: str, numerator: int, denominator: int = 1) -> None:
        cell = counts[month, unit][measure]
        cell[0] += numerator
        cell[1] += denominator

    add(month_of(dispatched), "assignments", 1)
    sign_due = _time(a.get("sign_due_at")) or due("sign", grade, category, dispatched)
    signed = _happened(a.get("signed_at"), as_of)
    closed = _happened(a.get("closed_at"), as_of)

    back = a.get("return") or {}
    submitted = _happened(back.get("submitted_at"), as_of)
    decided = _happened(back.get("decided_at") or back.get("submitted_at"), as_of)
    decision = back.get("decision") if decided else None
    given_back = bool(submitted) and decision == "accepted"
    if submitted and (given_back or (chosen["scoring.return_basis"] == "submitted" and decision != "withdrawn")):
        return_due = _time(a.get("sign_due_at")) or due("return", grade, category, dispatched)
        when = submitted if chosen["scoring.return_month"] == "submitted" else decided if decision else None
        if when:
            add(month_of(when), "return", bool(by_hand and submitted <= return_due))

    in_time = bool(signed and by_hand and signed <= sign_due)
    left_out = given_back and chosen["scoring.sign_returned"] == "leave_out"
    if not left_out and (a.get("lead", True) or chosen["scoring.assisting"] == "sign"):
        if chosen["scoring.sign_month"] == "dispatched":
            add(month_of(dispatched), "sign", in_time)
        elif sign_due <= as_of or signed or closed or given_back:
            add(month_of(sign_due), "sign", in_time)

    if not a.get("lead", True):
        return
    mass = bool(ticket.get("mass_incident"))
    granted = sorted(
        (_time(e["granted_at"]), _time(e["new_due_at"]))
        for e in a.get("extensions", [])
        if _happened(e["granted_at"], as_of)
    )
    first_due = _time(a.get("close_due_at")) or due("close", grade, category, dispatched)
    close_due = granted[-1][1] if granted else first_due
    assert close_due

    if not given_back and not mass:
        timely = bool(closed and closed <= close_due)
        if chosen["scoring.closure_basis"] == "due":
            if close_due <= as_of or closed:
                add(month_of(close_due), "on_time", timely)
        elif closed:
            add(month_of(closed), "on_time", timely)
        if chosen["scoring.extension_month"] == "due":
            if close_due <= as_of or closed:
                add(month_of(close_due), "extension", len(granted))
        elif closed:
            add(month_of(closed), "extension", len(granted))

    _in_hand(add, a, mass, dispatched, closed, submitted if given_back else None, close_due, as_of, chosen)
    if given_back:
        return

    visited = _visits(ticket, as_of)
    by_visit = chosen["scoring.satisfaction_month"] == "visited"
    if closed and category in ("consult", "help", "complaint") and (visited or not by_visit):
        rated = month_of(_at(visited[-1]) if by_visit else closed)
        unsatisfied = _unsatisfied(ticket, as_of, chosen["scoring.second_visit_unreached"])
        if unsatisfied and _recognised(ticket, as_of):
            if chosen["scoring.unreasonable_mode"] == "keep_in_denominator":
                add(rated, "satisfaction", 1)
        else:
            add(rated, "satisfaction", not unsatisfied)

    if close_due <= as_of:
        add(month_of(close_due), "closure", bool(closed))
    for measure, field, good, asked in (
        ("response", "contacted", ("yes",), ("yes", "no", "unsure")),
        ("resolution", "resolved", ("resolved",), ("resolved", "partly_resolved", "unresolved")),
        (
            "answered_satisfaction", "answer", ("satisfied", "basically_satisfied"),
            ("satisfied", "basically_satisfied", "unsatisfied"),
        ),
    ):  # fmt: skip
        told = [visit for visit in _visits(ticket, as_of) if visit.get(field) in asked]
        if told:
            add(month_of(_at(told[-1])), measure, told[-1][field] in good)


def _in_hand(
    add: Callable[..., None],
    a: dict[str, Any],
    mass: bool,
    dispatched: datetime,
    closed: datetime | None,
    given_back: datetime | None,
    close_due: datetime,
    as_of: datetime,
    chosen: Mapping[str, str],
) -> None:
    """One in each month it was in hand; the card in the month of the due time, when it was in hand then."""
    first, last = month_of(dispatched), month_of(closed or as_of)
    if given_back:
        gone = month_of(given_back)
        last = min(last, f"{int(gone[:4]) - (gone[5:] == '01')}-{(int(gone[5:]) - 2) % 12 + 1:02d}")
    card = a.get("red_card")
    if card is None:
        late = closed > close_due if closed else close_due < as_of
        card = not mass and not given_back and late
    carded = month_of(close_due if closed is None or not card else min(close_due, closed))
    if chosen["scoring.red_card_month"] == "closed":
        card, carded = card and closed is not None, month_of(closed or close_due)
    if chosen["scoring.red_card_basis"] == "dispatched":
        if not given_back:
            add(first, "red_card", bool(card))
        return
    month = first
    while month <= last:
        add(month, "red_card", bool(card and month == carded))
        month = next_month(month)


def _dispatching(counts: Counts, ticket: dict[str, Any], due: Due, as_of: datetime, chosen: Mapping[str, str]) -> None:
    generated = _happened(ticket.get("generated_at"), as_of)
    if generated is None or ticket.get("direct_answer"):
        return
    times = [at for a in ticket.get("assignments", []) if (at := _happened(a.get("dispatched_at"), as_of))]
    limit = _time(ticket.get("dispatch_due_at")) or due("dispatch", ticket["grade"], ticket["category"], generated)
    who = ticket.get("management") or f"region:{ticket.get('region', '')}"
    if not times and chosen["scoring.dispatch_basis"] == "dispatched":
        return
    by_due = chosen["scoring.dispatch_month"] == "due"
    if by_due and not times and limit > as_of:
        return
    cell = counts[month_of(limit if by_due else generated), who]["dispatch"]
    cell[0] += bool(times and min(times) <= limit)
    cell[1] += 1


def _unsatisfied(ticket: dict[str, Any], as_of: datetime, unreached: str) -> bool:
    """Walks the visits in time: a person's word replaces a machine's; silence never replaces a person's word."""
    machine = person = None
    tried = ""
    for visit in _visits(ticket, as_of):
        answer = visit["answer"]
        spoken = answer not in ("no_reply", "unreached")
        if visit["kind"] == "manual":
            tried = answer
            person = answer if spoken else person
        elif spoken:
            machine = answer
    if person:
        return bool(person == "unsatisfied")
    if machine != "unsatisfied":
        return False
    if not tried:
        return True
    return tried == "unreached" and unreached == "keep_first"


def _recognised(ticket: dict[str, Any], as_of: datetime) -> bool:
    claim = ticket.get("unreasonable") or {}
    return claim.get("decision") == "recognised" and _happened(claim.get("decided_at"), as_of) is not None


def _visits(ticket: dict[str, Any], as_of: datetime) -> list[dict[str, Any]]:
    return sorted((v for v in ticket.get("visits", []) if _happened(v["at"], as_of)), key=_at)


def _at(visit: dict[str, Any]) -> datetime:
    at = _time(visit["at"])
    assert at
    return at


def _time(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def _happened(text: str | None, as_of: datetime) -> datetime | None:
    at = _time(text)
    return at if at and at <= as_of else None
