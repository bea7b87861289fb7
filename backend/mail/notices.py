"""Fills the text of each message kind: a table of the facts it needs beyond the common ones."""

from collections.abc import Callable
from typing import Any

from backend.domain.ticket import Answer, Obligation
from backend.mail.kinds import KINDS, REVIEWS, request_of
from backend.mail.view import View

Facts = dict[str, Any]


def _reason(v: View) -> Facts:
    return {"reason": v.words(v.given.get("reason")).rstrip("。.")}


def _due(kind: Obligation) -> Callable[[View], Facts]:
    def facts(v: View) -> Facts:
        due = v.due(kind) or v.instant("due")
        return {"due": v.when(due), "left": v.left(due)}

    return facts


def _returned(v: View) -> Facts:
    timely = v.catalogue.get_word("return_timely", "yes" if v.given.get("timely") else "no")
    asked = next((r.asked_at for r in reversed(v.snap.requests) if r.kind == "return"), v.now)
    return {"at": v.when(asked), "timely_text": timely, "review_due": v.when(v.instant("review_due"))}


def _extension(v: View) -> Facts:
    count = v.given.get("n") or (v.target.extension_count + 1 if v.target else 1)
    new, review = v.instant("new_due"), v.instant("review_due")
    return {"n": count, "new_due": v.when(new), "review_due": v.when(review)}


def _review(v: View) -> Facts:
    number = request_of(v.snap, str(v.given.get("what", "return")), v.target.id if v.target else None)
    request = next((r for r in v.snap.requests if r.id == number), None)
    due = v.instant("review_due") or (request.review_due_at if request else None)
    return _extension(v) | _reason(v) | {"review_due": v.when(due)}


def _taken(v: View) -> Facts:
    word = "reassigned" if v.given.get("how") == "reassigned" else "cancelled"
    return {"what": v.catalogue.get_word("taken_away", word)}


def _closed(v: View) -> Facts:
    at = v.target.closed_at if v.target else None
    timely = v.given.get("timely")
    said = v.timely(at) if timely is None else v.catalogue.get_word("timely", "yes" if timely else "no")
    return {"at": v.when(at or v.now), "timely": said}


def _claim(v: View) -> Facts:
    accepted = bool(v.given.get("accepted"))
    again = v.window if v.given.get("appealable") and not accepted else ""
    decision = v.catalogue.get_word("unreasonable", "accepted" if accepted else "refused")
    return _reason(v) | {"decision": decision, "n": again}


def _visit(v: View) -> Facts:
    ticket, last = v.snap.ticket, v.snap.visits[-1] if v.snap.visits else None
    if "confidential" in ticket.flags:
        why = "confidential"
    elif v.given.get("why"):
        why = str(v.given["why"])
    elif not ticket.has_phone:
        why = "no_phone"
    elif last is not None and last.answer == Answer.UNSATISFIED:
        why = "unsatisfied"
    else:
        why = "unclear"
    return {"reason": v.catalogue.get_word("visit_reason", why), "due": v.when(v.due(Obligation.REVISIT))}


