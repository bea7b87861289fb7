"""A second opinion: counts per unit and month straight from a history file, without the rules of the product.

Nothing of the product is imported here, on purpose: other tests compare the database's counts with these.
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
    "scoring.response_basis": "said_or_recorded",
}


def read(lines: Iterable[str]) -> Iterator[dict[str, Any]]:
    """Return the tickets of a JSONL file; blank lines are skipped."""
    return (json.loads(line) for line in lines if line.strip())


def month_of(at: datetime) -> str:
    """Return the local month as "2026-10"."""
    return at.astimezone(LOCAL).strftime("%Y-%m")


def next_month(month: str) -> str:
    """Return the month after."""
    year, number = int(month[:4]), int(month[5:])
    return f"{year + number // 12}-{number % 12 + 1:02d}"


def count(
    tickets: Iterable[dict[str, Any]], due: Due, as_of: datetime, settings: Mapping[str, str] | None = None
) -> Counts:
    """Return every count of a history as it stood at `as_of`.

    Measures: sign return on_time extension red_card satisfaction (Q14-Q23, Q31-Q37), response closure
    answered_satisfaction resolution (Q41), reached answered visit_reached (XD15), `assignments` as [n, n], and for the institution (`management`, else
    `region:NAME`) dispatch. A month in which a unit did nothing is absent.
    """
    chosen = {**DEFAULTS, **(settings or {})}
    counts: Counts = defaultdict(lambda: defaultdict(lambda: [0, 0]))
    for ticket in tickets:
        if ticket.get("merged_into"):
            continue
        _count_dispatching(counts, ticket, due, as_of, chosen)
        for assignment in ticket.get("assignments", []):
            if _happened(assignment.get("dispatched_at"), as_of):
                _count_assignment(counts, ticket, assignment, due, as_of, chosen)
    return counts


def _count_assignment(
    counts: Counts, ticket: dict[str, Any], a: dict[str, Any], due: Due, as_of: datetime, chosen: Mapping[str, str]
) -> None:
    unit, grade, category = a["unit"], ticket["grade"], ticket["category"]
    dispatched = _happened(a["dispatched_at"], as_of)
    assert dispatched
    is_manual = a.get("signed", "manual") == "manual"

    def add(month: str, measure: str, numerator: int, denominator: int = 1) -> None:
        cell = counts[month, unit][measure]
        cell[0] += numerator
        cell[1] += denominator

    add(month_of(dispatched), "assignments", 1)
    sign_due = _time(a.get("sign_due_at")) or due("sign", grade, category, dispatched)
    signed = _happened(a.get("signed_at"), as_of)
    closed = _happened(a.get("closed_at"), as_of)

    request = a.get("return") or {}
    submitted = _happened(request.get("submitted_at"), as_of)
    decided = _happened(request.get("decided_at") or request.get("submitted_at"), as_of)
    decision = request.get("decision") if decided else None
    returned = bool(submitted) and decision == "accepted"
    if submitted and (returned or (chosen["scoring.return_basis"] == "submitted" and decision != "withdrawn")):
        return_due = _time(a.get("sign_due_at")) or due("return", grade, category, dispatched)
        when = submitted if chosen["scoring.return_month"] == "submitted" else decided if decision else None
        if when:
            signed_first = bool(signed and is_manual and signed <= submitted)  # B35
            add(month_of(when), "return", signed_first and submitted <= return_due)

    in_time = bool(signed and is_manual and signed <= sign_due)
    left_out = returned and chosen["scoring.sign_returned"] == "leave_out"
    is_decided = sign_due <= as_of or signed or closed or returned  # else it may still be signed in time
    if is_decided and not left_out and (a.get("lead", True) or chosen["scoring.assisting"] == "sign"):
        add(month_of(dispatched if chosen["scoring.sign_month"] == "dispatched" else sign_due), "sign", in_time)

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

    if not returned and not mass:
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

    given_back = (submitted, decided) if returned else None
    _count_red_card(add, a, mass, dispatched, closed, given_back, close_due, as_of, chosen)
    if returned:
        return

    visited = _visits(ticket, as_of)
    by_visit = chosen["scoring.satisfaction_month"] == "visited"
    if closed and category in ("consult", "help", "complaint") and (visited or not by_visit):
        rated = month_of(_at(visited[-1]) if by_visit else closed)
        unsatisfied = _unsatisfied(ticket, as_of, chosen["scoring.second_visit_unreached"])
        recognised = unsatisfied and _recognised(ticket, as_of)
        if not recognised or chosen["scoring.unreasonable_mode"] == "keep_in_denominator":
            add(rated, "satisfaction", recognised or not unsatisfied)
            add(rated, "reached", any(map(_is_reached, visited)))
            add(rated, "answered", unsatisfied or _said_yes(visited))
    for month in sorted({month_of(_at(visit)) for visit in visited}):
        then = [visit for visit in visited if month_of(_at(visit)) == month]
        add(month, "visit_reached", any(map(_is_reached, then)))

    if close_due <= as_of:
        add(month_of(close_due), "closure", bool(closed))
    contacted = _happened(a.get("contacted_at"), as_of)
    in_limit = bool(contacted and contacted <= due("contact", grade, category, dispatched))
    for measure, field, good, valid in (
        ("response", "contacted", ("yes",), ("yes", "no", "unsure")),
        ("resolution", "resolved", ("resolved",), ("resolved", "partly_resolved", "unresolved")),
        (
            "answered_satisfaction", "answer", ("satisfied", "basically_satisfied"),
            ("satisfied", "basically_satisfied", "unsatisfied"),
        ),
    ):  # fmt: skip
        answered = [visit for visit in _visits(ticket, as_of) if visit.get(field) in valid]
        if answered:
            recorded = measure == "response" and chosen["scoring.response_basis"] == "said_or_recorded" and in_limit
            add(month_of(_at(answered[-1])), measure, answered[-1][field] in good or recorded)


def _is_reached(visit: dict[str, Any]) -> bool:
    """Somebody was there who answered one of the questions."""
    spoken = visit.get("answer") in ("satisfied", "basically_satisfied", "unsatisfied", "unclear")
    return spoken or bool(visit.get("contacted") or visit.get("resolved"))


def _said_yes(visited: list[dict[str, Any]]) -> bool:
    """A person heard a clear answer last of all or, if no machine ever heard a no, a machine heard a yes."""
    clear = ("satisfied", "basically_satisfied", "unsatisfied")
    if any(visit["kind"] == "manual" and visit.get("answer") in clear for visit in visited):
        return True
    heard = {visit.get("answer") for visit in visited}
    return "unsatisfied" not in heard and bool(heard & {"satisfied", "basically_satisfied"})


def _count_red_card(
    add: Callable[..., None],
    a: dict[str, Any],
    mass: bool,
    dispatched: datetime,
    closed: datetime | None,
    given_back: tuple[Any, Any] | None,
    close_due: datetime,
    as_of: datetime,
    chosen: Mapping[str, str],
) -> None:
    """Count the assignment in each month it was in hand, its card in the month of the due time.

    办理工单总量 loses what was given back, from the month it was given back in (Q17); a card issued before that stays
    in its month (B41, Q33, XD1).
    """
    first, last = month_of(dispatched), month_of(closed or as_of)
    if given_back:
        month = month_of(given_back[0])
        last = min(
            last, f"{int(month[:4]) - (month[5:] == '01')}-{(int(month[5:]) - 2) % 12 + 1:02d}"
        )  # the month before
    card = a.get("red_card")
    if card is None:
        over = closed or (given_back and given_back[1])
        card = not mass and (over > close_due if over else close_due < as_of)
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


def _count_dispatching(
    counts: Counts, ticket: dict[str, Any], due: Due, as_of: datetime, chosen: Mapping[str, str]
) -> None:
    generated = _happened(ticket.get("generated_at"), as_of)
    if generated is None or ticket.get("direct_answer"):
        return
    times = [at for a in ticket.get("assignments", []) if (at := _happened(a.get("dispatched_at"), as_of))]
    limit = _time(ticket.get("dispatch_due_at")) or due("dispatch", ticket["grade"], ticket["category"], generated)
    institution = ticket.get("management") or f"region:{ticket.get('region', '')}"
    if not times and chosen["scoring.dispatch_basis"] == "dispatched":
        return
    if not times and limit > as_of:  # it may still be dispatched in time
        return
    by_due = chosen["scoring.dispatch_month"] == "due"
    cell = counts[month_of(limit if by_due else generated), institution]["dispatch"]
    cell[0] += bool(times and min(times) <= limit)
    cell[1] += 1


def _unsatisfied(ticket: dict[str, Any], as_of: datetime, unreached: str) -> bool:
    """Walk the visits in time (B42, B43, Q36): 以人工回访结果为最终评价结果.

    The last clear word said to a person decides. A machine's 不满意 ends otherwise only in silence towards a person who
    asked again; once something vague was said to that person, there was no silence.
    """
    said_to_person = after_complaint = None
    for visit in _visits(ticket, as_of):
        answer = visit["answer"]
        if visit["kind"] == "auto":
            after_complaint = "complained" if answer == "unsatisfied" else after_complaint
        elif answer in ("satisfied", "basically_satisfied", "unsatisfied"):
            said_to_person = answer
        elif after_complaint and after_complaint != "unclear":
            after_complaint = answer
    if said_to_person:
        return bool(said_to_person == "unsatisfied")
    return after_complaint in ("complained", "unclear") or (
        after_complaint == "unreached" and unreached == "keep_first"
    )


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