#: kind → facts beyond View.facts
EXTRA: dict[str, Callable[[View], Facts]] = {
    "M4": lambda v: {"left": v.left(v.target.close_due_at if v.target else None)},
    "M8": lambda v: {"n": v.window},
    "M8d": lambda v: (
        _reason(v)
        | {"decision": v.catalogue.get_word("objection", "accepted" if v.given.get("accepted") else "refused")}
    ),
    "M9": _returned,
    "M9r": _review,
    "M11": _reason,
    "M11a": _reason,
    "M12": _taken,
    "M13": _extension,
    "M14": _extension,
    "M15": _reason,
    "M15c": _reason,
    "M16": lambda v: _reason(v) | {"supervise_due": v.when(v.instant("due") or v.due(Obligation.SUPERVISE))},
    "M16r": lambda v: {"text": v.words(v.given.get("text"))},
    "M16e": lambda v: {"text": v.words(v.given.get("text"))},
    "M17": _closed,
    "M18": lambda v: _reason(v) | {"due": v.facts["close_due"]},
    "M19": lambda v: {
        "summary": v.words(v.given.get("summary")).rstrip("。."),
        "due": v.when(v.instant("due")),
    },
    "M20": _claim,
    "M20u": lambda v: {"n": v.window},
    "M25v": _visit,
    "M26": _due(Obligation.DISPATCH),
    "M31": _due(Obligation.CONTACT),
    "M32": _due(Obligation.SUPERVISE),
    "M33": _due(Obligation.REWORK),
    "M34": lambda v: {"explanation": v.words(v.given.get("explanation"))},
    "M30": lambda v: {"n": v.given.get("n", v.snap.ticket.repeats)},
    "M27": _due(Obligation.REVIEW),
    "M28": _due(Obligation.REVISIT),
    "M28d": _due(Obligation.REVISIT),
    "M29": _reason,
    "M25": lambda v: {
        "n": v.given.get("n", 1),
        "time": v.when(v.instant("at")),
        "duty_phone": v.given.get("duty_phone", ""),
    },
    "B1": lambda v: {
        "reason": v.catalogue.get_word_or_value("bridge_failed", str(v.given.get("outcome"))),
        "time": v.when(v.instant("at")),
    },
    "B2": lambda v: {
        "n": v.given.get("n", 1),
        "time": v.when(v.instant("at")),
        "enough": v.catalogue.render("chat.B2_enough", n=v.given["n"]) if v.given.get("enough") else "",
    },
    "B3": lambda v: {"seconds": v.given.get("seconds", 0)},
    "D1": lambda v: {"person": v.given.get("person", "")},
    "U1": lambda v: {"name": v.given.get("name", ""), "unit": v.given.get("unit", "")},
}


def text_key(kind: str, given: Any) -> str:
    """Return the catalogue key for a kind; a reviewer's depends on what is asked."""
    if kind == "M25v" and given.get("why") == "danger":
        return "chat.task_visit_urgent"
    return REVIEWS[given.get("what", "return")][0] if kind == "M9r" else KINDS[kind].text


def said(kind: str, view: View) -> str:
    """Render the text of a message."""
    extra = EXTRA.get(kind)
    facts = {**view.facts, **(extra(view) if extra else {})}
    return view.catalogue.render(text_key(kind, view.given), **facts)


def status(view: View) -> str:
    """Render the status lines of a live card from the assignment's state."""
    target = view.target
    assert target is not None
    say, state, facts = view.catalogue.render, str(target.state), view.facts
    if state == "cancelled":
        word = "cancelled" if str(view.snap.ticket.state) == "cancelled" else "reassigned"
        return say("card.taken_away", what=view.catalogue.get_word("taken_away", word))
    if state in ("revisit_auto", "revisit_manual", "unreasonable_review"):
        state = "closed"
    if state == "archived":
        state = "finalized"
    if state == "signed" and target.signed == "auto":
        state = "auto_signed"
    if state == "replied" and _explained(view):
        state = "explained"
    who = target.replied_by if state == "replied" else target.signed_by
    asked = next((r for r in reversed(view.snap.requests) if r.decision is None), None)
    text = say(
        f"card.{state}", **facts, name=view.name(who), timely=view.timely(target.closed_at),
        due=view.when(view.due(Obligation.REWORK)),
        review_due=view.when(asked.review_due_at if asked else None),
        new_due=view.when(_new_due(view)),
    )  # fmt: skip
    ahead = []
    if target.red_card_at is not None and target.closed_at is None and target.ended_at is None:
        ahead.append(say("card.red"))
    supervise = view.due(Obligation.SUPERVISE)
    if "supervised" in view.snap.ticket.flags and supervise is not None and target.ended_at is None:
        ahead.append(say("card.supervised", supervise_due=view.when(supervise)))
    return "\n".join([*ahead, text])


def _explained(view: View) -> bool:
    return any(
        r.kind == "explained_close" and r.decision is None and view.target and r.assignment_id == view.target.id
        for r in view.snap.requests
    )


def _new_due(view: View) -> Any:
    asked = next((r for r in reversed(view.snap.requests) if r.kind == "extension" and r.decision is None), None)
    value = asked.facts.get("new_due_at") if asked else None
    return view.now.fromisoformat(value) if isinstance(value, str) else None
